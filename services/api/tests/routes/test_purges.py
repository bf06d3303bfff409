from typing import Any

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.purges import receipt_of

from .conftest import World

pytestmark = pytest.mark.integration

TOPICS = {
    "commands.connector": "connector",
    "commands.mapping": "mapping",
    "commands.health": "health-monitor",
    "commands.notifier": "notifier",
}
OVERLAY = {"fields": {"name": {"path": "code"}}}


async def delete(world: World, connection_id: str) -> dict[str, str]:
    """The commands by service."""
    assert (await world.call("DELETE", f"/connections/{connection_id}")).status_code == 204
    found = {}
    for topic, service in TOPICS.items():
        (command,) = [one for one in await world.outbox(topic) if one.get("connection_id") == connection_id][
            -1:
        ]
        found[service] = command["command_id"]
    return found


async def answer(world: World, service: str, command_id: str, connection_id: str) -> None:
    receipt = receipt_of(service, {"table": 3}, now()).model_dump(mode="json")
    await world.answer(command_id, result=receipt, connection_id=connection_id)


async def shown(world: World, connection_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await world.call("GET", f"/connections/{connection_id}/purge")).json()
    return found


async def test_each_service_gives_a_receipt(world: World) -> None:
    connection_id, _ = await world.connect()
    await world.call("PUT", f"/connections/{connection_id}/mappings/item", OVERLAY)
    commands = await delete(world, connection_id)
    purge = await shown(world, connection_id)
    assert (purge["state"], purge["completed_at"], purge["topics_until"]) == ("running", None, None)
    assert {one["service"]: one["state"] for one in purge["receipts"]} == {
        "api": "completed",
        **dict.fromkeys(commands, "running"),
    }
    (own,) = [one for one in purge["receipts"] if one["service"] == "api"]
    assert (own["rows"]["mapping_version"], own["rows"]["link_session"], own["rows"]["api_key"]) == (1, 1, 1)
    for service, command_id in commands.items():
        assert (await shown(world, connection_id))["state"] == "running"
        await answer(world, service, command_id, connection_id)
    purge = await shown(world, connection_id)
    assert (purge["state"], purge["asked_by"].startswith("key_")) == ("completed", True)
    assert all(one["rows"] for one in purge["receipts"])
    assert purge["topics_until"] > purge["completed_at"]
    endings = {topic["topic"]: topic["ending"] for one in purge["receipts"] for topic in one["topics"]}
    assert endings["connections"] == endings["connection.status"] == "emptied"
    assert endings["mappings"] == endings["entities.asset"] == "deleted"
    assert endings["records.raw"] == endings["dead-letters"] == "expires"


async def test_the_mapping_is_deleted_on_its_topic(world: World) -> None:
    connection_id, _ = await world.connect()
    await world.call("PUT", f"/connections/{connection_id}/mappings/item", OVERLAY)
    await delete(world, connection_id)
    rows = await world.context.pool.fetch(
        "select value from outbox where topic = 'mappings' and key = $1 order by id",
        f"{connection_id}/item".encode(),
    )
    assert [row["value"] is None for row in rows] == [False, True]


async def test_what_comes_in_meanwhile_goes_with_the_next_receipt(world: World) -> None:
    connection_id, _ = await world.connect()
    commands = await delete(world, connection_id)
    await world.context.pool.execute(
        "insert into command (command_id, kind, connection_id, request) values ('late', 'write', $1, '{}')",
        connection_id,
    )
    await answer(world, "mapping", commands["mapping"], connection_id)
    assert await world.context.pool.fetchval("select count(*) from command where command_id = 'late'") == 0


async def test_of_the_connection_only_who_did_what_is_left(world: World) -> None:
    connection_id, _ = await world.connect()
    await delete(world, connection_id)
    row = await world.context.pool.fetchrow(
        "select row_to_json(c)::text as text from connection c where connection_id = $1", connection_id
    )
    assert row is not None
    for canary in ("Plant 7", "erp.example.com", "lineshaft", "product.example.com", "plant/5"):
        assert canary not in row["text"], canary
    entries = (await world.call("GET", f"/audit-log?connection_id={connection_id}")).json()["data"]
    assert entries[0]["action"] == "connection.deleted"
    assert all(one["before"] is None and one["after"] is None for one in entries)


async def test_a_connection_that_is_there_has_no_purge(world: World) -> None:
    connection_id, _ = await world.connect()
    for name in (connection_id, "con_nobody"):
        assert (await world.call("GET", f"/connections/{name}/purge")).status_code == 404
