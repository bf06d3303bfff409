"""Changes of the source at the fields that they hurt; what is to follow, and the word that accepts them."""

import asyncio
from typing import Any

import httpx
import pytest

from lineshaft.common.events.commands import CommandProblem

from .conftest import World, insert, waiting
from .test_orders import ordered

pytestmark = pytest.mark.integration

OBJECT = "product.product"
TOPIC = "commands.connector"
CHANGES = [
    {"field": "code", "kind": "dropped", "type": "char", "renamed_to": "item_code"},
    {"field": "item_code", "kind": "added", "type": "char"},
    {"field": "weight", "kind": "added", "type": "numeric", "required": True},
]


async def changed(world: World, policy: str | None = None) -> str:
    """A connection whose items have changed at the source."""
    connection_id, _ = await world.connect()
    connector = world.pools["connector"]
    await insert(connector, "connection", connection_id=connection_id, system="tryton")
    await insert(
        connector, "object_schema", connection_id=connection_id, object=OBJECT, fields=[], changes=CHANGES
    )
    if policy:
        await insert(connector, "drift_policy", connection_id=connection_id, object=OBJECT, policy=policy)
    return connection_id


async def put_policy(
    world: World, path: str, policy: str, **answer: Any
) -> tuple[httpx.Response, dict[str, Any]]:
    patient = waiting(world, write_wait_seconds=10)
    before = len(await world.outbox(TOPIC))
    asking = asyncio.create_task(patient.call("PUT", path, {"policy": policy}))
    while len(commands := await world.outbox(TOPIC)) == before:
        assert not asking.done(), asking.result().text
        await asyncio.sleep(0.01)
    await world.answer(commands[-1]["command_id"], **answer)
    done = await asking
    await patient.http.aclose()
    return done, commands[-1]


async def test_the_mapping_tells_which_of_its_fields_the_source_hurts(world: World) -> None:
    connection_id = await changed(world)
    path = f"/connections/{connection_id}/mappings/item"
    drift = (await world.call("GET", f"{path}/health")).json()["drift"]
    assert (drift["policy"], drift["held"]) == ("offer", True)
    hurt = {one["field"]: one for one in drift["fields"]}
    assert hurt["number"]["source_field"] == "code"
    assert hurt["number"]["reason"] == "code is gone; it may be item_code now"
    assert hurt[None]["source_field"] == "weight", "creating a record needs it"
    assert drift["offered"] == ["item_code", "weight"]

    definition = (await world.call("GET", path)).json()["effective"]["fields"]
    moved = {name: {"path": "item_code"} for name in hurt if name and "path" in definition[name]}
    put = await world.call("PUT", path, {"fields": moved})
    assert put.status_code == 200, put.text
    drift = (await world.call("GET", f"{path}/health")).json()["drift"]
    assert (drift["held"], [one["field"] for one in drift["fields"]]) == (False, [None])


async def test_what_an_object_has_changed_is_shown_with_its_policy(world: World) -> None:
    connection_id = await changed(world, "hold")
    shown = (await world.call("GET", f"/connections/{connection_id}/schema/{OBJECT}")).json()
    assert (shown["object"], shown["policy"], len(shown["changes"])) == (OBJECT, "hold", 3)
    other = (await world.call("GET", f"/connections/{connection_id}/schema/party.party")).json()
    assert (other["policy"], other["changes"]) == ("offer", [])


async def test_a_policy_is_ordered_from_the_connector(world: World) -> None:
    connection_id, token = await world.connect()
    path = f"/connections/{connection_id}/schema/{OBJECT}/policy"
    answer, command = await put_policy(world, path, "ignore", result={})
    assert answer.status_code == 200, answer.text
    assert (command["object"], command["policy"]) == (OBJECT, "ignore")
    (noted,) = (await world.call("GET", "/audit-log?action=order.set_drift_policy&limit=1")).json()["data"]
    assert noted["subject"] == OBJECT
    wrong = await world.call("PUT", path, {"policy": "panic"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "policy")
    assert (await world.call("PUT", path, {"policy": "hold"}, key=token)).status_code == 403


async def test_changes_are_accepted(world: World) -> None:
    connection_id = await changed(world)
    path = f"/connections/{connection_id}/schema/{OBJECT}/accept"
    answer, command = await ordered(world, path, {}, result={"accepted": 3}, topic=TOPIC)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 3})
    assert command["object"] == OBJECT
    nothing = CommandProblem(code="not_found", message="Nothing of this object has changed.")
    answer, _ = await ordered(world, path, {}, problem=nothing, topic=TOPIC)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
