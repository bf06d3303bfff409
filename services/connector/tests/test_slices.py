from datetime import UTC, datetime

import orjson
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.events.records import RecordsRead
from lineshaft.connector.domain.slices import MOST_BYTES, MOST_RECORD_BYTES, Origin, sliced

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
ORIGIN = Origin("con_1", "tryton", "party.party", "syn_1", 3)


def record(number: int, size: int) -> bytes:
    return orjson.dumps({"id": number, "fill": "x" * size})


def test_a_message_is_what_the_model_says() -> None:
    slices = sliced(ORIGIN, [record(1, 5), record(2, 5)], 7, NOW, "connector")
    (message,) = slices.messages
    data = RecordsRead.model_validate_json(message.value or b"")
    assert (data.read_sequence, data.lease_epoch, len(data.records)) == (8, 3, 2)
    headers = dict(message.headers)
    assert headers["ce_type"] == b"lineshaft.records.read"
    assert message.key == b"con_1/party.party" == headers["ce_partitionkey"]


def test_the_same_slice_has_the_same_event_id() -> None:
    ids = [
        dict(sliced(ORIGIN, [record(1, 5)], sequence, NOW, "connector").messages[0].headers)["ce_id"]
        for sequence in (0, 0, 1)
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_record_that_no_message_can_hold_is_left_out() -> None:
    slices = sliced(ORIGIN, [record(1, 5), record(2, MOST_RECORD_BYTES), record(3, 5)], 0, NOW, "connector")
    assert len(slices.oversized) == 1
    assert [one["id"] for one in orjson.loads(slices.messages[0].value or b"")["records"]] == [1, 3]


def test_an_empty_page_is_no_message() -> None:
    slices = sliced(ORIGIN, [], 4, NOW, "connector")
    assert (slices.messages, slices.read_sequence) == ((), 4)


@given(sizes=st.lists(st.integers(0, 300_000), max_size=12), start=st.integers(0, 100))
def test_messages_are_small_numbered_and_complete(sizes: list[int], start: int) -> None:
    records = [record(number, size) for number, size in enumerate(sizes)]
    slices = sliced(ORIGIN, records, start, NOW, "connector")
    decoded = [orjson.loads(message.value or b"") for message in slices.messages]
    assert [one["id"] for part in decoded for one in part["records"]] == list(range(len(sizes)))
    assert [part["read_sequence"] for part in decoded] == list(range(start + 1, start + 1 + len(decoded)))
    assert slices.read_sequence == start + len(decoded)
    for message, part in zip(slices.messages, decoded, strict=True):
        assert len(message.value or b"") < MOST_BYTES + 1_000 or len(part["records"]) == 1
