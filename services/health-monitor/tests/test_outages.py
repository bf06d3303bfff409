"""One outage for many connections on a real Postgres: rows, events, one probe, several replicas."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio

from lineshaft.common.clock import now
from lineshaft.common.events.calls import CALL_EVENT_TYPES, Call
from lineshaft.common.events.envelope import new_event
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.pool import Pool
from lineshaft.health_monitor.domain.outage import OutageRules
from lineshaft.health_monitor.domain.thresholds import Thresholds
from lineshaft.health_monitor.handlers import Handlers
from lineshaft.health_monitor.watching import OutageWatch
from lineshaft.tools.testing.infrastructure import Database

from .domain.builders import a_call, a_description

pytestmark = pytest.mark.integration

HOST = "erp.example.com:443"


class Fleet:
    """Connections of one host, and a clock that goes as it is told."""

    def __init__(self, pool: Pool, system: str, size: int = 6) -> None:
        self.pool = pool
        self.system = system
        self.ahead = timedelta(0)
        self.handlers = Handlers(Thresholds(), self.clock, lambda: 0.5)
        self.watches = [OutageWatch(OutageRules(), self.clock, lambda: 0.5) for _ in range(3)]
        self.ids = [new_id("con") for _ in range(size)]

    def clock(self) -> datetime:
        return now() + self.ahead

    async def connect(self) -> None:
        events = [
            new_event(a_description(connection_id=name, system=self.system), source="t", key=name)
            for name in self.ids
        ]
        await transactional(self.pool, "connections", self.handlers.on_connections)(events)
        await self.calls(self.ids, Outcome.OK)

    async def calls(self, names: list[str], outcome: Outcome, times: int = 1, **fields: Any) -> None:
        made: list[Call] = [
            a_call(
                outcome,
                None,
                connection_id=name,
                at=self.clock(),
                **{"system": self.system, "host": HOST, "rung": None, **fields},
            )
            for name in names
            for _ in range(times)
        ]
        events = [
            new_event(call, source="t", key=call.connection_id, event_type=CALL_EVENT_TYPES[call.outcome])
            for call in made
        ]
        await transactional(self.pool, "calls", self.handlers.on_calls)(events)

    async def look(self) -> None:
        """All replicas at once."""

        async def one(watch: OutageWatch) -> None:
            async with self.pool.acquire() as tx, tx.transaction():
                await watch.look(tx)

        await asyncio.gather(*map(one, self.watches))
        async with self.pool.acquire() as tx, tx.transaction():
            await self.handlers.on_due(tx, await self.handlers.find_due(tx, 1000))

    async def pass_time(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)
        await self.look()

    async def events(self) -> Counter[str]:
        rows = await self.pool.fetch("select headers, value from outbox order by id")
        mine = Counter[str]()
        for row in rows:
            value = orjson.loads(row["value"])
            if value.get("system") == self.system or value.get("connection_id") in self.ids:
                mine[dict(row["headers"])["ce_type"].removeprefix("lineshaft.")] += 1
        return mine

    async def described(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = await self.pool.fetchval(
            "select document from status_view where connection_id = $1", name
        )
        return document


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await database.pool("health_monitor")
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def fleet(pool: Pool) -> Fleet:
    await pool.execute("truncate state, outage, issue, timeline, error_log, outbox")
    fleet = Fleet(pool, new_id("sys"))
    await fleet.connect()
    return fleet


async def the_host_fails(fleet: Fleet, names: list[str]) -> None:
    fleet.ahead += timedelta(seconds=1)
    await fleet.calls(names, Outcome.UNREACHABLE, 3, rung=Rung.TCP)
    await fleet.look()


async def test_an_outage_is_told_once_and_one_probe_at_a_time_is_made(fleet: Fleet) -> None:
    quiet_one, *failing = fleet.ids
    await the_host_fails(fleet, failing)
    breaker = (await fleet.described(quiet_one))["breaker"]
    assert breaker["state"] == "open"
    assert datetime.fromisoformat(breaker["retry_at"]) > fleet.clock() + timedelta(seconds=60)
    for _ in range(30):
        await fleet.pass_time(4)
    told = await fleet.events()
    assert told["system.outage"] == 1
    assert told["connection.status_changed"] == told["system.recovered"] == 0
    assert 1 <= told["probe.requested"] <= 120 / 30
    event = await fleet.pool.fetchval(
        "select value from outbox where convert_from(value, 'utf8') like '%began_at%'"
    )
    content = orjson.loads(event)
    assert (content["host"], content["connections"]) == (HOST, len(failing))
    assert sorted(content["connection_ids"]) == sorted(failing)

    for _ in range(2):
        prober = await fleet.pool.fetchval("select probe_connection_id from outage where resolved_at is null")
        await fleet.calls([prober], Outcome.OK, operation=Operation.PROBE)
        await fleet.look()
        await fleet.look()
    for name in fleet.ids:
        described = await fleet.described(name)
        assert (described["status"], described["breaker"]["state"]) == ("healthy", "closed")
    assert (await fleet.events())["system.recovered"] == 0
    for _ in range(5):
        await fleet.pass_time(60)
    told = await fleet.events()
    assert told["system.outage"] == told["system.recovered"] == 1
    assert told["connection.status_changed"] == told["connection.recovered"] == 0
    marks = await fleet.pool.fetchval("select count(*) from state where outage_mark <> ''")
    assert marks == 0
    rows = await fleet.pool.fetch("select connections, resolved_at from outage_view")
    assert [row["connections"] for row in rows] == [len(failing)]
    assert rows[0]["resolved_at"] is not None


async def test_two_failing_connections_speak_for_themselves(fleet: Fleet) -> None:
    await the_host_fails(fleet, fleet.ids[:2])
    await fleet.pass_time(50)
    told = await fleet.events()
    assert told["system.outage"] == 0
    assert told["connection.status_changed"] == 2


async def test_a_host_that_works_for_others_has_no_outage_unless_most_fail(fleet: Fleet) -> None:
    await the_host_fails(fleet, fleet.ids[:3])
    await fleet.pool.execute("truncate outage")
    fleet.ahead += timedelta(seconds=1)
    await fleet.calls(fleet.ids[3:], Outcome.OK)
    await fleet.look()
    hosts = await fleet.pool.fetch("select host from outage where resolved_at is null")
    assert [row["host"] for row in hosts] == [""]
    assert (await fleet.described(fleet.ids[4]))["breaker"]["state"] == "closed"
    fleet.ahead += timedelta(seconds=1)
    await fleet.pass_time(50)
    assert (await fleet.events())["system.outage"] == 1
    assert (await fleet.events())["connection.status_changed"] == 0


async def test_there_is_one_open_row_for_a_source(fleet: Fleet) -> None:
    await the_host_fails(fleet, fleet.ids)
    for _ in range(5):
        await fleet.pass_time(7)
    assert await fleet.pool.fetchval("select count(*) from outage") == 1


class Plants:
    """Connections of three systems, each at a host of its own."""

    def __init__(self, pool: Pool) -> None:
        self.fleets = [Fleet(pool, new_id("sys"), size=4) for _ in range(3)]
        self.first, *_ = self.fleets
        self.pool = pool

    async def connect(self) -> None:
        for fleet in self.fleets:
            await fleet.connect()

    async def fail(self, fleets: list[Fleet]) -> None:
        for fleet in fleets:
            for name in fleet.ids:
                await fleet.calls([name], Outcome.UNREACHABLE, 3, rung=Rung.DNS, host=f"{name}.example:443")

    async def pass_time(self, seconds: float) -> None:
        for fleet in self.fleets:
            fleet.ahead += timedelta(seconds=seconds)
        await self.first.look()

    async def told(self) -> list[tuple[str, str]]:
        """What somebody may want to hear of, with its system."""
        rows = await self.pool.fetch(
            "select headers, value from outbox where topic like '%connection.events' order by id"
        )
        return [
            (dict(row["headers"])["ce_type"].removeprefix("lineshaft."), orjson.loads(row["value"])["system"])
            for row in rows
        ]


@pytest_asyncio.fixture
async def plants(pool: Pool) -> Plants:
    await pool.execute("truncate state, outage, issue, timeline, error_log, outbox")
    plants = Plants(pool)
    await plants.connect()
    await pool.execute("truncate outbox")
    return plants


async def faults(fleet: Fleet) -> set[tuple[str, str, str]]:
    described = [await fleet.described(name) for name in fleet.ids]
    return {(one["status"], one["verdict"]["fault"], one["verdict"]["move"]) for one in described}


async def test_our_own_network_is_told_once_and_no_customer_of_any_system_is_blamed(plants: Plants) -> None:
    await plants.pass_time(1)
    await plants.fail(plants.fleets)
    await plants.pass_time(0)
    for _ in range(20):
        await plants.pass_time(4)
    for fleet in plants.fleets:
        assert await faults(fleet) == {("unreachable", "platform", "operator")}
    assert await plants.told() == [("system.outage", "")]

    for fleet in plants.fleets:
        for name in fleet.ids:
            await fleet.calls([name], Outcome.OK, 2, host=f"{name}.example:443", operation=Operation.PROBE)
    await plants.pass_time(1)
    for fleet in plants.fleets:
        for name in fleet.ids:
            await fleet.calls([name], Outcome.OK, 2, host=f"{name}.example:443", operation=Operation.PROBE)
    for _ in range(6):
        await plants.pass_time(40)
    for fleet in plants.fleets:
        for name in fleet.ids:
            assert (await fleet.described(name))["status"] == "healthy"
    assert await plants.told() == [("system.outage", ""), ("system.recovered", "")]
    assert await plants.pool.fetchval("select count(*) from state where outage_mark <> ''") == 0
    assert await plants.pool.fetchval("select count(*) from outage where resolved_at is null") == 0


async def test_one_system_out_of_reach_while_others_work_is_that_system(plants: Plants) -> None:
    await plants.pass_time(1)
    await plants.fail([plants.first])
    await plants.pass_time(1)
    for fleet in plants.fleets[1:]:
        await fleet.calls(fleet.ids, Outcome.OK)
    for _ in range(13):
        await plants.pass_time(4)
    assert await faults(plants.first) == {("unreachable", "network", "customer")}
    assert await plants.told() == [("system.outage", plants.first.system)]


async def test_an_outage_of_a_host_that_nobody_was_told_of_becomes_that_of_our_own_network(
    plants: Plants,
) -> None:
    await plants.pass_time(1)
    await plants.first.calls(plants.first.ids, Outcome.UNREACHABLE, 3, rung=Rung.TCP)
    await plants.pass_time(1)
    assert await plants.pool.fetchval("select host from outage where resolved_at is null") == HOST
    await plants.fail(plants.fleets[1:])
    await plants.pass_time(6)
    assert await plants.pool.fetch("select host from outage where resolved_at is null") == [("",)]
    await plants.pass_time(2)
    assert await faults(plants.first) == {("unreachable", "platform", "operator")}
    for _ in range(13):
        await plants.pass_time(4)
    assert await plants.told() == [("system.outage", "")]
