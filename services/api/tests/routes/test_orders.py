"""Breakers and mutes: an order goes to the monitor, and its answer is the caller's."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.commands import CommandProblem

from .conftest import World, insert, waiting

pytestmark = pytest.mark.integration

TOPIC = "commands.health"


async def ordered(
    world: World,
    path: str,
    body: dict[str, Any],
    *,
    result: dict[str, Any] | None = None,
    problem: CommandProblem | None = None,
    topic: str = TOPIC,
) -> tuple[httpx.Response, dict[str, Any]]:
    """The answer of a caller who waits for what the monitor says, and the command."""
    patient = waiting(world, write_wait_seconds=10)
    before = len(await world.outbox(topic))
    asking = asyncio.create_task(patient.call("POST", path, body))
    while len(commands := await world.outbox(topic)) == before:
        assert not asking.done(), asking.result().text
        await asyncio.sleep(0.01)
    command = commands[-1]
    await world.answer(command["command_id"], result=result, problem=problem)
    answer = await asking
    await patient.http.aclose()
    return answer, command


async def test_a_breaker_is_forced_open(world: World) -> None:
    connection_id, _ = await world.connect()
    until = (now() + timedelta(hours=2)).isoformat()
    told = {"state": "open", "object": "party.party", "until": until}
    answer, command = await ordered(
        world, f"/connections/{connection_id}/breaker", told | {"reason": "maintenance"}, result=told
    )
    assert (answer.status_code, answer.json()) == (200, told)
    assert command["connection_id"] == connection_id
    assert (command["state"], command["object"], command["reason"]) == ("open", "party.party", "maintenance")
    key_id = await world.context.pool.fetchval(
        "select key_id from api_key where key_id = $1", command["actor"]
    )
    assert key_id is not None


async def test_what_reconnecting_only_mends_is_told(world: World) -> None:
    connection_id, _ = await world.connect()
    answer, command = await ordered(
        world,
        f"/connections/{connection_id}/breaker",
        {"state": "closed", "reason": "mended"},
        problem=CommandProblem(code="reauthorization_required", message="Reconnect it."),
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "reauthorization_required")
    assert answer.json()["connection_id"] == connection_id
    assert (command["state"], command["object"], command["until"]) == ("closed", None, None)


async def test_a_slow_order_is_an_operation_of_admins(world: World) -> None:
    connection_id, token = await world.connect()
    answer = await world.call(
        "POST", f"/connections/{connection_id}/breaker", {"state": "open", "reason": "maintenance"}
    )
    assert answer.status_code == 202
    operation = answer.json()
    assert answer.headers["location"] == f"/v1/operations/{operation['id']}"
    assert (operation["status"], operation["entity"]) == ("pending", None)
    assert operation["operation"] == "force_breaker"
    result = {"state": "open", "object": None, "until": now().isoformat()}
    await world.answer(operation["id"], result=result)
    done = (await world.call("GET", f"/operations/{operation['id']}")).json()
    assert (done["status"], done["data"], done["problem"]) == ("succeeded", result, None)
    assert (await world.call("GET", f"/operations/{operation['id']}", key=token)).status_code == 404


async def test_a_slow_order_that_is_refused_says_why(world: World) -> None:
    connection_id, _ = await world.connect()
    path = f"/connections/{connection_id}/issues/iss_1/mute"
    operation = (await world.call("POST", path, {"until": None})).json()["id"]
    await world.answer(operation, problem=CommandProblem(code="not_found", message="No such issue is open."))
    done = (await world.call("GET", f"/operations/{operation}")).json()
    assert (done["status"], done["operation"], done["data"]) == ("failed", "mute_issue", None)
    assert (done["problem"]["code"], done["problem"]["detail"]) == ("not_found", "No such issue is open.")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"state": "ajar", "reason": "x"}, "state"),
        ({"state": "open"}, "reason"),
        ({"state": "open", "reason": ""}, "reason"),
        ({"state": "open", "reason": "x", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"state": "open", "reason": "x", "until": "2099-01-01T00:00:00"}, "until"),
        ({"state": "closed", "reason": "x", "until": "2099-01-01T00:00:00Z"}, "until"),
    ],
)
async def test_a_wrong_order_names_the_field(world: World, body: dict[str, str], field: str) -> None:
    connection_id, _ = await world.connect()
    before = len(await world.outbox(TOPIC))
    answer = await world.call("POST", f"/connections/{connection_id}/breaker", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert len(await world.outbox(TOPIC)) == before


async def test_orders_are_for_admins_and_connections_that_are_there(world: World) -> None:
    connection_id, token = await world.connect()
    for path, body in (
        ("breaker", {"state": "open", "reason": "x"}),
        ("issues/iss_1/mute", {"until": None}),
    ):
        denied = await world.call("POST", f"/connections/{connection_id}/{path}", body, key=token)
        assert (denied.status_code, denied.json()["code"]) == (403, "forbidden")
        nobody = await world.call("POST", f"/connections/con_nobody/{path}", body)
        assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")


async def test_an_issue_is_muted_and_listed_so(world: World) -> None:
    connection_id, _ = await world.connect()
    until = now() + timedelta(days=1)
    issue_id = f"iss_{connection_id}"
    path = f"/connections/{connection_id}/issues/{issue_id}/mute"
    result = {"issue_id": issue_id, "muted_until": until.isoformat()}
    answer, command = await ordered(
        world, path, {"until": until.isoformat(), "reason": "known"}, result=result
    )
    assert (answer.status_code, answer.json()) == (200, result)
    assert (command["issue_id"], command["reason"]) == (issue_id, "known")
    assert command["actor"]
    await insert(
        world.pools["health_monitor"],
        "issue",
        issue_id=issue_id,
        connection_id=connection_id,
        fault="network",
        status="unreachable",
        scope="all",
        muted_until=until,
    )
    (issue,) = (await world.call("GET", f"/connections/{connection_id}/issues")).json()["data"]
    assert issue["muted_until"] is not None
    past = await world.call("POST", path, {"until": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["errors"][0]["field"]) == (422, "until")
    missing = await world.call("POST", path, {})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "until")


async def test_an_issue_that_is_not_open_is_not_found(world: World) -> None:
    connection_id, _ = await world.connect()
    answer, _ = await ordered(
        world,
        f"/connections/{connection_id}/issues/iss_old/mute",
        {"until": None},
        problem=CommandProblem(code="not_found", message="No such issue is open."),
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
