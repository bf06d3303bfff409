"""Refused credentials, from many workers at once, and the way back."""

import asyncio
from datetime import timedelta

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.commands import ProbeRequested, WriteRequested
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.health import Breaker, ScopeStatus
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import ConnectionStatus, Operation, Outcome, Rung
from lineshaft.connector.adapters.sessions import SharedSessions
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.workers.commanding import Commanding
from lineshaft.connector.workers.syncing import Syncing

from . import rig as fixtures
from .rig import OBJECTS, Rig, a_connection_id

pools, rig = fixtures.pools, fixtures.rig

pytestmark = pytest.mark.integration


async def connected(rig: Rig) -> str:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    return connection_id


async def test_many_workers_tell_one_refusal_after_one_login(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids)
    replicas = [rig, rig.another()]
    leases = [await replica.lease() for replica in replicas]
    rig.plant.change_password("newer")
    rig.plant.login_seconds = 0.2
    logins = rig.plant.logins
    await asyncio.gather(
        *(replica.slice(lease).run() for replica, lease in zip(replicas, leases, strict=True))
    )
    assert rig.plant.logins == logins + 1
    (call,) = await rig.calls(ids, "credentials_rejected")
    assert (call["operation"], call["credential_version"]) == ("login", 1)
    assert await rig.pool.fetchval("select rejected_version from gate") == 1
    await rig.read_all()
    assert rig.plant.logins == logins + 1
    assert set((await rig.job_states(ids)).values()) == {"waiting"}
    assert (await rig.sync(ids))["status"] == "waiting"


async def test_of_two_refusals_the_first_is_told(rig: Rig) -> None:
    """As when the lease of a login ended before its answer came."""
    ids = await connected(rig)
    await rig.request_sync(ids)
    leases = [await rig.lease(), await rig.lease()]

    def refuse(_: str) -> None:
        raise SourceFailureError(
            Evidence(Outcome.CREDENTIALS_REJECTED, Operation.LOGIN, None, 401, "login_refused")
        )

    rig.plant.before_read = refuse
    await asyncio.gather(*(rig.slice(lease).run() for lease in leases))
    assert len(await rig.calls(ids, "credentials_rejected")) == 1
    assert await rig.read_all() == 0


