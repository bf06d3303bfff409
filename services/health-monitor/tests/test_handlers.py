"""The handlers on a real Postgres: rows and events of a batch, time that passes, several replicas."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio

from lineshaft.common.clock import now
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.calls import CALL_EVENT_TYPES, Call
from lineshaft.common.events.commands import BreakerForced, HealthPurgeRequested, IssueMuted, TrialRequested
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.syncs import SyncCompleted
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import LadderRung, Outcome, Rung
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.pool import Pool
from lineshaft.health_monitor.adapters import postgres
from lineshaft.health_monitor.domain.thresholds import Thresholds
from lineshaft.health_monitor.handlers import Handlers
from lineshaft.health_monitor.workers import due_worker
from lineshaft.tools.testing.infrastructure import Database

from .domain.builders import a_call, a_description, a_diagnosis, a_force, a_mute, a_sync, a_trial

pytestmark = pytest.mark.integration


class Stage:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.ahead = timedelta(0)
        self.handlers = Handlers(Thresholds(), self.clock, lambda: 0.5)

    def clock(self) -> datetime:
        return now() + self.ahead

    async def diagnoses(self, *ladders: ConnectionDiagnosed) -> None:
        events = [new_event(one, source="t", key=one.connection_id) for one in ladders]
        await transactional(self.pool, "calls", self.handlers.on_calls)(events)

    async def calls(self, *calls: Call) -> list[Event[Call]]:
        events = [
            new_event(call, source="t", key=call.connection_id, event_type=CALL_EVENT_TYPES[call.outcome])
            for call in calls
        ]
        await transactional(self.pool, "calls", self.handlers.on_calls)(events)
        return events

    async def purge(self, connection_id: str) -> dict[str, Any]:
        command = HealthPurgeRequested(command_id=new_id("cmd"), connection_id=connection_id)
        event = new_event(command, source="t", key=connection_id)
        await transactional(self.pool, "commands", self.handlers.on_commands)([event])
        receipt: dict[str, Any] = (await self.published(connection_id))[-1][1]["result"]
        return receipt

    async def describe(self, *connections: ConnectionDescribed) -> None:
        events = [new_event(one, source="t", key=one.connection_id) for one in connections]
        await transactional(self.pool, "connections", self.handlers.on_connections)(events)

    async def order(self, command: BreakerForced | IssueMuted | TrialRequested) -> None:
        event = new_event(command, source="t", key=command.connection_id)
        await transactional(self.pool, "commands", self.handlers.on_commands)([event])

    async def change_mapping(self, *changes: MappingChanged) -> None:
        events = [new_event(one, source="t", key=f"{one.connection_id}/{one.entity}") for one in changes]
        await transactional(self.pool, "mappings", self.handlers.on_mappings)(events)

    async def sync(self, sync: SyncCompleted) -> None:
        event = new_event(sync, source="t", key=sync.connection_id)
        await transactional(self.pool, "sync-events", self.handlers.on_sync_events)([event])

    async def pass_time(self, seconds: float) -> int:
        self.ahead += timedelta(seconds=seconds)
        async with self.pool.acquire() as tx, tx.transaction():
            return await self.handlers.on_due(tx, await self.handlers.find_due(tx, 1000))

    async def published(self, connection_id: str) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.pool.fetch(
            "select headers, value from outbox where key = $1 order by id", connection_id.encode()
        )
        return [
            (dict(row["headers"])["ce_type"].removeprefix("lineshaft."), orjson.loads(row["value"]))
            for row in rows
        ]

    async def types(self, connection_id: str) -> list[str]:
        return [name for name, _ in await self.published(connection_id)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await database.pool("health_monitor")
    yield pool
    await pool.close()


@pytest.fixture
def stage(pool: Pool) -> Stage:
    return Stage(pool)


def described(connection_id: str, **fields: Any) -> ConnectionDescribed:
    return a_description(connection_id=connection_id, **fields)


def called(connection_id: str, outcome: Outcome, name: str | None = "party.party", **fields: Any) -> Call:
    return a_call(outcome, name, connection_id=connection_id, at=now(), **fields)


async def test_a_refusal_is_stored_published_and_readable_by_api(stage: Stage, database: Database) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    [refused] = await stage.calls(
        called(connection_id, Outcome.CREDENTIALS_REJECTED, http_status=401, message="no")
    )
    assert await stage.types(connection_id) == [
        "connection.status_described",
        "connection.created",
        "connection.status_described",
        "connection.reauthorization_required",
    ]
    api = await asyncpg.connect(database.dsn("api"))
    try:
        status = await api.fetchrow(
            "select * from health_monitor.status_view where connection_id = $1", connection_id
        )
        document = orjson.loads(status["document"])
        assert document["status"] == "reauthorization_required"
        assert document == (await stage.published(connection_id))[2][1] | {
            "at": document["at"],
            "revision": document["revision"],
        }
        issue = await api.fetchrow(
            "select * from health_monitor.issue_view where connection_id = $1", connection_id
        )
        assert (issue["fault"], issue["status"], issue["scope"], issue["count"]) == (
            "credentials",
            "open",
            "all",
            1,
        )
        error = await api.fetchrow(
            "select * from health_monitor.error_view where connection_id = $1", connection_id
        )
        assert (error["event_id"], error["http_status"], error["message"]) == (refused.id, 401, "no")
        lines = await api.fetch(
            "select kind from health_monitor.timeline_view where connection_id = $1 order by at, id",
            connection_id,
        )
        assert sorted(line["kind"] for line in lines) == ["connection.created", "issue.opened"]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute("select * from health_monitor.state")
    finally:
        await api.close()


async def test_a_batch_takes_many_connections_with_the_last_description_of_each(stage: Stage) -> None:
    connection_ids = [new_id("con") for _ in range(50)]
    await stage.describe(*(described(name) for name in connection_ids))
    await stage.calls(
        *(
            called(name, outcome, place)
            for outcome, place in [
                (Outcome.OK, "party.party"),
                (Outcome.PERMISSION_DENIED, "purchase.purchase"),
                (Outcome.CREDENTIALS_REJECTED, "party.party"),
            ]
            for name in connection_ids
        )
    )
    for name in connection_ids:
        assert await stage.types(name) == [
            "connection.status_described",
            "connection.created",
            "connection.status_described",
            "connection.status_changed",
            "connection.reauthorization_required",
        ]


async def test_the_same_issue_may_end_and_open_anew_in_one_batch(stage: Stage) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    await stage.calls(
        called(connection_id, Outcome.CREDENTIALS_REJECTED),
        called(connection_id, Outcome.CREDENTIALS_REJECTED, version=2),
    )
    rows = await stage.pool.fetch(
        "select status from issue_view where connection_id = $1 order by opened_at", connection_id
    )
    assert [row["status"] for row in rows] == ["resolved", "open"]


async def test_issues_with_several_objects_and_with_none_go_in_one_batch(stage: Stage) -> None:
    first, second = new_id("con"), new_id("con")
    await stage.describe(described(first), described(second))
    await stage.calls(
        called(first, Outcome.PERMISSION_DENIED, "a"),
        called(first, Outcome.PERMISSION_DENIED, "b"),
        called(second, Outcome.CREDENTIALS_REJECTED, None),
    )
    rows = await stage.pool.fetch(
        "select objects from issue_view where connection_id = any($1) order by fault desc", [first, second]
    )
    assert [row["objects"] for row in rows] == [["a", "b"], []]


async def test_holds_and_quiet_times_are_kept_in_the_database(stage: Stage) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    await stage.calls(*[called(connection_id, Outcome.UNREACHABLE, None, rung=Rung.TCP)] * 3)
    assert "connection.status_changed" not in await stage.types(connection_id)
    later = Stage(stage.pool)
    await later.pass_time(30)
    assert "probe.requested" in await later.types(connection_id)
    assert "connection.status_changed" not in await later.types(connection_id)
    await later.pass_time(20)
    assert (await later.types(connection_id)).count("connection.status_changed") == 1
    await later.calls(called(connection_id, Outcome.OK, count=2))
    assert "connection.recovered" not in await later.types(connection_id)
    await later.pass_time(130)
    assert (await later.types(connection_id)).count("connection.recovered") == 1
    due = await stage.pool.fetchval("select due_at from state where connection_id = $1", connection_id)
    assert due is None


async def test_two_replicas_do_what_is_due_once(stage: Stage) -> None:
    connection_ids = [new_id("con") for _ in range(30)]
    await stage.describe(*(described(name) for name in connection_ids))
    await stage.calls(
        *(called(name, Outcome.UNREACHABLE, None, rung=Rung.TCP) for name in connection_ids for _ in range(3))
    )
    stage.ahead = timedelta(seconds=50)
    stopping = asyncio.Event()
    workers = [asyncio.create_task(due_worker(stage.pool, stage.handlers, 0.05)(stopping)) for _ in range(2)]
    await asyncio.sleep(1)
    stopping.set()
    await asyncio.gather(*workers)
    for name in connection_ids:
        assert (await stage.types(name)).count("connection.status_changed") == 1


async def test_a_connection_that_cannot_be_worked_stops_no_other(stage: Stage) -> None:
    broken, fine = new_id("con"), new_id("con")
    await stage.describe(described(broken), described(fine))
    for name in (broken, fine):
        await stage.calls(*[called(name, Outcome.UNREACHABLE, None, rung=Rung.TCP)] * 3)
    await stage.pool.execute(
        "update state set document = '{\"status\": 7}', due_at = now() - interval '1 hour'"
        " where connection_id = $1",
        broken,
    )
    stage.ahead = timedelta(seconds=50)
    stopping = asyncio.Event()
    worker = asyncio.create_task(due_worker(stage.pool, stage.handlers, 0.05)(stopping))
    await asyncio.sleep(0.5)
    stopping.set()
    await worker
    assert "connection.status_changed" in await stage.types(fine)
    due = await stage.pool.fetchval("select due_at from state where connection_id = $1", broken)
    assert due > now()
    await stage.pool.execute("delete from state where connection_id = $1", broken)


async def test_two_handlers_at_once_lose_nothing(stage: Stage) -> None:
    connection_ids = [new_id("con") for _ in range(10)]
    await asyncio.gather(
        stage.describe(*(described(name) for name in connection_ids)),
        stage.calls(*(called(name, Outcome.PERMISSION_DENIED) for name in reversed(connection_ids))),
        stage.sync(a_sync().model_copy(update={"connection_id": connection_ids[3]})),
    )
    for name in connection_ids:
        assert "connection.status_changed" in await stage.types(name)
    at = await stage.pool.fetchval(
        "select last_sync_at from status_view where connection_id = $1", connection_ids[3]
    )
    assert at is not None


async def test_an_order_is_obeyed_answered_and_noted(stage: Stage) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    await stage.order(a_force("open", connection_id=connection_id))
    published = dict(await stage.published(connection_id))
    assert published["command.completed"]["result"]["state"] == "open"
    document = await stage.pool.fetchval(
        "select document from status_view where connection_id = $1", connection_id
    )
    assert document["breaker"]["state"] == "open"
    line = await stage.pool.fetchrow(
        "select actor, summary from timeline_view where connection_id = $1 and kind = 'breaker.forced_open'",
        connection_id,
    )
    assert tuple(line) == ("grace", "maintenance")


async def test_whoever_waits_is_obeyed_and_noted(stage: Stage) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    await stage.calls(called(connection_id, Outcome.PERMISSION_DENIED))
    await stage.pass_time(6)
    trial = a_trial("party.party").model_copy(update={"connection_id": connection_id})
    await stage.order(trial)
    said = [
        data for name, data in await stage.published(connection_id) if name == "connection.status_described"
    ]
    assert [one["objects"][0]["callable"] for one in said[-2:]] == [False, True]
    line = await stage.pool.fetchval(
        "select actor from timeline_view where connection_id = $1 and kind = 'breaker.hastened'",
        connection_id,
    )
    assert line == "grace"


async def test_a_mute_is_kept_with_the_issue(stage: Stage) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    await stage.calls(*[called(connection_id, Outcome.UNREACHABLE, None, rung=Rung.TCP)] * 3)
    issue_id = await stage.pool.fetchval("select issue_id from issue where connection_id = $1", connection_id)
    until = now() + timedelta(hours=1)
    await stage.order(a_mute(issue_id, connection_id=connection_id, until=until))
    await stage.pass_time(60)
    row = await stage.pool.fetchrow(
        "select muted_until, announced_at from issue_view where issue_id = $1", issue_id
    )
    assert tuple(row) == (until, None)


async def test_refusals_of_several_connections_at_once_are_tried_once_more(pool: Pool) -> None:
    stage = Stage(pool)
    stage.handlers = Handlers(Thresholds(confirm_after=timedelta(minutes=15)), stage.clock, lambda: 0.5)
    many, alone = [new_id("con") for _ in range(3)], new_id("con")
    await stage.describe(*(described(name, system="directory") for name in many))
    await stage.describe(described(alone, system="alone"))
    await stage.calls(*(called(name, Outcome.CREDENTIALS_REJECTED, system="directory") for name in many))
    await stage.calls(called(alone, Outcome.CREDENTIALS_REJECTED, system="alone"))
    await stage.pass_time(20 * 60)
    for name in many:
        probes = [value for kind, value in await stage.published(name) if kind == "probe.requested"]
        assert [probe["despite_rejection"] for probe in probes] == [True]
    assert "probe.requested" not in await stage.types(alone)


async def test_of_a_deleted_connection_nothing_is_left_whatever_comes_late(stage: Stage) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    await stage.calls(
        called(connection_id, Outcome.PERMISSION_DENIED, message="private words"),
        called(connection_id, Outcome.CREDENTIALS_REJECTED),
    )
    await stage.describe(
        described(connection_id, revision=2, lifecycle="deleted", reason="deleted", metadata={"customer": 7})
    )
    assert (await stage.types(connection_id))[-1] == "connection.disconnected"
    await stage.order(a_force("open", connection_id=connection_id))
    assert (await stage.published(connection_id))[-1][1]["problem"]["code"] == "not_found"
    receipt = await stage.purge(connection_id)
    assert (receipt["rows"]["issue"], receipt["rows"]["error_log"]) == (2, 2)
    before = await stage.published(connection_id)
    await stage.calls(called(connection_id, Outcome.CREDENTIALS_REJECTED, version=9))
    await stage.sync(a_sync().model_copy(update={"connection_id": connection_id}))
    await stage.describe(described(connection_id, revision=1))
    await stage.describe(described(connection_id, revision=9))
    await stage.pass_time(10_000)
    assert await stage.published(connection_id) == before
    for table in ("issue", "timeline", "error_log"):
        found = await stage.pool.fetchval(
            f"select count(*) from {table} where connection_id = $1",
            connection_id,
        )
        assert found == 0, table
    row = await stage.pool.fetchrow("select * from state where connection_id = $1", connection_id)
    assert row["described"] is None
    assert row["document"]["lifecycle"] == "deleted"
    assert {"metadata", "issues", "scopes", "rejection"}.isdisjoint(row["document"])


async def test_a_purge_waits_for_the_last_word(stage: Stage) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    with pytest.raises(RetryableError):
        await stage.purge(connection_id)
    await stage.describe(described(connection_id, revision=2, lifecycle="deleted"))
    await stage.purge(connection_id)
    last = [one for one in await stage.published(connection_id) if one[0] == "connection.disconnected"]
    assert last[0][1]["metadata"] == {"customer": 7}


async def test_a_repeated_event_changes_nothing(stage: Stage) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    events = await stage.calls(called(connection_id, Outcome.PERMISSION_DENIED))
    before = await stage.published(connection_id)
    await transactional(stage.pool, "calls", stage.handlers.on_calls)(events * 2)
    assert await stage.published(connection_id) == before


async def test_the_fleet_is_counted_and_old_history_forgotten(stage: Stage) -> None:
    await stage.describe(described(new_id("con"), system="counted"))
    await stage.calls(called(new_id("con"), Outcome.PERMISSION_DENIED, system="counted"))
    counts = await postgres.figures(stage.pool, "count_states")
    assert [(status, number) for system, status, number in counts if system == "counted"] == [("healthy", 1)]
    await postgres.forget(stage.pool, timedelta(days=1))
    assert await stage.pool.fetchval("select count(*) from error_log") > 0
    await postgres.forget(stage.pool, timedelta(0))
    assert await stage.pool.fetchval("select count(*) from error_log") == 0


async def test_the_figures_of_the_fleet_tell_faults_waits_breakers_and_age(stage: Stage) -> None:
    system, refused, broken, read = "figured", new_id("con"), new_id("con"), new_id("con")
    for connection_id in (refused, broken, read):
        await stage.describe(described(connection_id, system=system))
    await stage.calls(called(refused, Outcome.CREDENTIALS_REJECTED, system=system))
    for _ in range(3):
        await stage.calls(called(broken, Outcome.SOURCE_ERROR, "part", system=system))
    await stage.pool.execute(
        "update state set last_sync_at = now() - interval '2 hours' where connection_id = $1", read
    )

    async def figures(name: str) -> dict[str, float]:
        rows = await postgres.figures(stage.pool, name)
        return {row[1]: row[2] for row in rows if row[0] == system}

    assert await figures("count_ages") == {"never": 2, "day": 1}
    assert await figures("count_issues") == {"credentials": 1, "source_down": 1}
    assert (await figures("count_breakers"))["connection"] >= 1
    [waits] = [
        row[1] for row in await postgres.figures(stage.pool, "oldest_reauthorizations") if row[0] == system
    ]
    assert 0 <= waits < 3600


async def test_the_last_ladder_stays_and_api_reads_it(stage: Stage, database: Database) -> None:
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    later, earlier = now(), now() - timedelta(hours=1)
    await stage.diagnoses(a_diagnosis(connection_id=connection_id, at=later))
    await stage.diagnoses(a_diagnosis(LadderRung.DNS, connection_id=connection_id, at=earlier))
    api = await asyncpg.connect(database.dsn("api"))
    try:
        query = "select document from health_monitor.ladder_view where connection_id = $1"
        assert orjson.loads(await api.fetchval(query, connection_id))["failed_rung"] == "tcp"
        await stage.describe(described(connection_id, revision=2, lifecycle="deleted"))
        await stage.purge(connection_id)
        await stage.diagnoses(a_diagnosis(connection_id=connection_id, at=now()))
        assert await api.fetchval(query, connection_id) is None
    finally:
        await api.close()


async def test_the_connector_is_asked_to_look_at_the_network(pool: Pool) -> None:
    stage = Stage(pool)
    stage.handlers = Handlers(Thresholds(ladder_pause=timedelta(minutes=15)), stage.clock, lambda: 0.5)
    connection_id = new_id("con")
    await stage.describe(described(connection_id))
    for _ in range(3):
        await stage.calls(called(connection_id, Outcome.UNREACHABLE, None, rung=Rung.TCP))
    await stage.pass_time(6)
    [asked] = [data for kind, data in await stage.published(connection_id) if kind == "diagnosis.requested"]
    assert (asked["may_call"], asked["object"]) == (False, None)


async def test_the_timeline_tells_who_changed_a_mapping_when_and_why(stage: Stage) -> None:
    connection_id, at = new_id("con"), now() - timedelta(hours=3)
    changes = [
        MappingChanged(
            connection_id=connection_id,
            system="tryton",
            entity="item",
            object="product.product",
            version=version,
            effective={},
            changed_at=at,
            changed_by="key_1",
            comment=comment,
        )
        for version, comment in [(2, "the class comes from x_class"), (3, "")]
    ]
    await stage.change_mapping(changes[0])
    await stage.describe(described(connection_id))
    await stage.change_mapping(changes[1])
    rows = await stage.pool.fetch(
        "select * from timeline where connection_id = $1 and kind = 'mapping.changed' order by summary",
        connection_id,
    )
    assert [(row["at"], row["actor"], row["summary"]) for row in rows] == [
        (at, "key_1", "Version 2 of the mapping of item: the class comes from x_class"),
        (at, "key_1", "Version 3 of the mapping of item"),
    ]
    assert await stage.types(connection_id) == ["connection.status_described", "connection.created"]
