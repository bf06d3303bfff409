"""Stored records follow a changed mapping, without the source."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from faststream.kafka import KafkaBroker

from lineshaft.common import topics as registry
from lineshaft.common.errors import DeadLetterError
from lineshaft.common.events.envelope import Decoder, encode
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.record import Message
from lineshaft.mapping.domain.messages import decode

from . import drive
from .builders import mapping_changed, records_read
from .drive import Reader, Service

if TYPE_CHECKING:
    from lineshaft.tools.testing.infrastructure import Topics

pytestmark = pytest.mark.integration

pool, service, items, dead_letters = drive.pool, drive.service, drive.items, drive.dead_letters

BY_CODE = {"fields": {"name": "code", "number": "code"}}
TYPE = ("ce_type", b"lineshaft.records.read")


def record(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"Name {number}", "code": f"C-{number}"}


def page(service: Service, *numbers: int, sequence: int = 1) -> Message:
    return records_read(
        [record(number) for number in numbers], connection_id=service.connection_id, sequence=sequence
    )


async def drain(service: Service) -> int:
    """Handle chunks until none is left; how many there were."""
    done = 0
    while chunks := await service.chunks():
        await service.handler(chunks)
        done += len(chunks)
    return done


async def progress(service: Service) -> dict[str, Any]:
    row = await service.pool.fetchrow(
        "select * from remap_view where connection_id = $1", service.connection_id
    )
    assert row is not None
    return dict(row)


async def test_all_rows_follow_and_are_told(service: Service, items: Reader) -> None:
    await service.raw(page(service, *range(7)))
    await items.new()
    first = await service.change_mapping(mapping_changed(BY_CODE, connection_id=service.connection_id))
    await service.handler([first])
    assert {row["mapping_version"] for row in await service.stored()} == {1, 2}
    assert await drain(service) == 3
    rows = await service.stored()
    assert {row["mapping_version"] for row in rows} == {2}
    assert [row["document"]["name"] for row in rows] == [f"C-{number}" for number in range(7)]
    assert {(row["revision"], row["document"]["mapping_version"]) for row in rows} == {(2, 2)}
    events = await items.new()
    assert sorted(event.data["name"] for event in events) == [f"C-{number}" for number in range(7)]
    done = await progress(service)
    assert (done["version"], done["mapped"], done["changed"]) == (2, 7, 7)
    assert done["finished_at"] is not None


async def test_content_that_stays_is_not_told(service: Service, items: Reader) -> None:
    await service.raw(page(service, 1, 2))
    await items.new()
    same = {"fields": {"name": "name", "number": "code", "lead_time_days": "days", "uom": {"const": None}}}
    same["fields"].pop("uom")
    chunk = await service.change_mapping(mapping_changed(same, connection_id=service.connection_id))
    await service.handler([chunk])
    await drain(service)
    assert await items.new() == []
    rows = await service.stored()
    assert {(row["mapping_version"], row["revision"]) for row in rows} == {(2, 1)}
    assert {row["document"]["mapping_version"] for row in rows} == {2}
    await service.raw(page(service, 1, 2, sequence=2))
    assert await service.stored() == rows


async def test_a_page_in_flight_during_the_change_is_caught(service: Service) -> None:
    """Its mapping was chosen before the change, its rows are written after; the chunk comes behind it."""
    await service.raw(page(service, *range(4)))
    publish, chunks = service.producer.publish_batches, []

    async def change_meanwhile(messages: Any) -> None:
        if not chunks:
            change = mapping_changed(BY_CODE, connection_id=service.connection_id)
            chunks.append(await service.change_mapping(change))
        await publish(messages)

    service.producer.publish_batches = change_meanwhile  # type: ignore[method-assign]  # one call of it
    try:
        await service.raw(page(service, 4, 5, sequence=2))
    finally:
        service.producer.publish_batches = publish  # type: ignore[method-assign]  # back again
    await service.raw(page(service, 6, sequence=3))
    assert {row["mapping_version"] for row in await service.stored()} == {1, 2}
    await service.handler(chunks)
    await drain(service)
    assert {row["mapping_version"] for row in await service.stored()} == {2}


async def test_a_chunk_seen_twice_and_an_older_version_do_nothing(service: Service, items: Reader) -> None:
    await service.raw(page(service, *range(7)))
    change = mapping_changed(BY_CODE, connection_id=service.connection_id)
    first = await service.change_mapping(change)
    await service.handler([first])
    events = await items.new()
    await service.handler([first])
    assert await items.new() == []
    assert len(await service.chunks()) == 1
    newest = {"fields": {"name": {"const": "all one"}}}
    third = await service.change_mapping(
        mapping_changed(newest, version=3, connection_id=service.connection_id)
    )
    await service.on_mappings([mapping_changed(BY_CODE, connection_id=service.connection_id)])
    assert await service.chunks() == []
    await service.handler([first, third])
    await drain(service)
    rows = await service.stored()
    assert {(row["mapping_version"], row["document"]["name"]) for row in rows} == {(3, "all one")}
    assert len(events) == 10


async def test_a_definition_that_is_not_valid_changes_nothing(service: Service) -> None:
    with pytest.raises(DeadLetterError, match="nme"):
        await service.on_mappings(
            [mapping_changed({"fields": {"nme": "code"}}, connection_id=service.connection_id)]
        )
    assert await service.chunks() == []


async def test_through_kafka_while_a_sync_goes_on(
    service: Service, topics: "Topics", items: Reader, dead_letters: Reader
) -> None:
    """Pages, a change in their midst, and bytes that are no slice: all rows end at the new version."""
    broker = KafkaBroker(topics.bootstrap_servers, apply_types=False, allow_auto_create_topics=False)
    raw = Subscription("records", [registry.RECORDS_RAW], decode=decode, handle=service.handler)
    changes = Subscription(
        "mappings", [registry.MAPPINGS], decode=Decoder(MappingChanged), handle=service.on_mappings
    )
    for subscription in (raw, changes):
        subscription.attach(broker, service.producer, service="mapping", topic_prefix=topics.prefix)
    await broker.start()
    stopping = asyncio.Event()
    relay = asyncio.create_task(service.relay.run(stopping))
    try:
        for sequence in range(40):
            numbers = range(sequence * 5, sequence * 5 + 5)
            await service.producer.publish([page(service, *numbers, sequence=sequence)])
            if sequence == 20:
                change = mapping_changed(BY_CODE, connection_id=service.connection_id)
                await service.producer.publish([encode(change)])
            if sequence in {10, 30}:
                key = f"{service.connection_id}/product".encode()
                await service.producer.publish(
                    [
                        Message(registry.RECORDS_RAW.name, key, b"<html>", (TYPE,)),
                        Message(registry.RECORDS_RAW.name, key, b"{}", (TYPE, ("bad", b"\xff"))),
                    ]
                )
        async with asyncio.timeout(60):
            while len(await service.stored()) < 200 or (await _finished(service)) is None:
                await asyncio.sleep(0.05)
    finally:
        stopping.set()
        for subscription in (raw, changes):
            subscription.stop()
        await broker.stop()
        await relay
    rows = await service.stored()
    assert {row["mapping_version"] for row in rows} == {2}
    assert {row["document"]["name"] for row in rows} == {f"C-{number}" for number in range(200)}
    last = {event.data["source_id"]: event.data["name"] for event in await items.new()}
    assert last == {str(number): f"C-{number}" for number in range(200)}
    assert len(await dead_letters.new()) == 4


async def _finished(service: Service) -> Any:
    return await service.pool.fetchval(
        "select finished_at from remap where connection_id = $1", service.connection_id
    )
