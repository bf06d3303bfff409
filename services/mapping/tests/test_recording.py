"""Pages in, events out, rows stored: on the real Postgres and Kafka."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import pytest

from lineshaft.common.errors import RetryableError
from lineshaft.common.kafka.record import Message
from lineshaft.mapping import recording
from lineshaft.mapping.adapters import postgres
from lineshaft.mapping.domain.messages import RawMessage

from . import drive
from .builders import READ_AT, mapping_changed, records_read
from .drive import Reader, Service

pytestmark = pytest.mark.integration

pool, service, items, dead_letters = drive.pool, drive.service, drive.items, drive.dead_letters

A = {"id": 1, "name": "Pump", "code": "P-1"}
B = {"id": 1, "name": "Feed pump", "code": "P-1"}
OTHER = {"id": 2, "name": "Valve", "code": "V-1"}


LONG = {"volume": "12345678901234567.89", "level": "0.1234567890123456789", "serial": "99999999999999999999"}


def page(service: Service, *records: Mapping[str, Any], **options: Any) -> Message:
    return records_read(records, connection_id=service.connection_id, **options)


async def test_a_page_becomes_events_and_rows(service: Service, items: Reader) -> None:
    await service.raw(page(service, A, OTHER))
    events = await items.new()
    rows = await service.stored()
    assert [event.type for event in events] == ["lineshaft.entity.upserted"] * 2
    assert {event.key for event in events} == {f"{service.connection_id}/{row['id']}" for row in rows}
    by_id = {row["id"]: row["document"] for row in rows}
    assert all(by_id[event.data["id"]] == event.data for event in events)
    assert [row["raw"] for row in rows] == [A, OTHER]
    document = rows[0]["document"]
    assert (
        document
        | {
            "entity": "item",
            "connection_id": service.connection_id,
            "source_id": "1",
            "number": "P-1",
            "name": "Pump",
            "display": "Pump",
            "revision": 1,
            "mapping_version": 1,
            "observed_at": "2026-03-01T06:30:00Z",
            "deleted_at": None,
            "custom_fields": {},
        }
        == document
    )
    assert (rows[0]["observed_at"], rows[0]["object"]) == (READ_AT, "product")


async def test_the_same_page_again_tells_nothing(service: Service, items: Reader) -> None:
    await service.raw(page(service, A, OTHER))
    before = await service.stored()
    first = await items.new()
    await service.raw(page(service, A, OTHER))
    await service.raw(page(service, A, OTHER, sequence=2))
    assert len(first) == 2
    assert await items.new() == []
    assert await service.stored() == before


async def test_a_change_is_the_next_revision(service: Service, items: Reader) -> None:
    await service.raw(page(service, A, OTHER))
    await items.new()
    await service.raw(page(service, B, OTHER, sequence=2))
    (event,) = await items.new()
    assert (event.data["name"], event.data["revision"]) == ("Feed pump", 2)
    row, other = await service.stored()
    assert (row["revision"], row["read_sequence"], row["raw"]) == (2, 2, B)
    assert row["changed_at"] > other["changed_at"]


async def test_two_versions_in_one_batch(service: Service, items: Reader) -> None:
    messages = [page(service, A), page(service, B, sequence=2)]
    await service.raw(*messages)
    events = await items.new()
    assert [(event.data["name"], event.data["revision"]) for event in events] == [
        ("Pump", 1),
        ("Feed pump", 2),
    ]
    await service.raw(*messages)
    assert await items.new() == []
    (row,) = await service.stored()
    assert (row["revision"], row["document"]["name"]) == (2, "Feed pump")


async def test_a_lower_position_never_wins(service: Service, items: Reader) -> None:
    await service.raw(page(service, B, epoch=2, sequence=5))
    await items.new()
    await service.raw(page(service, A, epoch=2, sequence=4))
    await service.raw(page(service, A, epoch=1, sequence=9))
    assert await items.new() == []
    (row,) = await service.stored()
    assert row["document"]["name"] == "Feed pump"


async def test_a_page_waits_for_the_definition_of_the_custom_object_that_it_was_read_for(
    service: Service,
) -> None:
    mine = {"custom_fields": {"name": {"path": "name", "type": "string"}}}
    definition = mapping_changed(
        mine, version=2, entity="custom:mine", object_name="tool", connection_id=service.connection_id
    )
    read = page(service, A, object_name="tool", definitions={"custom:mine": 2})
    with pytest.raises(RetryableError, match="custom:mine, version 2"):
        await service.raw(read)
    await service.change_mapping(definition)
    await service.raw(read)
    assert [one["source_id"] for one in await service.stored("custom:mine")] == ["1"]


async def test_a_definition_that_never_comes_holds_up_nothing_for_long(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PATIENCE", timedelta())
    await service.raw(page(service, A, definitions={"custom:mine": 2}))
    assert len(await service.stored()) == 1


async def test_an_unchanged_read_overtakes_too(service: Service, items: Reader) -> None:
    """The row itself is not touched by an unchanged read, yet a page from before that read is stale."""
    await service.raw(page(service, B, sequence=1))
    await service.raw(page(service, B, sequence=3))
    await service.raw(page(service, A, OTHER, sequence=2))
    assert {event.data["name"] for event in await items.new()} == {"Feed pump", "Valve"}
    assert [row["document"]["name"] for row in await service.stored()] == ["Feed pump", "Valve"]


async def test_folding_old_slices_keeps_what_they_say(service: Service, items: Reader) -> None:
    await service.raw(page(service, B, sequence=1), page(service, B, sequence=3))
    while await postgres.fold_old_slices(service.pool, datetime.now(UTC), timedelta(hours=1)):
        pass
    kept = await service.pool.fetchval(
        "select count(*) from read_slice where connection_id = $1", service.connection_id
    )
    await service.raw(page(service, A, OTHER, sequence=2))
    assert kept == 0
    assert [row["read_sequence"] for row in await service.stored()] == [3, 2]
    assert {event.data["name"] for event in await items.new()} == {"Feed pump", "Valve"}


async def test_a_crash_between_publish_and_persist_tells_the_same_again(
    service: Service, items: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [page(service, A, OTHER), page(service, B, sequence=2)]

    async def crash(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(postgres, "write_records", crash)
        with pytest.raises(RetryableError):
            await service.raw(*messages)
    first = await items.new()
    assert await service.stored() == []
    await service.raw(*messages)
    again = await items.new()
    assert {event.id for event in first} == {event.id for event in again}
    assert sorted(event.data["revision"] for event in again) == [1, 1, 2]
    assert [row["revision"] for row in await service.stored()] == [2, 1]


async def test_another_writer_in_between_is_noticed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.raw(page(service, A))
    publish = service.producer.publish_batches

    async def overtake(messages: Any) -> None:
        await publish(messages)
        await service.pool.execute(
            "update record set revision = 7 where connection_id = $1", service.connection_id
        )

    with monkeypatch.context() as patch:
        patch.setattr(service.producer, "publish_batches", overtake)
        with pytest.raises(postgres.OvertakenError):
            await service.raw(page(service, B, sequence=2))
    await service.raw(page(service, B, sequence=2))
    (row,) = await service.stored()
    assert row["revision"] == 8


async def test_a_record_without_a_key_is_set_aside_alone(
    service: Service, items: Reader, dead_letters: Reader
) -> None:
    await service.raw(page(service, A, {"name": "no key"}, OTHER))
    assert len(await items.new()) == 2
    (letter,) = await dead_letters.new()
    assert letter.data["records"] == [{"name": "no key"}]


async def test_odd_text_is_stored(service: Service, items: Reader) -> None:
    await service.raw(page(service, {"id": 1, "name": "a\0b", "code": "\ufffd"}))
    (row,) = await service.stored()
    (event,) = await items.new()
    assert row["raw"]["name"] == row["document"]["name"] == event.data["name"] == "ab"


async def test_field_errors_are_counted_once(service: Service) -> None:
    messages = [page(service, A | {"days": "soon"}, OTHER | {"days": "later"})]
    await service.raw(*messages)
    await service.raw(*messages)
    rows = await service.pool.fetch(
        "select * from field_error where connection_id = $1", service.connection_id
    )
    assert [(row["field"], row["count"], row["sample"]) for row in rows] == [("lead_time_days", 2, "later")]


async def test_views(service: Service) -> None:
    await service.raw(page(service, A))
    (row,) = await service.pool.fetch(
        "select * from entity_view where connection_id = $1", service.connection_id
    )
    assert {"document", "raw", "revision", "mapping_version", "changed_at", "deleted_at"} <= set(row.keys())
    assert orjson.dumps(row["document"])


async def test_a_deletion_is_told_and_the_topic_forgets_the_key(service: Service, items: Reader) -> None:
    await service.raw(page(service, A, OTHER))
    await items.new()
    gone = page(service, sequence=2, deleted=["1", "99"])
    await service.raw(gone)
    await service.raw(gone)
    event, tombstone = await items.new()
    assert (event.type, event.data["name"]) == ("lineshaft.entity.deleted", "Pump")
    assert (event.data["revision"], event.data["deleted_at"] is not None) == (2, True)
    assert event.data["deletion_kind"] == "native"
    assert (tombstone.key, tombstone.type, tombstone.data) == (event.key, "", {})
    row, other = await service.stored()
    assert (row["document"], row["deleted_at"] is not None) == (event.data, True)
    assert other["deleted_at"] is None
    await service.raw(page(service, A, sequence=1))
    assert await items.new() == []
    await service.raw(page(service, A, sequence=3))
    (back,) = await items.new()
    assert (back.type, back.data["revision"]) == ("lineshaft.entity.upserted", 3)
    assert back.data["deleted_at"] is None


async def test_a_record_that_the_source_marks_as_deleted_is_told_as_such(
    service: Service, items: Reader
) -> None:
    """`deletes: {by: field}` with the field mapped to `deleted_at`."""
    marks = {"fields": {"name": "name", "deleted_at": "removed"}}
    await service.change_mapping(mapping_changed(marks, connection_id=service.connection_id))
    await service.raw(page(service, A | {"removed": None}, OTHER))
    await items.new()
    await service.raw(page(service, A | {"removed": "2026-03-01T08:00:00Z"}, OTHER, sequence=2))
    event, tombstone = await items.new()
    assert (event.type, event.data["name"]) == ("lineshaft.entity.deleted", "Pump")
    assert event.data["deleted_at"] == "2026-03-01T08:00:00Z"
    assert (tombstone.key, tombstone.type, tombstone.data) == (event.key, "", {})
    row, other = await service.stored()
    assert (row["deleted_at"] is not None, other["deleted_at"]) == (True, None)


async def test_long_numbers_keep_all_of_their_digits_when_mapped_and_when_mapped_again(
    service: Service, items: Reader
) -> None:
    async def change(version: int, *names: str) -> RawMessage:
        fields = {name: {"path": name, "type": "decimal"} for name in names}
        definition = {"fields": {"name": "serial"}, "custom_fields": fields}
        event = mapping_changed(definition, version=version, connection_id=service.connection_id)
        return await service.change_mapping(event)

    await change(2, "volume", "level")
    message = page(service, A | dict.fromkeys(LONG, 0))
    value = message.value or b""
    for name, digits in LONG.items():
        value = value.replace(f'"{name}":0'.encode(), f'"{name}":{digits}'.encode())
    await service.raw(msgspec.structs.replace(message, value=value))
    told = await items.new()
    await service.handler([await change(3, *LONG)])
    told += await items.new()
    assert [event.data["name"] for event in told] == [LONG["serial"]] * 2
    first = {name: LONG[name] for name in ("volume", "level")}
    assert [event.data["custom_fields"] for event in told] == [first, LONG]
    (row,) = await service.stored()
    assert row["document"]["custom_fields"] == LONG
    assert {name: str(row["raw"][name]) for name in LONG} == LONG
