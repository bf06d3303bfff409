"""A purged connection: its keys on topics, its rows, and whatever comes late."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.commands import MappingPurgeRequested
from lineshaft.common.events.envelope import new_event
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.postgres.inbox import transactional
from lineshaft.mapping import purging
from lineshaft.mapping.commands import on_commands
from lineshaft.mapping.purging import Purger

from . import drive
from .builders import mapping_changed, read_completed, records_read
from .drive import Reader, Service

pytestmark = pytest.mark.integration

pool, service, items = drive.pool, drive.service, drive.items

PUMP = {"id": 1, "name": "Pump", "code": "P-1"}
BY_CODE = {"fields": {"name": "code", "number": "code"}}
VALVE = {"id": 2, "name": "Valve", "code": "V-1"}
HOLDING = """
select table_name from information_schema.columns
where table_schema = current_schema() and column_name = 'connection_id'
    and table_name in (select table_name from information_schema.tables where table_type = 'BASE TABLE')
"""
KEPT = {"tombstone", "purge"}


async def ask(service: Service) -> str:
    command = MappingPurgeRequested(command_id=new_id("cmd"), connection_id=service.connection_id)
    handle = transactional(service.pool, "commands", on_commands)
    await handle([new_event(command, source="api", key=service.connection_id)])
    return command.command_id


async def finish(service: Service) -> int:
    purger = Purger(service.pool, service.producer, now)
    steps = 0
    while await purger.step():
        steps += 1
    return steps


async def receipt(service: Service, command_id: str) -> dict[str, Any]:
    rows = await service.pool.fetch("select value from outbox where topic = 'command.results'")
    (found,) = [one for row in rows if (one := orjson.loads(row["value"]))["command_id"] == command_id]
    result: dict[str, Any] = found["result"]
    return result


async def holding(service: Service) -> dict[str, int]:
    """Rows about the connection by table, but for the tombstone."""
    found = {}
    for row in await service.pool.fetch(HOLDING):
        table = row["table_name"]
        count = await service.pool.fetchval(
            f"select count(*) from {table} where connection_id = $1", service.connection_id
        )
        if count and table not in KEPT:
            found[table] = count
    return found


def ended(service: Service) -> Message:
    return read_completed("product", sync_objects=["product"], connection_id=service.connection_id)


def page(service: Service, *records: dict[str, Any], sequence: int = 1) -> Message:
    return records_read(list(records), connection_id=service.connection_id, sequence=sequence)


async def test_records_go_on_the_topic_and_in_the_store(
    service: Service, items: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "CHUNK", 1)
    await service.change_mapping(mapping_changed(BY_CODE, connection_id=service.connection_id))
    await service.raw(page(service, PUMP, VALVE))
    await service.raw(ended(service))
    told = {event.key for event in await items.new()}
    assert {"record", "definition", "read_slice", "remap", "sync"} <= set(await holding(service))

    command_id = await ask(service)
    assert await finish(service) == 3
    assert await holding(service) == {}
    gone = await items.new()
    assert {one.key for one in gone} == told
    assert all(not one.type and not one.data for one in gone)
    answered = await receipt(service, command_id)
    assert (answered["rows"]["record"], answered["rows"]["definition"]) == (2, 1)
    endings = {one["topic"]: one["ending"] for one in answered["topics"]}
    assert (endings["entities.item"], endings["records.raw"]) == ("deleted", "expires")


async def test_the_answer_goes_on_with_the_trace_of_the_command(service: Service) -> None:
    command = MappingPurgeRequested(command_id=new_id("cmd"), connection_id=service.connection_id)
    asked = new_event(command, source="api", key=service.connection_id)
    await transactional(service.pool, "commands", on_commands)([asked])
    await finish(service)
    rows = await service.pool.fetch("select value, headers from outbox where topic = 'command.results'")
    (headers,) = [row["headers"] for row in rows if command.command_id.encode() in row["value"]]
    assert headers["traceparent"] == asked.traceparent


async def test_what_comes_late_leaves_nothing_and_tells_nothing(service: Service, items: Reader) -> None:
    first = mapping_changed(BY_CODE, connection_id=service.connection_id)
    chunk = await service.change_mapping(first)
    await service.raw(page(service, PUMP))
    await ask(service)
    await finish(service)
    await items.new()
    await service.raw(
        page(service, PUMP, VALVE, sequence=2),
        ended(service),
    )
    await service.handler([chunk])
    await service.on_mappings([mapping_changed(BY_CODE, connection_id=service.connection_id, version=3)])
    assert await holding(service) == {}
    assert await items.new() == []
    assert await service.chunks() == []


async def test_a_page_that_is_being_published_is_purged_too(service: Service, items: Reader) -> None:
    published, go_on = asyncio.Event(), asyncio.Event()

    class Held:
        async def publish_batches(self, messages: Sequence[Message]) -> None:
            await service.producer.publish_batches(messages)
            published.set()
            await go_on.wait()

    held: Any = Held()
    slow = Service(service.pool, held)
    slow.connection_id = service.connection_id
    writing = asyncio.create_task(slow.raw(page(service, PUMP)))
    await published.wait()
    asked = asyncio.create_task(ask(service))
    await asyncio.wait({asked}, timeout=0.3)
    assert not asked.done()
    go_on.set()
    await writing
    await asked
    await finish(service)
    assert await holding(service) == {}
    *_, last = await items.new()
    assert last.key.startswith(service.connection_id)
    assert not last.data


async def test_neighbours_in_a_batch_go_on(service: Service, items: Reader, producer: Producer) -> None:
    neighbour = Service(service.pool, producer)
    await ask(service)
    await finish(service)
    await service.raw(page(service, PUMP), page(neighbour, VALVE))
    assert len(await neighbour.stored()) == 1
    assert await holding(service) == {}
    assert [event.key.partition("/")[0] for event in await items.new()] == [neighbour.connection_id]


async def test_asked_once_more_it_answers_once_more(service: Service) -> None:
    await service.raw(page(service, PUMP))
    first = await ask(service)
    await finish(service)
    second = await ask(service)
    await finish(service)
    for command_id in (first, second):
        assert (await receipt(service, command_id))["rows"]["record"] == 1
