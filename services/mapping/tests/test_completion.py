"""Ends of reads become one end of the sync."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lineshaft.common.events.syncs import SyncResult
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.record import Message
from lineshaft.mapping.adapters import syncs

from . import drive
from .builders import READ_AT, read_completed, records_read
from .drive import Reader, Service, sync_ends

pytestmark = pytest.mark.integration

pool, service, sync_events = drive.pool, drive.service, drive.sync_events

OBJECTS = ["party", "product"]


class Sync:
    def __init__(self, service: Service) -> None:
        self._service = service
        self.sync_id = new_id("syn")

    def end(self, object_name: str, result: SyncResult = SyncResult.COMPLETED) -> Message:
        return read_completed(
            object_name,
            sync_objects=OBJECTS,
            result=result,
            connection_id=self._service.connection_id,
            sync_id=self.sync_id,
        )


async def test_completed_once_when_all_objects_have_ended(service: Service, sync_events: Reader) -> None:
    sync = Sync(service)
    await service.raw(records_read([{"id": 1}], connection_id=service.connection_id), sync.end("product"))
    await service.relay.send_all()
    assert await sync_events.new() == []
    await service.raw(sync.end("party"))
    await service.raw(sync.end("party"), sync.end("product"))
    await service.relay.send_all()
    events = await sync_events.new()
    (end,) = sync_ends(events)
    assert (end.sync_id, end.result, end.records) == (sync.sync_id, SyncResult.COMPLETED, 2)
    assert [one.object for one in end.objects] == OBJECTS
    assert events[0].key == service.connection_id
    row = await service.pool.fetchrow(
        "select * from sync_result_view where connection_id = $1", service.connection_id
    )
    assert row is not None
    assert (row["result"], row["mode"], row["records"]) == ("completed", "incremental", 2)
    assert [one["object"] for one in row["objects"]] == OBJECTS
    assert (
        await service.pool.fetchval(
            "select data_as_of from freshness_view where connection_id = $1", service.connection_id
        )
        == READ_AT
    )


@pytest.mark.parametrize(
    ("party", "event_type", "result"),
    [
        (SyncResult.COMPLETED, "lineshaft.sync.completed", SyncResult.PARTIALLY_COMPLETED),
        (SyncResult.FAILED, "lineshaft.sync.failed", SyncResult.FAILED),
    ],
)
async def test_some_or_none_could_be_read(
    service: Service, sync_events: Reader, party: SyncResult, event_type: str, result: SyncResult
) -> None:
    sync = Sync(service)
    await service.raw(sync.end("product", SyncResult.FAILED), sync.end("party", party))
    await service.relay.send_all()
    events = await sync_events.new()
    assert [event.type for event in events] == [event_type]
    assert [end.result for end in sync_ends(events)] == [result]


async def test_two_last_ends_at_once(service: Service, sync_events: Reader) -> None:
    syncs = [Sync(service) for _ in range(5)]
    await asyncio.gather(*(service.raw(sync.end(name)) for sync in syncs for name in OBJECTS))
    await service.relay.send_all()
    assert {end.sync_id for end in sync_ends(await sync_events.new())} == {sync.sync_id for sync in syncs}


async def test_old_syncs_are_forgotten_but_for_the_last(service: Service) -> None:
    first, last = Sync(service), Sync(service)
    for sync in (first, last):
        await service.raw(sync.end("party"), sync.end("product"))
    await syncs.forget(service.pool, datetime.now(UTC), timedelta(days=1))
    kept = await service.pool.fetch(
        "select sync_id from sync_result_view where connection_id = $1", service.connection_id
    )
    assert [row["sync_id"] for row in kept] == [last.sync_id]
