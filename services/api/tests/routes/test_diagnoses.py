"""The network ladder on demand: an order to the connector, and the last one that is known."""

import asyncio
from typing import Any

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.diagnoses import Climbing, ConnectionDiagnosed, RungResult
from lineshaft.common.outcomes import LadderRung, RungStatus

from .conftest import World, insert, waiting

pytestmark = pytest.mark.integration

TOPIC = "commands.connector"


def a_ladder(connection_id: str) -> dict[str, Any]:
    failed = RungResult(
        rung=LadderRung.TCP, status=RungStatus.FAILED, seen="plant refused TCP 443", ask="open TCP 443"
    )
    return ConnectionDiagnosed(
        connection_id=connection_id,
        system="tryton",
        command_id="op_1",
        asked_by="",
        at=now(),
        duration_ms=1.0,
        host="plant:443",
        rungs=[failed],
        failed_rung=failed.rung,
        ask=failed.ask,
    ).model_dump(mode="json")


async def climb(world: World, connection_id: str, operation_id: str) -> dict[str, Any]:
    """As far as TCP."""
    dns = RungResult(rung=LadderRung.DNS, status=RungStatus.OK, seen="plant is 192.0.2.1", duration_ms=1.0)
    climbed = Climbing(rungs=[dns], to_come=[LadderRung.TCP, LadderRung.TLS]).model_dump(mode="json")
    await insert(
        world.pools["connector"],
        "command_job",
        command_id=operation_id,
        kind="diagnose",
        connection_id=connection_id,
        progress=climbed,
    )
    return climbed


async def test_who_waits_gets_the_ladder(world: World) -> None:
    connection_id, _ = await world.connect()
    ladder = a_ladder(connection_id)
    patient = waiting(world, write_wait_seconds=10)
    before = len(await world.outbox(TOPIC))
    asking = asyncio.create_task(
        patient.call("POST", f"/connections/{connection_id}/diagnose", {"object": "party.party"})
    )
    while len(commands := await world.outbox(TOPIC)) == before:
        assert not asking.done(), asking.result().text
        await asyncio.sleep(0.01)
    command = commands[-1]
    assert (command["object"], command["may_call"]) == ("party.party", True)
    assert command["asked_by"].startswith("key_")
    await world.answer(command["command_id"], result=ladder)
    answer = await asking
    await patient.http.aclose()
    assert (answer.status_code, answer.json()) == (200, ladder)


async def test_a_slow_one_is_an_operation(world: World) -> None:
    connection_id, _ = await world.connect()
    answer = await world.call("POST", f"/connections/{connection_id}/diagnose")
    assert (answer.status_code, answer.json()["operation"]) == (202, "diagnose")
    ladder = a_ladder(connection_id)
    assert answer.json()["progress"] is None
    climbed = await climb(world, connection_id, answer.json()["id"])
    operation = (await world.http.get(answer.headers["location"], headers=admin(world))).json()
    assert (operation["status"], operation["progress"]) == ("pending", climbed)
    await world.answer(answer.json()["id"], result=ladder)
    operation = (await world.http.get(answer.headers["location"], headers=admin(world))).json()
    assert (operation["status"], operation["data"]) == ("succeeded", ladder)
    assert operation["progress"] is None


async def test_the_last_one_can_be_read(world: World) -> None:
    connection_id, token = await world.connect()
    path = f"/connections/{connection_id}/diagnose"
    assert (await world.call("GET", path)).status_code == 404
    ladder = a_ladder(connection_id)
    await insert(world.pools["health_monitor"], "ladder", connection_id=connection_id, document=ladder)
    assert (await world.call("GET", path)).json() == ladder
    assert (await world.call("GET", path, key=token)).status_code == 403


async def test_what_cannot_be_asked(world: World) -> None:
    connection_id, token = await world.connect()
    path = f"/connections/{connection_id}/diagnose"
    assert (await world.call("POST", path, key=token)).status_code == 403
    assert (await world.call("POST", "/connections/con_none/diagnose")).status_code == 404
    answer = await world.call("POST", path, {"objects": "party.party"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "objects")


def admin(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.admin_key}"}
