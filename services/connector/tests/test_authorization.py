import asyncio

import pytest

from lineshaft.common.events.commands import AuthorizationRequested
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.connector.adapters.postgres import QUERIES
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.workers.commanding import Commanding

from . import rig as fixtures
from .rig import Rig, a_connection_id

pools, rig = fixtures.pools, fixtures.rig

pytestmark = pytest.mark.integration


async def states(rig: Rig, connection_id: str) -> list[tuple[str, int | None, bool]]:
    rows = await rig.pool.fetch(
        "select state, version, sealed is not null as has_secret from credential"
        " where connection_id = $1 order by created_at",
        connection_id,
    )
    return [tuple(row) for row in rows]


async def test_verified_credentials_come_into_force(rig: Rig) -> None:
    connection_id = a_connection_id()
    answer = await rig.authorize(connection_id)
    assert answer["problem"] is None
    assert answer["result"]["account_id"] == "plant/1"
    assert answer["result"]["credential_version"] == 1
    assert await states(rig, connection_id) == [("active", 1, True)]
    (call,) = await rig.calls(connection_id)
    assert (call["outcome"], call["operation"], call["credential_version"]) == ("ok", "verify", 1)


async def test_the_session_that_verified_is_used_on(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.request_sync(connection_id, entities=["item"])
    await rig.read_all()
    assert rig.plant.logins == 1


async def test_refused_credentials_leave_no_secret_and_no_connection(rig: Rig) -> None:
    connection_id = a_connection_id()
    answer = await rig.authorize(connection_id, "wrong")
    assert answer["problem"]["code"] == "credentials_rejected"
    assert answer["problem"]["operation"] == "login"
    assert await states(rig, connection_id) == [("refused", None, False)]
    assert await rig.calls(connection_id) == []
    assert await rig.pool.fetchval("select count(*) from connection") == 0


async def test_an_unreachable_source_says_at_which_rung(rig: Rig) -> None:
    rig.plant.verify_failure = Evidence(
        Outcome.UNREACHABLE, Operation.LOGIN, code="name_not_resolved", rung=Rung.DNS
    )
    answer = await rig.authorize(a_connection_id())
    assert answer["problem"]["code"] == "unreachable"
    assert answer["problem"]["rung"] == "dns"
    assert "name does not resolve" in answer["problem"]["message"]


async def test_reauthorization_replaces_the_version(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    rig.plant.change_password("newer")
    answer = await rig.authorize(connection_id, "newer", expected_account_id="plant/1")
    assert answer["result"]["credential_version"] == 2
    assert await states(rig, connection_id) == [("retired", 1, False), ("active", 2, True)]


async def test_another_account_saves_nothing(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    answer = await rig.authorize(connection_id, values={"account": "plant/2"}, expected_account_id="plant/1")
    assert answer["problem"]["code"] == "account_mismatch"
    assert await states(rig, connection_id) == [("active", 1, True), ("refused", None, False)]
    assert await rig.pool.fetchval("select account_id from connection") == "plant/1"


async def test_of_two_at_once_one_wins(rig: Rig) -> None:
    connection_id = a_connection_id()
    values = {"username": "lineshaft", "password": "right"}
    commands = [await rig.ask_authorization(connection_id, values) for _ in range(2)]
    rig.plant.login_seconds = 0.1
    await asyncio.gather(rig.carry_out(), rig.another().carry_out())
    answers = [await rig.answer(command) for command in commands]
    assert sorted(bool(answer["result"]) for answer in answers) == [False, True]
    (problem,) = [answer["problem"] for answer in answers if answer["problem"]]
    assert problem["code"] == "conflict"
    assert [state for state, _, _ in await states(rig, connection_id)].count("active") == 1


async def test_one_that_was_entered_while_another_came_into_force_loses(rig: Rig) -> None:
    connection_id = a_connection_id()
    values = {"username": "lineshaft", "password": "right"}
    first = await rig.ask_authorization(connection_id, values)
    late = await rig.candidate(connection_id, values)
    await rig.carry_out()
    assert (await rig.answer(first))["result"]
    command = AuthorizationRequested(
        command_id="cmd_late",
        connection_id=connection_id,
        system="tryton",
        settings=fixtures.SETTINGS,
        credential_id=late,
    )
    await rig.ask(command)
    await rig.carry_out()
    assert (await rig.answer("cmd_late"))["problem"]["code"] == "conflict"


async def test_a_command_that_comes_twice_is_carried_out_once(rig: Rig) -> None:
    connection_id = a_connection_id()
    command_id = await rig.ask_authorization(connection_id, {"username": "u", "password": "right"})
    row = await rig.pool.fetchrow("select payload from command_job where command_id = $1", command_id)
    await rig.carry_out()
    assert row is not None
    await rig.ask(AuthorizationRequested.model_validate(row["payload"]))
    await rig.carry_out()
    assert (await rig.answer(command_id))["result"]
    assert rig.plant.logins == 1


async def test_a_deleted_connection_takes_no_credentials(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.describe(connection_id, Lifecycle.DELETED)
    answer = await rig.authorize(connection_id)
    assert answer["problem"]["code"] == "conflict"
    await rig.purge(connection_id)
    assert await states(rig, connection_id) == []
    await rig.candidate(connection_id, {"username": "u", "password": "late"})
    await rig.pool.execute(QUERIES["forget_late_credentials"])
    assert await states(rig, connection_id) == []


async def test_an_ended_connection_keeps_no_secret_and_its_versions_go_on(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.describe(connection_id, Lifecycle.PAUSED)
    assert await states(rig, connection_id) == [("active", 1, True)], "it comes back as it was"
    await rig.describe(connection_id, Lifecycle.DISCONNECTED)
    assert await states(rig, connection_id) == [("retired", 1, False)]
    assert await rig.pool.fetchval("select count(*) from session") == 0
    answer = await rig.authorize(connection_id, expected_account_id="plant/1")
    assert answer["result"]["credential_version"] == 2
    await rig.describe(connection_id, credential_version=2)
    await rig.request_sync(connection_id, entities=["item"])
    assert await rig.read_all() == 1


async def test_the_end_of_a_connection_that_comes_late_spares_what_followed_it(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.authorize(connection_id, expected_account_id="plant/1")
    await rig.describe(connection_id, Lifecycle.DISCONNECTED, credential_version=1)
    assert await states(rig, connection_id) == [("retired", 1, False), ("active", 2, True)]


async def test_api_cannot_read_what_it_stored(rig: Rig) -> None:
    await rig.candidate(a_connection_id(), {"username": "u", "password": "p"})
    for statement in (
        "select sealed from connector.credential",
        "update connector.credential set state = 'active'",
        "insert into connector.credential (credential_id, connection_id, state) values ('x', 'y', 'active')",
        "select sealed from connector.session",
    ):
        with pytest.raises(Exception, match="permission denied"):
            await rig.api_pool.execute(statement)


async def test_a_command_whose_worker_died_is_taken_over(rig: Rig) -> None:
    connection_id = a_connection_id()
    command_id = await rig.ask_authorization(connection_id, {"username": "u", "password": "right"})
    lost = await Commanding(rig.tools).take()
    assert lost is not None
    await rig.carry_out()
    await rig.pool.execute("update command_job set lease_until = now() - interval '1 second'")
    await rig.carry_out()
    assert (await rig.answer(command_id))["result"]
    await Commanding(rig.tools).work(lost, asyncio.Event())
    assert (await rig.answer(command_id))["result"]
