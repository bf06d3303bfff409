"""Nothing about a purged connection is stored, whatever came before, meanwhile or after."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from lineshaft.common.events.commands import ConnectorPurgeRequested
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.model import EventData
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import COMMON_PACKAGE, migrate
from lineshaft.common.postgres.pool import Connection, Pool, create_pool
from lineshaft.common.postgres.tombstones import bury
from lineshaft.tools.testing.infrastructure import Database

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await create_pool(database.dsn("connector"), size=6, service="test")
    await migrate(pool, COMMON_PACKAGE)
    yield pool
    await pool.execute("truncate outbox, inbox, tombstone")
    await pool.close()


def requested(connection_id: str) -> Event[SyncRequested]:
    return new_event(SyncRequested(connection_id=connection_id), source="test", key=connection_id)


async def bury_one(pool: Pool, connection_id: str) -> None:
    async with pool.acquire() as tx, tx.transaction():
        await bury(tx, connection_id)


async def test_late_events_are_left_out_and_the_purge_itself_is_not(pool: Pool) -> None:
    seen: list[tuple[str, str]] = []

    async def effect(_: Connection, events: Sequence[Event[EventData]]) -> None:
        seen.extend((event.type, event.key) for event in events)

    await bury_one(pool, "con_gone")
    command = ConnectorPurgeRequested(command_id="cmd_1", connection_id="con_gone")
    handle = transactional(pool, "sub", effect)
    await handle(
        [requested("con_gone"), requested("con_here"), new_event(command, source="test", key="con_gone")]
    )
    await handle([requested("con_gone")])
    assert seen == [
        ("lineshaft.sync.requested", "con_here"),
        ("lineshaft.connector_purge.requested", "con_gone"),
    ]


async def test_a_burial_waits_for_what_is_being_written(pool: Pool) -> None:
    writing, go_on = asyncio.Event(), asyncio.Event()
    order = []

    async def effect(_: Connection, __: Sequence[Event[SyncRequested]]) -> None:
        writing.set()
        await go_on.wait()
        order.append("written")

    async def burying() -> None:
        await bury_one(pool, "con_1")
        order.append("buried")

    handled = asyncio.create_task(transactional(pool, "sub", effect)([requested("con_1")]))
    await writing.wait()
    buried = asyncio.create_task(burying())
    await asyncio.wait({buried}, timeout=0.3)
    assert not buried.done()
    go_on.set()
    await asyncio.gather(handled, buried)
    assert order == ["written", "buried"]


async def test_a_batch_of_many_connections_takes_few_locks(pool: Pool) -> None:
    locks = 0

    async def effect(tx: Connection, _: Sequence[Event[SyncRequested]]) -> None:
        nonlocal locks
        locks = await tx.fetchval(
            "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
        )

    await transactional(pool, "sub", effect)([requested(f"con_{number}") for number in range(500)])
    assert 0 < locks <= 64
