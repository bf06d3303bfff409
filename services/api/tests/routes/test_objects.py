"""Custom objects: what tells their records apart is one thing for all that is read from an object."""

import asyncio
from typing import Any

import httpx
import pytest

from lineshaft.common.clock import now
from lineshaft.common.outcomes import ConnectionStatus

from .conftest import World, insert, waiting

pytestmark = pytest.mark.integration

FIELDS = [
    {"name": name, "type": kind, "label": name.title(), "readable": True, "stored": True}
    for name, kind in (("id", "integer"), ("code", "char"), ("write_date", "timestamp"))
]
LISTED = "product.product"
TOPIC = "commands.connector"


@pytest.fixture
async def connection_id(world: World) -> str:
    connection_id, _ = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.HEALTHY)
    return connection_id


async def order(world: World, connection_id: str, name: str, source: str, **more: Any) -> httpx.Response:
    """The request, with what the connector would answer about the object."""
    patient = waiting(world, write_wait_seconds=10)
    before = len(await world.outbox(TOPIC))
    body = {"name": name, "object": source, **more}
    asking = asyncio.create_task(patient.call("POST", f"/connections/{connection_id}/objects", body))
    while len(commands := await world.outbox(TOPIC)) == before:
        assert not asking.done(), asking.result().text
        await asyncio.sleep(0.01)
    described = {"objects": [{"object": source, "fields": FIELDS}]}
    await world.answer(commands[-1]["command_id"], result=described)
    done = await asking
    await patient.http.aclose()
    return done


def refused(answer: httpx.Response, field: str) -> str:
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    return str(answer.json()["detail"])


async def test_a_listed_object_keeps_its_key_and_its_cursor(world: World, connection_id: str) -> None:
    detail = refused(await order(world, connection_id, "mine", LISTED, key=["code"]), "key")
    assert detail == (
        "key: Tryton's integration already tells records of product.product apart by id; leave it out"
    )
    detail = refused(await order(world, connection_id, "mine", LISTED, cursor="code"), "cursor")
    assert "already reads product.product by write_date; leave it out" in detail
    assert (await world.call("GET", f"/connections/{connection_id}/objects")).json()["data"] == []
    made = await order(world, connection_id, "mine", LISTED, key=["id"], cursor="write_date")
    assert made.status_code == 201, made.text
    assert (made.json()["key"], made.json()["cursor"]) == (["id"], "write_date")
    told = (await world.outbox("mappings"))[-1]
    assert (told["entity"], told["object"]) == ("custom:mine", LISTED)
    assert not {"key", "cursor"} & set(told["effective"])


async def test_what_the_customer_has_not_chosen_is_refused(world: World, connection_id: str) -> None:
    chosen = await world.call("PATCH", f"/connections/{connection_id}", {"objects": ["party.party"]})
    assert chosen.status_code == 200, chosen.text
    body = {"name": "mine", "object": LISTED}
    detail = refused(await world.call("POST", f"/connections/{connection_id}/objects", body), "object")
    assert "add it to the objects of the connection first" in detail
    assert (await order(world, connection_id, "tank", "x_tank")).status_code == 201


async def test_two_over_one_table_have_one_key(world: World, connection_id: str) -> None:
    first = await order(world, connection_id, "tank", "x_tank", key=["code"], cursor="write_date")
    assert (first.status_code, first.json()["key"]) == (201, ["code"]), first.text
    detail = refused(await order(world, connection_id, "level", "x_tank", key=["id"]), "key")
    assert "tank already tells records of x_tank apart by code; leave it out" in detail
    second = await order(world, connection_id, "level", "x_tank")
    assert (second.json()["key"], second.json()["cursor"]) == (["code"], "write_date")
    told = (await world.outbox("mappings"))[-1]["effective"]
    assert (told["key"], told["cursor"]) == (["code"], "write_date")


async def test_a_change_of_its_mapping_keeps_the_key(world: World, connection_id: str) -> None:
    await order(world, connection_id, "tank", "x_tank", key=["code"], cursor="write_date")
    path = f"/connections/{connection_id}/mappings/custom:tank"
    fields = {"custom_fields": {"number": {"path": "id", "type": "integer"}}}
    put = await world.call("PUT", path, fields)
    assert put.status_code == 200, put.text
    effective = put.json()["effective"]
    assert (effective["key"], effective["cursor"]) == (["code"], "write_date")
    detail = refused(await world.call("PUT", path, {**fields, "key": ["id"]}), "key")
    assert "remove the object and request it anew" in detail
    same = await world.call("PUT", path, {**fields, "key": ["code"]})
    assert same.status_code == 200, same.text


