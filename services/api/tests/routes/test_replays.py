import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.commands import CommandProblem

from .conftest import World, insert

pytestmark = pytest.mark.integration

TOPIC = "commands.notifier"
SINCE = "2026-01-01T00:00:00Z"


async def new_endpoint(world: World) -> str:
    answer = await world.call("POST", "/webhook-endpoints", {"url": "https://product.example.com/hooks"})
    return str(answer.json()["id"])


async def asked(
    world: World,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    result: dict[str, Any] | None = None,
    problem: CommandProblem | None = None,
) -> tuple[httpx.Response, dict[str, Any]]:
    """The answer of a caller who waits for what the notifier says, and the command."""
    before = len(await world.outbox(TOPIC))
    asking = asyncio.create_task(world.call("POST", path, body))
    while len(commands := await world.outbox(TOPIC)) == before:
        assert not asking.done(), asking.result().text
        await asyncio.sleep(0.01)
    await world.answer(commands[-1]["command_id"], result=result, problem=problem)
    return await asking, commands[-1]


async def add_replay(world: World, endpoint_id: str, number: int = 0, state: str = "running") -> str:
    replay_id = f"rpl_{endpoint_id}_{number}"
    await insert(
        world.pools["notifier"],
        "replay",
        replay_id=replay_id,
        endpoint_id=endpoint_id,
        only_undelivered=True,
        per_second=5.0,
        state=state,
        total=10,
        passed=4,
        queued=3,
        created_at=now() - timedelta(seconds=number // 2),
    )
    return replay_id


async def test_a_replay_is_asked_for(world: World) -> None:
    endpoint_id = await new_endpoint(world)
    answer, command = await asked(
        world,
        f"/webhook-endpoints/{endpoint_id}/replay",
        {
            "since": SINCE,
            "event_types": ["sync.completed", "sync.completed"],
            "connection_ids": ["con_1"],
            "only": "undelivered",
        },
        result={"replay_id": "rpl_1", "total": 7},
    )
    assert answer.status_code == 202
    assert answer.json() == {"command_id": command["command_id"], "replay_id": "rpl_1", "total": 7}
    assert command["endpoint_id"] == endpoint_id
    assert (command["event_types"], command["connection_ids"]) == (["sync.completed"], ["con_1"])
    assert (command["since"], command["until"]) == (SINCE, None)
    assert (command["only"], command["per_second"]) == ("undelivered", 20.0)


async def test_what_the_notifier_refuses_names_the_field(world: World) -> None:
    endpoint_id = await new_endpoint(world)
    answer, _ = await asked(
        world,
        f"/webhook-endpoints/{endpoint_id}/replay",
        {"since": SINCE},
        problem=CommandProblem(code="validation_failed", message="Must be past.", field="since"),
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["field"] == "since"
    assert "connection_id" not in answer.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "since"),
        ({"since": "2026-01-01T00:00:00"}, "since"),
        ({"since": SINCE, "event_types": ["weather.changed"]}, "event_types"),
        ({"since": SINCE, "per_second": 0}, "per_second"),
    ],
)
async def test_a_wrong_replay_names_the_field(world: World, body: dict[str, Any], field: str) -> None:
    endpoint_id = await new_endpoint(world)
    answer = await world.call("POST", f"/webhook-endpoints/{endpoint_id}/replay", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_replays_are_paged_with_their_progress(world: World) -> None:
    endpoint_id, other = await new_endpoint(world), await new_endpoint(world)
    made = [await add_replay(world, endpoint_id, number) for number in range(3)]
    await add_replay(world, other)
    await insert(world.pools["notifier"], "event", event_id=f"evt_{endpoint_id}")
    await insert(
        world.pools["notifier"],
        "delivery",
        event_id=f"evt_{endpoint_id}",
        delivery_id=f"del_{endpoint_id}",
        endpoint_id=endpoint_id,
        state="delivered",
        replay_id=made[0],
    )
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await world.call("GET", f"/webhook-endpoints/{endpoint_id}/replays?limit=2{cursor}")
        seen += answer.json()["data"]
        if answer.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.json()['next_cursor']}"
    assert sorted(one["replay_id"] for one in seen) == made
    one = next(one for one in seen if one["replay_id"] == made[0])
    assert (one["state"], one["only"], one["per_second"]) == ("running", "undelivered", 5.0)
    counts = ("total", "passed", "queued", "delivered", "given_up", "due")
    assert [one[name] for name in counts] == [10, 4, 3, 1, 0, 0]


async def test_a_running_replay_is_cancelled(world: World) -> None:
    endpoint_id, other = await new_endpoint(world), await new_endpoint(world)
    replay_id = await add_replay(world, endpoint_id)
    path = f"/webhook-endpoints/{endpoint_id}/replays/{replay_id}/cancel"
    answer, command = await asked(world, path, result={"replay_id": replay_id})
    assert (answer.status_code, answer.json()["replay_id"]) == (202, replay_id)
    assert command["replay_id"] == replay_id
    late, _ = await asked(
        world, path, problem=CommandProblem(code="not_found", message="No such replay is running.")
    )
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    foreign = await world.call("POST", f"/webhook-endpoints/{other}/replays/{replay_id}/cancel")
    assert foreign.status_code == 404


async def test_a_replay_that_has_ended_cannot_be_cancelled(world: World) -> None:
    endpoint_id = await new_endpoint(world)
    replay_id = await add_replay(world, endpoint_id, state="completed")
    answer = await world.call("POST", f"/webhook-endpoints/{endpoint_id}/replays/{replay_id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_replays_are_for_admins_and_endpoints_that_are_there(world: World) -> None:
    _, token = await world.connect()
    for method, path, body in (
        ("POST", "replay", {"since": SINCE}),
        ("GET", "replays", None),
        ("POST", "replays/rpl_1/cancel", None),
    ):
        denied = await world.call(method, f"/webhook-endpoints/whe_nothing/{path}", body, key=token)
        assert denied.status_code == 403
        nobody = await world.call(method, f"/webhook-endpoints/whe_nothing/{path}", body)
        assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")
