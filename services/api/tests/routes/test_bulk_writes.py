from typing import Any

import pytest

from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.outcomes import ConnectionStatus, Outcome

from .conftest import World

pytestmark = pytest.mark.integration


async def bulk(world: World, token: str, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await world.call("POST", "/vendors/bulk", {"items": list(items)}, key=token)
    assert answer.status_code == 207, answer.text
    results: list[dict[str, Any]] = answer.json()["data"]
    assert [one["index"] for one in results] == list(range(len(items)))
    return results


def made(name: str, once: str | None = None) -> dict[str, Any]:
    return {"values": {"name": name}, "idempotency_key": once}


async def test_each_item_has_its_own_outcome_in_the_order_of_the_request(world: World) -> None:
    connection_id, token = await world.connect()
    first, second = await world.store(
        connection_id, "vendor", [{"id": 5, "name": "Old"}, {"id": 6, "name": "Gone"}]
    )
    items = [
        made("New", "a"),
        {"operation": "update", "id": first["id"], "values": {"name": "Newer"}, "idempotency_key": "b"},
        {"values": {"nmae": "x"}},
        {"operation": "delete", "id": second["id"], "idempotency_key": "c"},
        {"operation": "update", "id": "nothing", "values": {"name": "x"}},
        {"operation": "delete"},
        made("Refused", "d"),
    ]
    before = len(await world.outbox("commands.connector"))
    begun = await bulk(world, token, *items)
    assert [one["status"] for one in begun] == [202, 202, 422, 202, 404, 422, 202]
    commands = (await world.outbox("commands.connector"))[before:]
    assert [one["operation"] for one in commands] == ["create", "update", "delete", "create"]
    sent = [one["operation_id"] for one in begun if one["operation_id"]]
    assert sent == [one["command_id"] for one in commands]
    assert begun[2]["problem"]["errors"][0]["field"] == "nmae"
    assert begun[5]["problem"]["errors"][0]["field"] == "id"

    for command_id, source_id in zip(sent, ("9", "5", "6"), strict=False):
        await world.answer(command_id, result={"source_id": source_id}, connection_id=connection_id)
    told = CommandProblem(code="x", message="too long", field="name", outcome=Outcome.INVALID_REQUEST)
    await world.answer(sent[-1], problem=told, connection_id=connection_id)
    done = await bulk(world, token, *items)
    assert [one["status"] for one in done] == [201, 200, 422, 204, 404, 422, 422]
    assert [one["data"] and one["data"]["name"] for one in done[:2]] == ["New", "Newer"]
    assert done[3]["data"] is None
    assert done[6]["problem"]["code"] == "source_rejected"
    assert len(await world.outbox("commands.connector")) == before + 4


async def test_one_key_for_two_items_is_written_once(world: World) -> None:
    _, token = await world.connect()
    before = len(await world.outbox("commands.connector"))
    same, again, other = await bulk(world, token, made("A", "k"), made("A", "k"), made("B", "k"))
    assert same["operation_id"] == again["operation_id"]
    assert (other["status"], other["problem"]["code"]) == (409, "idempotency_conflict")
    assert len(await world.outbox("commands.connector")) == before + 1


async def test_an_item_that_cannot_be_stored_leaves_the_others_their_results(world: World) -> None:
    connection_id, token = await world.connect()
    (vendor,) = await world.store(connection_id, "vendor", [{"id": 5, "name": "Old"}])
    change = {"operation": "update", "id": vendor["id"], "values": {"name": "New"}}
    results = await bulk(
        world, token, made("A"), made("B\0"), made("C", "\0"), change | {"id": "\0"}, change, made("D")
    )
    assert [one["status"] for one in results] == [202, 422, 422, 422, 202, 202]


async def test_a_record_has_one_item_at_most_as_items_run_side_by_side(world: World) -> None:
    connection_id, token = await world.connect()
    (vendor,) = await world.store(connection_id, "vendor", [{"id": 5, "name": "Old"}])
    change = {"operation": "update", "id": vendor["id"], "values": {"name": "New"}}
    first, second = await bulk(world, token, change, {"operation": "delete", "id": vendor["id"]})
    assert (first["status"], second["status"]) == (202, 422)
    assert second["problem"]["errors"][0]["field"] == "id"


async def test_what_stops_all_items_is_the_answer_itself(world: World) -> None:
    connection_id, token = await world.connect()
    too_many = await world.call("POST", "/vendors/bulk", {"items": [made("A")] * 101}, key=token)
    assert (too_many.status_code, too_many.json()["errors"][0]["field"]) == (422, "items")
    none = await world.call("POST", "/vendors/bulk", {"items": []}, key=token)
    assert none.status_code == 422
    await world.set_status(connection_id, ConnectionStatus.REAUTHORIZATION_REQUIRED)
    answer = await world.call("POST", "/vendors/bulk", {"items": [made("A")]}, key=token)
    assert (answer.status_code, answer.json()["code"]) == (409, "reauthorization_required")