async def test_the_version_that_removed_an_object_has_no_mapping(world: World, connection_id: str) -> None:
    await order(world, connection_id, "tank", "x_tank")
    assert (await world.call("DELETE", f"/connections/{connection_id}/objects/tank")).status_code == 204
    await order(world, connection_id, "tank", "x_tank")
    path = f"/connections/{connection_id}/mappings/custom:tank"
    detail = refused(await world.call("POST", f"{path}/rollback", {"version": 3}), "version")
    assert detail == "version: there is no mapping of version 3; the newest is 4"
    refused(await world.call("GET", f"{path}/diff?from_version=3&to_version=4"), "from_version")


async def keep(world: World, connection_id: str, source: str, key: str, version: int, **more: Any) -> None:
    """What the mapping service would keep of one tank."""
    await insert(
        world.pools["mapping"],
        "record",
        id=f"{source}-{key}",
        connection_id=connection_id,
        entity="custom:tank",
        object=source,
        source_id=key,
        raw={"id": 1, "code": key},
        mapping_version=version,
        document={"id": f"{source}-{key}", "number": key, "custom_fields": {"code": source}},
        changed_at=now(),
        **more,
    )


async def test_only_records_of_the_table_that_it_comes_from_now_are_shown(world: World) -> None:
    connection_id, token = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.HEALTHY)

    async def listed(query: str = "") -> list[Any]:
        answer = await world.call("GET", f"/objects/tank{query}", key=token)
        assert answer.status_code == 200, answer.text
        return [(one["id"], one["custom_fields"].get("code")) for one in answer.json()["data"]]

    await order(world, connection_id, "tank", "x_tank")
    await keep(world, connection_id, "x_tank", "A", 2)
    assert await listed() == [("x_tank-A", "x_tank")]
    assert (await world.call("DELETE", f"/connections/{connection_id}/objects/tank")).status_code == 204
    assert (await world.call("GET", "/objects/tank", key=token)).status_code == 404
    made = await order(world, connection_id, "tank", "y_tank", fields=["code"])
    assert made.json()["version"] == 4
    assert await listed() == await listed("?include=deleted") == await listed("?number=A") == []
    assert (await world.call("GET", "/objects/tank/x_tank-A", key=token)).status_code == 404

    await keep(world, connection_id, "y_tank", "B", 3)
    assert [code for _, code in await listed()] == ["B"], "behind, so it is mapped on the way out"
    await world.pools["mapping"].execute(
        "update record set deleted_at = now() where connection_id = $1 and object = 'x_tank'", connection_id
    )
    assert [code for _, code in await listed()] == ["B"]
    gone = ("x_tank-A", "x_tank")
    assert gone in await listed("?include=deleted"), "as it was, never as the new mapping would show it"
    since = "?include=deleted&number=A&modified_after=2026-01-01T00:00:00Z"
    assert await listed(since) == [gone]
    one = await world.call("GET", "/objects/tank/x_tank-A?include=deleted&include=raw", key=token)
    assert (one.json()["custom_fields"], one.json()["raw"]["code"]) == ({"code": "x_tank"}, "A")


async def test_meta_tells_the_fields_of_a_custom_object(world: World) -> None:
    connection_id, token = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.HEALTHY)
    await order(world, connection_id, "mine", "party.party", fields=["code", "id"])
    answer = await world.call("GET", "/meta/custom:mine", key=token)
    assert answer.status_code == 200, answer.text
    meta = answer.json()
    assert (meta["entity"], meta["object"], meta["mapping_version"]) == ("custom:mine", "party.party", 2)
    assert not any((meta["create"], meta["update"], meta["delete"])), (
        "also over an object that can be written"
    )
    fields = {one["name"]: one for one in meta["fields"]}
    code = fields["custom_fields.code"]
    assert (code["kind"], code["description"], code["readable"]) == ("string", "Code", True)
    assert (code["writable"], code["not_writable_because"]) == (False, "custom objects are only read")
    assert fields["source_id"]["filterable"]
    assert fields["custom_fields.id"]["kind"] == "integer"
    _, other = await world.connect()
    for key, name in ((other, "mine"), (token, "theirs"), (token, "")):
        assert (await world.call("GET", f"/meta/custom:{name}", key=key)).status_code == 404
