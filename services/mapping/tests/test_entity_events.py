from lineshaft.common.events.envelope import headers
from lineshaft.mapping.domain.entity_events import SOURCE, UPSERTED, EntityEvents, entity_event_id


def test_the_headers_are_those_of_every_event() -> None:
    message = EntityEvents("con_1", "item", 2, b"2026-03-01T06:30:00+00:00", b"00-1-2-01").upserted(
        "ab12", 3, "hash", b"{}"
    )
    event_id = entity_event_id("ab12", 3, 2, "hash")
    expected = headers(event_id, UPSERTED, SOURCE, "2026-03-01T06:30:00+00:00", "con_1/ab12", "con_1/ab12")
    assert sorted(message.headers) == sorted([*expected, ("traceparent", b"00-1-2-01")])
    assert (message.topic, message.key) == ("entities.item", b"con_1/ab12")


def test_custom_objects_share_a_topic_and_the_trace_goes_on() -> None:
    message = EntityEvents("con_1", "custom:tool", 1, b"", b"00-1-2-01").upserted("ab12", 1, "hash", b"{}")
    assert message.topic == "entities.custom"
    assert dict(message.headers)["traceparent"] == b"00-1-2-01"


def test_the_id_depends_on_all_that_makes_the_event() -> None:
    ids = {
        entity_event_id("a", 1, 1, "h"),
        entity_event_id("b", 1, 1, "h"),
        entity_event_id("a", 2, 1, "h"),
        entity_event_id("a", 1, 2, "h"),
        entity_event_id("a", 1, 1, "g"),
    }
    assert len(ids) == 5
    assert entity_event_id("a", 1, 1, "h") in ids
