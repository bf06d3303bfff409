from typing import Any

import pytest

from lineshaft.api.domain.auditing import differing

from .conftest import SETTINGS, World

pytestmark = pytest.mark.integration


async def log(world: World, **filters: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    answer = await world.call("GET", f"/audit-log?{query}")
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["data"]
    return entries


async def test_every_change_of_a_connection_is_noted_with_before_and_after(world: World) -> None:
    connection_id, _ = await world.connect()
    path = f"/connections/{connection_id}"
    await world.call("PATCH", path, {"label": "North"})
    await world.call("POST", f"{path}/pause")
    await world.call("POST", f"{path}/resume")
    await world.call("POST", f"{path}/token")
    await world.call("PUT", f"{path}/mappings/item", {"fields": {"name": {"path": "code"}}})
    await world.call("POST", f"{path}/syncs", {"mode": "full"})
    await world.call("POST", f"{path}/breaker", {"state": "open", "reason": "maintenance"})
    await world.call("PUT", f"{path}/schedule", {"every_minutes": 30})
    await world.call("POST", f"{path}/schema/refresh", {"objects": ["party.party"]})
    entries = await log(world, connection_id=connection_id)
    assert [one["action"] for one in reversed(entries)] == [
        "link_session.opened",
        "connection.created",
        "token.created",
        "connection.changed",
        "connection.paused",
        "connection.resumed",
        "token.created",
        "mapping.changed",
        "sync.requested",
        "order.force_breaker",
        "order.set_schedule",
        "order.describe",
    ]
    by_action = {one["action"]: one for one in entries}
    assert by_action["connection.created"]["actor"] == "customer"
    assert by_action["connection.changed"]["before"] == {"label": "Plant 7"}
    assert by_action["connection.changed"]["after"] == {"label": "North"}
    assert by_action["connection.paused"]["after"] == {"lifecycle": "paused"}
    assert by_action["mapping.changed"]["subject"] == "item"
    assert by_action["mapping.changed"]["before"] == {"version": 1}
    assert by_action["mapping.changed"]["after"]["fields"] == {"name": {"path": "code"}}
    assert by_action["order.force_breaker"]["after"]["reason"] == "maintenance"
    assert all(one["actor"].startswith("key_") for one in entries if one["actor"] != "customer")


async def test_changes_of_endpoints_are_noted_without_their_secrets(world: World) -> None:
    made = (await world.call("POST", "/webhook-endpoints", {"url": "https://a.example.com/"})).json()
    path = f"/webhook-endpoints/{made['id']}"
    await world.call("PATCH", path, {"enabled": False})
    rotated = (await world.call("POST", f"{path}/rotate-secret")).json()
    await world.call("DELETE", path)
    entries = [one for one in await log(world, action="webhook_endpoint") if one["subject"] == made["id"]]
    assert [one["action"].partition(".")[2] for one in reversed(entries)] == [
        "created",
        "secret_added",
        "changed",
        "secret_added",
        "deleted",
    ]
    assert (entries[2]["before"], entries[2]["after"]) == ({"enabled": True}, {"enabled": False})
    stored = await world.context.pool.fetchval("select string_agg(a::text, ' ') from audit_entry a")
    for secret in (made["secret"], rotated["secret"], "correct horse", world.admin_key):
        assert secret not in stored


async def test_a_change_that_does_not_happen_is_not_noted(world: World) -> None:
    connection_id, _ = await world.connect()
    before = await log(world, connection_id=connection_id)
    path = f"/connections/{connection_id}"
    await world.call("PUT", f"{path}/mappings/item", {"fields": {"nmae": {"path": "x"}}})
    await world.call("POST", f"{path}/resume")
    await world.call("POST", "/link-sessions", {"system": "tryton", "settings": {"base_url": "no address"}})
    assert await log(world, connection_id=connection_id) == before


async def test_of_a_deleted_connection_only_who_did_what_is_left(world: World) -> None:
    connection_id, _ = await world.connect()
    await world.call("PATCH", f"/connections/{connection_id}", {"metadata": {"contact": "Ada Lovelace"}})
    await world.call("DELETE", f"/connections/{connection_id}")
    entries = await log(world, connection_id=connection_id)
    assert entries[0]["action"] == "connection.deleted"
    assert {(one["before"], one["after"]) for one in entries} == {(None, None)}
    assert SETTINGS["base_url"] not in str(entries)


async def test_the_log_is_filtered_and_paged_and_no_token_reads_it(world: World) -> None:
    connection_id, token = await world.connect()
    for label in ("a", "b", "c"):
        await world.call("PATCH", f"/connections/{connection_id}", {"label": label})
    first = (
        await world.call("GET", f"/audit-log?connection_id={connection_id}&action=connection.ch&limit=2")
    ).json()
    rest = (
        await world.call(
            "GET",
            f"/audit-log?connection_id={connection_id}&action=connection.ch&limit=2&cursor={first['next_cursor']}",
        )
    ).json()
    assert [one["after"]["label"] for one in first["data"] + rest["data"]] == ["c", "b", "a"]
    assert rest["next_cursor"] is None
    assert await log(world, connection_id=connection_id, actor="nobody") == []
    moment = first["data"][0]["at"].replace("+", "%2B")
    assert [one["after"] for one in await log(world, connection_id=connection_id, since=moment)] == [
        {"label": "c"}
    ]
    assert len(await log(world, connection_id=connection_id, until=moment, action="connection.ch")) == 2
    assert (await world.call("GET", "/audit-log", key=token)).status_code == 403
    assert (await world.call("GET", "/audit-log?cursor=x")).status_code == 422


def test_only_what_differs_is_kept() -> None:
    assert differing({"a": 1, "b": 2, "c": None}, {"a": 1, "b": 3, "d": 4}) == (
        {"b": 2, "c": None},
        {"b": 3, "d": 4},
    )
    assert differing(None, {"a": 1}) == (None, {"a": 1})
    assert differing(None, None) == (None, None)
