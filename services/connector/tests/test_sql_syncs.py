"""Syncs of a real PostgreSQL: one connection a slice, one login at a time, and no refused one twice."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from lineshaft.common.events.commands import ProbeRequested, WriteRequested
from lineshaft.common.outcomes import Outcome
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters.protocols import open_source
from lineshaft.connector.workers.syncing import Syncing
from lineshaft.tools.stack.postgresql_source import PostgresqlSource

from . import rig as fixtures
from .rig import FULL, Rig, a_connection_id

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools = fixtures.pools

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def plant(infrastructure: "Infrastructure") -> Iterator[PostgresqlSource]:
    plant = PostgresqlSource(infrastructure.supervisor, name="plant-syncs")
    plant.start()
    yield plant
    plant.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def rig(pools: tuple[Pool, Pool]) -> AsyncIterator[Rig]:
    async for rig in fixtures.a_rig(pools):
        rig.tools = replace(rig.tools, opener=open_source)
        yield rig


async def authorize(rig: Rig, plant: PostgresqlSource, connection_id: str, **options: Any) -> dict[str, Any]:
    settings = dict(plant.connection_fields)
    values = {name: settings.pop(name) for name in ("username", "password")}
    return await rig.authorize(
        connection_id, values=values, settings=settings, system="postgresql", **options
    )


async def connected(rig: Rig, plant: PostgresqlSource) -> str:
    connection_id = a_connection_id()
    assert (await authorize(rig, plant, connection_id))["problem"] is None
    return connection_id


def connections(plant: PostgresqlSource) -> int:
    query = "select count(*) from pg_stat_activity where usename = 'reader'"
    return int(plant.fetch(query)[0][0])


def refused_logins(plant: PostgresqlSource) -> int:
    log = plant.server.child.log.read_text(encoding="utf-8", errors="replace")
    return len(re.findall(r"FATAL:  password authentication failed", log))


async def work_together(rig: Rig, count: int) -> None:
    """As many workers at once, of two replicas."""
    replicas = [Syncing(rig.tools), Syncing(rig.another().tools)]
    leases = [await replicas[number % 2].take() for number in range(count)]
    await asyncio.gather(
        *(
            replicas[number % 2].work(lease, asyncio.Event())
            for number, lease in enumerate(leases)
            if lease is not None
        )
    )


async def test_all_objects_at_once_and_no_connection_is_left(rig: Rig, plant: PostgresqlSource) -> None:
    connection_id = await connected(rig, plant)
    await rig.request_sync(connection_id)
    await work_together(rig, 6)
    await rig.read_all()
    sync = await rig.sync(connection_id)
    assert sync["status"] == "read", sync
    counts = {one["object"]: one["records"] for one in sync["objects"]}
    for name, count in counts.items():
        assert [(count,)] == plant.fetch(f"select count(*) from {name}")
        assert len(set(rig.broker.record_ids(name))) == count
    assert connections(plant) == 0


async def test_a_changed_password_is_tried_once_by_however_many_workers(
    rig: Rig, plant: PostgresqlSource
) -> None:
    connection_id = await connected(rig, plant)
    old = plant.password
    plant.change_password("changed")
    before = refused_logins(plant)
    await rig.request_sync(connection_id)
    await work_together(rig, 6)
    await rig.read_all()
    assert refused_logins(plant) - before == 1
    (call,) = await rig.calls(connection_id, Outcome.CREDENTIALS_REJECTED)
    assert (call["code"], call["operation"]) == ("28P01", "login")
    assert set((await rig.job_states(connection_id)).values()) == {"waiting"}
    assert (await authorize(rig, plant, connection_id))["problem"] is None
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"
    plant.change_password(old)


async def test_one_table_that_is_closed_and_one_that_has_lost_a_column(
    rig: Rig, plant: PostgresqlSource
) -> None:
    connection_id = await connected(rig, plant)
    await rig.request_sync(connection_id)
    await rig.read_all()
    plant.revoke_one_object()
    plant.execute("alter table vendors rename column email to mail")
    try:
        await rig.request_sync(connection_id, mode=FULL)
        await rig.read_all()
        await rig.request_sync(connection_id, mode=FULL)
        await rig.read_all()
    finally:
        plant.restore_one_object()
        plant.execute("alter table vendors rename column mail to email")
    (denied, *_) = await rig.calls(connection_id, Outcome.PERMISSION_DENIED)
    assert (denied["object"], denied["confidence"]) == ("purchase_orders", "high")
    missing = await rig.calls(connection_id, Outcome.CONFIGURATION_ERROR)
    assert {call["object"] for call in missing} == {"vendors"}
    assert [call["code"] for call in missing] == ["42703", "fields_missing"]
    states = await rig.job_states(connection_id)
    assert sorted(name for name, state in states.items() if state == "failed") == [
        "purchase_orders",
        "vendors",
    ]


async def test_probes_and_writes_leave_no_connection(rig: Rig, plant: PostgresqlSource) -> None:
    connection_id = await connected(rig, plant)
    for number, name in enumerate((None, "parts")):
        command = ProbeRequested(command_id=f"p{number}", connection_id=connection_id, object=name)
        await rig.ask(command)
    values = {"title": "Written"}
    await rig.ask(
        WriteRequested(
            command_id="w1",
            connection_id=connection_id,
            object="work_orders",
            operation="update",
            source_id="7",
            values=values,
        )
    )
    await rig.carry_out()
    assert [(await rig.answer(one))["result"]["outcome"] for one in ("p0", "p1")] == ["ok", "ok"]
    assert (await rig.answer("w1"))["result"]["source_id"] == "7"
    assert plant.fetch("select title from work_orders where id = 7") == [("Written",)]
    assert connections(plant) == 0