async def test_a_login_that_was_claimed_after_a_refusal_is_not_made(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate closes between the look at it and the claim."""
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["item"])
    lease = await rig.lease()
    rig.plant.sessions.clear()
    logins = rig.plant.logins
    look = SharedSessions._refuse_if_closed

    async def look_too_early(self: SharedSessions) -> None:
        await look(self)
        await rig.pool.execute("update gate set rejected_version = 1")

    monkeypatch.setattr(SharedSessions, "_refuse_if_closed", look_too_early)
    await rig.slice(lease).run()
    assert rig.plant.logins == logins
    assert await rig.pool.fetchval("select login_owner from session") is None


async def test_the_event_and_the_closed_gate_commit_together(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["item"])
    lease = await rig.lease()
    rig.plant.change_password("newer")
    await rig.pool.execute(
        "create function no_outbox() returns trigger language plpgsql as"
        " $$ begin raise exception 'no outbox'; end $$;"
        "create trigger no_outbox before insert on outbox execute function no_outbox()"
    )
    with pytest.raises(Exception, match="no outbox"):
        await rig.slice(lease).run()
    await rig.pool.execute("drop function no_outbox cascade")
    assert await rig.pool.fetchval("select rejected_version from gate") == 0
    assert await rig.calls(ids, "credentials_rejected") == []


async def test_reconnecting_goes_on_from_the_saved_page(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["item"])
    pages = iter(range(10))

    def break_in_the_middle(_: str) -> None:
        if next(pages) == 1:
            rig.plant.sessions.clear()
            rig.plant.password = "newer"

    rig.plant.before_read = break_in_the_middle
    await rig.read_all()
    rig.plant.before_read = None
    assert (await rig.sync(ids))["status"] == "waiting"
    rig.plant.reads.clear()
    answer = await rig.authorize(ids, "newer", expected_account_id="plant/1")
    assert answer["result"]["credential_version"] == 2
    await rig.read_all()
    assert rig.plant.reads[0] == ("product.product", 20)
    assert (await rig.sync(ids))["status"] == "read"
    assert sorted(set(rig.broker.record_ids("product.product"))) == list(range(1, 26))


async def test_a_slice_ends_at_the_next_page_when_credentials_are_replaced(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["item"])
    lease = await rig.lease()
    pages = iter(range(10))

    async def promote_meanwhile(_: str) -> None:
        if next(pages) == 0:
            await rig.authorize(ids, expected_account_id="plant/1")

    rig.plant.before_read = promote_meanwhile
    await rig.slice(lease).run()
    assert rig.plant.reads == [("product.product", 0)]
    rig.plant.before_read = None
    await rig.read_all()
    assert rig.plant.reads[1] == ("product.product", 10)
    versions = [call["credential_version"] for call in await rig.calls(ids) if call["operation"] == "read"]
    assert versions == [1, 2]


async def test_a_late_refusal_of_old_credentials_does_not_bind_new_ones(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["item"])
    lease = await rig.lease()
    at_login = asyncio.Event()
    go_on = asyncio.Event()

    async def hang(_: str) -> None:
        at_login.set()
        await go_on.wait()
        raise SourceFailureError(
            Evidence(Outcome.CREDENTIALS_REJECTED, Operation.LOGIN, None, 401, "login_refused")
        )

    rig.plant.before_read = hang
    slow = asyncio.create_task(rig.slice(lease).run())
    await at_login.wait()
    rig.plant.before_read = None
    await rig.authorize(ids, expected_account_id="plant/1")
    go_on.set()
    await slow
    (call,) = await rig.calls(ids, "credentials_rejected")
    assert call["credential_version"] == 1
    await rig.read_all()
    assert (await rig.sync(ids))["status"] == "read"


async def test_a_status_about_old_credentials_does_not_close_the_gate(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.authorize(ids, expected_account_id="plant/1")
    await rig.status(ids, ConnectionStatus.REAUTHORIZATION_REQUIRED, 1)
    await rig.request_sync(ids, entities=["item"])
    await rig.read_all()
    assert (await rig.sync(ids))["status"] == "read"
    await rig.status(ids, ConnectionStatus.REAUTHORIZATION_REQUIRED, 2)
    await rig.request_sync(ids, entities=["item"])
    assert await rig.read_all() == 0


@pytest.mark.parametrize("lifecycle", [Lifecycle.PAUSED, Lifecycle.DISCONNECTED])
async def test_a_connection_that_is_not_active_waits(rig: Rig, lifecycle: Lifecycle) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["item"])
    await rig.describe(ids, lifecycle)
    assert await rig.read_all() == 0
    if lifecycle is Lifecycle.DISCONNECTED:
        await rig.authorize(ids)
    await rig.describe(ids, Lifecycle.ACTIVE)
    assert await rig.read_all() == 1


async def test_pausing_ends_a_slice_at_the_next_page(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["item"])

    async def pause_meanwhile(_: str) -> None:
        await rig.describe(ids, Lifecycle.PAUSED)

    rig.plant.before_read = pause_meanwhile
    await rig.read_all()
    assert rig.plant.reads == [("product.product", 0)]


async def test_a_deleted_connection_is_read_no_more(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["item"])

    async def delete_meanwhile(_: str) -> None:
        await rig.purge(ids)

    rig.plant.before_read = delete_meanwhile
    await rig.read_all()
    assert len(rig.plant.reads) == 1
    for table in ("sync", "sync_job", "stream", "session"):
        assert await rig.pool.fetchval(f"select count(*) from {table}") == 0
    assert await rig.pool.fetchval("select lifecycle from connection") == "deleted"


async def test_an_open_breaker_lets_one_job_try(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids)
    soon = now() + timedelta(hours=1)
    await rig.status(ids, ConnectionStatus.UNREACHABLE, 1, breaker=Breaker(state="open", retry_at=soon))
    assert await rig.read_all() == 0
    past = now() - timedelta(seconds=1)
    await rig.status(ids, ConnectionStatus.UNREACHABLE, 1, breaker=Breaker(state="open", retry_at=past))
    probe = await rig.lease()
    assert probe.probe
    assert await Syncing(rig.another().tools).take() is None
    await rig.slice(probe).run()
    await rig.status(ids, ConnectionStatus.HEALTHY, 1)
    assert await rig.read_all() == len(OBJECTS) - 1


async def test_a_probe_that_fails_lets_nobody_else_try(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids)
    for name in OBJECTS:
        rig.plant.failing[name] = Evidence(Outcome.UNREACHABLE, Operation.READ, name, rung=Rung.TCP)
    past = now() - timedelta(seconds=1)
    await rig.status(ids, ConnectionStatus.UNREACHABLE, 1, breaker=Breaker(state="open", retry_at=past))
    assert await rig.read_all() == 1


async def test_an_object_that_is_closed_waits_alone(rig: Rig) -> None:
    ids = await connected(rig)
    closed = ScopeStatus(
        object="stock.lot",
        status=ConnectionStatus.DEGRADED,
        callable=False,
        not_before=now() + timedelta(hours=1),
    )
    await rig.status(ids, ConnectionStatus.DEGRADED, 1, objects=[closed])
    await rig.request_sync(ids)
    assert await rig.read_all() == len(OBJECTS) - 1
    assert (await rig.job_states(ids))["stock.lot"] == "waiting"


async def test_whoever_waits_has_what_is_left_alone_tried_and_a_schedule_does_not(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, on_demand=True)
    closed = ScopeStatus(
        object="stock.lot",
        status=ConnectionStatus.DEGRADED,
        callable=False,
        not_before=now() + timedelta(hours=1),
    )
    await rig.status(ids, ConnectionStatus.DEGRADED, 1, objects=[closed])
    await rig.request_sync(ids)
    await rig.request_sync(ids, objects=["party.party"], on_demand=True)
    assert await rig.outbox("commands.health") == []
    await rig.request_sync(ids, on_demand=True, requested_by="grace")
    [trial] = [one["data"] for one in await rig.outbox("commands.health")]
    assert (trial["objects"], trial["asked_by"]) == (["stock.lot"], "grace")


async def test_a_session_that_ended_costs_one_login_and_no_event(rig: Rig) -> None:
    ids = await connected(rig)
    rig.plant.sessions.clear()
    await rig.request_sync(ids)
    replicas = [rig, rig.another()]
    leases = [await replica.lease() for replica in replicas]
    logins = rig.plant.logins
    rig.plant.login_seconds = 0.1
    await asyncio.gather(
        *(replica.slice(lease).run() for replica, lease in zip(replicas, leases, strict=True))
    )
    assert rig.plant.logins == logins + 1
    assert {call["outcome"] for call in await rig.calls(ids)} == {"ok"}


async def test_a_login_whose_process_died_is_taken_over(rig: Rig) -> None:
    ids = await connected(rig)
    rig.plant.sessions.clear()
    await rig.pool.execute(
        "update session set login_owner = 'dead', login_until = now() + interval '400 milliseconds'"
    )
    await rig.request_sync(ids, entities=["item"])
    await rig.read_all()
    assert (await rig.sync(ids))["status"] == "read"


async def test_writes_are_told_and_answered(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.ask(a_write(ids, "cmd_1"))
    await rig.carry_out()
    assert (await rig.answer("cmd_1"))["result"] == {
        "source_id": "77",
        "values": {},
        "record": {"id": 77, "name": "New"},
    }
    call = (await rig.calls(ids))[-1]
    assert (call["operation"], call["object"], call["outcome"]) == ("write", "party.party", "ok")


async def test_the_source_says_why_it_does_not_write(rig: Rig) -> None:
    ids = await connected(rig)

    def refuse(_: str) -> None:
        raise SourceFailureError(
            Evidence(
                Outcome.INVALID_REQUEST,
                Operation.WRITE,
                "party.party",
                200,
                "UserError",
                "Code is taken.",
            )
        )

    rig.plant.before_write = refuse
    await rig.ask(a_write(ids, "cmd_1"))
    await rig.carry_out()
    problem = (await rig.answer("cmd_1"))["problem"]
    assert (problem["code"], problem["message"]) == ("source_rejected", "Code is taken.")


async def test_what_may_not_be_read_is_written_and_what_may_not_be_written_is_not(rig: Rig) -> None:
    ids = await connected(rig)
    later = now() + timedelta(hours=1)
    scope = ScopeStatus(object="party.party", status=ConnectionStatus.DEGRADED)
    no_reads = scope.model_copy(update={"callable": False, "not_before": later})
    await rig.status(ids, ConnectionStatus.DEGRADED, 1, objects=[no_reads])
    await rig.ask(a_write(ids, "cmd_1"))
    await rig.carry_out()
    assert (await rig.answer("cmd_1"))["result"]["source_id"]
    no_writes = scope.model_copy(update={"writable": False, "writes_not_before": later})
    await rig.status(ids, ConnectionStatus.DEGRADED, 1, objects=[no_writes])
    made = len(rig.plant.writes)
    await rig.ask(a_write(ids, "cmd_2"))
    await rig.carry_out()
    assert (await rig.answer("cmd_2"))["problem"]["code"] == "connection_unavailable"
    assert len(rig.plant.writes) == made
    await rig.request_sync(ids, objects=["party.party"])
    assert await rig.read_all() == 1


async def test_a_refused_write_names_its_record_also_where_it_has_no_id_yet(rig: Rig) -> None:
    ids = await connected(rig)

    def refuse(_: str) -> None:
        raise SourceFailureError(Evidence(Outcome.PERMISSION_DENIED, Operation.WRITE, "party.party", 403))

    rig.plant.before_write = refuse
    same, other = a_write(ids), a_write(ids).model_copy(update={"values": {"name": "Other"}})
    for command in (same, same.model_copy(update={"command_id": new_id("cmd")}), other):
        await rig.ask(command)
        await rig.carry_out()
    one, again, another = [call["record"] for call in await rig.calls(ids, "permission_denied")]
    assert one == again != another


async def test_a_write_behind_the_closed_gate_is_not_tried(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.pool.execute("update gate set rejected_version = 1")
    await rig.ask(a_write(ids, "cmd_1"))
    await rig.carry_out()
    assert (await rig.answer("cmd_1"))["problem"]["code"] == "reauthorization_required"
    assert rig.plant.writes == []


async def test_a_write_whose_worker_died_in_it_is_not_made_again(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.ask(a_write(ids, "cmd_1"))

    def die(_: str) -> None:
        raise asyncio.CancelledError

    rig.plant.before_write = die
    commanding = Commanding(rig.tools)
    job = await commanding.take()
    assert job is not None
    with pytest.raises(asyncio.CancelledError):
        await commanding.work(job, asyncio.Event())
    await rig.pool.execute("update command_job set lease_until = now() - interval '1 second'")
    await rig.carry_out()
    assert len(rig.plant.writes) == 1
    assert (await rig.answer("cmd_1"))["problem"]["code"] == "outcome_unknown"


async def test_a_refused_write_closes_the_gate_for_reads(rig: Rig) -> None:
    ids = await connected(rig)
    rig.plant.change_password("newer")
    await rig.ask(a_write(ids, "cmd_1"))
    await rig.carry_out()
    assert (await rig.answer("cmd_1"))["problem"]["code"] == "reauthorization_required"
    assert len(await rig.calls(ids, "credentials_rejected")) == 1
    await rig.request_sync(ids)
    assert await rig.read_all() == 0


async def test_a_probe_passes_the_breaker_but_never_refused_credentials(rig: Rig) -> None:
    ids = await connected(rig)
    soon = now() + timedelta(hours=1)
    await rig.status(ids, ConnectionStatus.UNREACHABLE, 1, breaker=Breaker(state="open", retry_at=soon))
    await rig.ask(ProbeRequested(command_id="cmd_1", connection_id=ids, object="stock.lot"))
    await rig.carry_out()
    assert (await rig.answer("cmd_1"))["result"] == {"outcome": "ok"}
    assert (await rig.calls(ids))[-1]["operation"] == "probe"
    logins = rig.plant.logins
    rig.plant.change_password("newer")
    await rig.ask(ProbeRequested(command_id="cmd_2", connection_id=ids))
    await rig.carry_out()
    assert (await rig.answer("cmd_2"))["result"]["outcome"] == "credentials_rejected"
    await rig.ask(ProbeRequested(command_id="cmd_3", connection_id=ids))
    await rig.carry_out()
    assert (await rig.answer("cmd_3"))["problem"]["code"] == "reauthorization_required"
    assert rig.plant.logins == logins + 1


async def test_a_second_look_at_refused_credentials_is_one_login_and_believed(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids)
    right = rig.plant.password
    rig.plant.change_password("while the directory was away")
    await rig.read_all()
    await rig.status(ids, ConnectionStatus.REAUTHORIZATION_REQUIRED, 1)
    logins = rig.plant.logins
    look = ProbeRequested(command_id="cmd_1", connection_id=ids, despite_rejection=True)
    await rig.ask(look)
    await rig.carry_out()
    assert (await rig.answer("cmd_1"))["result"]["outcome"] == "credentials_rejected"
    assert rig.plant.logins == logins + 1
    rig.plant.change_password(right)
    await rig.ask(look.model_copy(update={"command_id": "cmd_2"}))
    await rig.carry_out()
    assert (await rig.answer("cmd_2"))["result"] == {"outcome": "ok"}
    assert (await rig.calls(ids))[-1]["outcome"] == "ok"
    await rig.status(ids, ConnectionStatus.HEALTHY, 1)
    assert await rig.read_all() == len(OBJECTS)


def a_write(connection_id: str, command_id: str | None = None) -> WriteRequested:
    return WriteRequested(
        command_id=command_id or new_id("cmd"),
        connection_id=connection_id,
        object="party.party",
        operation="create",
        values={"name": "New"},
    )
