from datetime import timedelta
from typing import Any

import pytest

from lineshaft.common.clock import now

from .conftest import World

pytestmark = pytest.mark.integration


async def create(world: World, *scopes: str, key: str | None = None, **more: Any) -> dict[str, Any]:
    answer = await world.call("POST", "/admin-keys", {"name": "billing", "scopes": scopes, **more}, key=key)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def status_of(world: World, key: str, path: str = "/connections") -> int:
    return (await world.call("GET", path, key=key)).status_code


async def test_a_key_is_shown_once_and_only_its_hash_is_kept(world: World) -> None:
    made = await create(world, "read")
    assert made["key"].startswith("lsa_")
    assert await status_of(world, made["key"]) == 200
    shown = (await world.call("GET", f"/admin-keys/{made['id']}")).json()
    assert shown == {name: value for name, value in made.items() if name != "key"} | {
        "last_used_at": shown["last_used_at"]
    }
    assert shown["last_used_at"] is not None
    rows = await world.context.pool.fetch("select row_to_json(k)::text as row from api_key k")
    assert not any(made["key"] in row["row"] for row in rows)


async def test_a_key_does_what_its_scopes_say(world: World) -> None:
    connection_id, _ = await world.connect()
    keys = {scope: (await create(world, scope))["key"] for scope in ("read", "connect", "manage")}
    tried = {
        "read": ("GET", "/connections", None, 200),
        "connect": ("POST", "/link-sessions", {"system": "tryton"}, 201),
        "manage": ("POST", f"/connections/{connection_id}/pause", None, 200),
    }
    for scope, key in keys.items():
        for needed, (method, path, body, status) in tried.items():
            answer = await world.call(method, path, body, key=key)
            assert answer.status_code == (status if needed == scope else 403), (scope, needed, answer.text)
            if needed != scope:
                assert (answer.json()["code"], needed in answer.json()["detail"]) == ("forbidden", True)


async def test_an_admin_key_without_read_reads_no_records(world: World) -> None:
    connection_id, _ = await world.connect()
    key = (await create(world, "manage"))["key"]
    assert await status_of(world, key, f"/items?connection_id={connection_id}") == 403
    assert await status_of(world, key, f"/connections/{connection_id}/status") == 403


async def test_a_key_gives_away_no_more_than_it_has(world: World) -> None:
    whole = await create(world, "read", "connect", "manage")
    managing = (await create(world, "manage"))["key"]
    for path, body in (
        ("/admin-keys", {"name": "more", "scopes": ["read", "manage"]}),
        (f"/admin-keys/{whole['id']}/rotate", {}),
    ):
        answer = await world.call("POST", path, body, key=managing)
        assert (answer.status_code, "read" in answer.json()["detail"]) == (403, True), answer.text
    assert (await create(world, "manage", key=managing))["created_by"] != ""


async def test_a_key_ends_when_it_says(world: World) -> None:
    ends = now() + timedelta(hours=1)
    made = await create(world, "read", expires_at=ends.isoformat())
    assert await status_of(world, made["key"]) == 200
    await world.context.pool.execute(
        "update api_key set expires_at = now() - interval '1 second' where key_id = $1", made["id"]
    )
    assert await status_of(world, made["key"]) == 401
    shown = (await world.call("GET", f"/admin-keys/{made['id']}")).json()
    assert shown["state"] == "expired"
    past = {"name": "late", "scopes": ["read"], "expires_at": (now() - timedelta(hours=1)).isoformat()}
    answer = await world.call("POST", "/admin-keys", past)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "expires_at")


async def test_a_rotation_leaves_the_old_key_its_overlap(world: World) -> None:
    old = await create(world, "read", expires_at=(now() + timedelta(days=30)).isoformat())
    answer = await world.call("POST", f"/admin-keys/{old['id']}/rotate", {"overlap_seconds": 600})
    assert answer.status_code == 201
    new = answer.json()
    assert (new["name"], new["scopes"], new["key"] != old["key"]) == ("billing", ["read"], True)
    for key in (old["key"], new["key"]):
        assert await status_of(world, key) == 200
    replaced = (await world.call("GET", f"/admin-keys/{old['id']}")).json()
    assert replaced["replaced_by"] == new["id"]
    assert replaced["expires_at"] < (now() + timedelta(seconds=601)).isoformat()
    assert new["expires_at"] > (now() + timedelta(days=29)).isoformat()
    again = await world.call("POST", f"/admin-keys/{old['id']}/rotate")
    assert (again.status_code, new["id"] in again.json()["detail"]) == (409, True)

    at_once = await world.call("POST", f"/admin-keys/{new['id']}/rotate", {"overlap_seconds": 0})
    assert at_once.status_code == 201
    assert await status_of(world, new["key"]) == 401
    assert await status_of(world, at_once.json()["key"]) == 200


async def test_a_revoked_key_works_no_more(world: World) -> None:
    made = await create(world, "read")
    assert (await world.call("DELETE", f"/admin-keys/{made['id']}")).status_code == 204
    assert await status_of(world, made["key"]) == 401
    shown = (await world.call("GET", f"/admin-keys/{made['id']}")).json()
    assert (shown["state"], shown["revoked_at"] is not None) == ("revoked", True)
    again = await world.call("DELETE", f"/admin-keys/{made['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_the_key_of_the_settings_is_changed_there_alone(world: World) -> None:
    keys = (await world.call("GET", "/admin-keys")).json()["data"]
    (own,) = (one for one in keys if one["from_settings"])
    assert own["scopes"] == ["connect", "manage", "read"]
    for method, path in (("DELETE", ""), ("POST", "/rotate")):
        answer = await world.call(method, f"/admin-keys/{own['id']}{path}")
        assert (answer.status_code, "LINESHAFT_ADMIN_KEY" in answer.json()["detail"]) == (409, True)


async def test_keys_are_listed_a_page_at_a_time(world: World) -> None:
    made = [(await create(world, "read"))["id"] for _ in range(3)]
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        found = (await world.call("GET", f"/admin-keys?limit=2{cursor and f'&cursor={cursor}'}")).json()
        seen += [one["id"] for one in found["data"]]
        cursor = found["next_cursor"]
    assert seen[-3:] == made
    assert len(seen) == len(set(seen))


async def test_what_becomes_of_keys_is_in_the_audit_log(world: World) -> None:
    made = await create(world, "read")
    new = (await world.call("POST", f"/admin-keys/{made['id']}/rotate")).json()
    await world.call("DELETE", f"/admin-keys/{new['id']}")
    entries = (await world.call("GET", "/audit-log?action=admin_key&limit=4")).json()["data"]
    assert [(one["action"], one["subject"]) for one in entries] == [
        ("admin_key.revoked", new["id"]),
        ("admin_key.rotated", made["id"]),
        ("admin_key.created", new["id"]),
        ("admin_key.created", made["id"]),
    ]
    assert entries[3]["after"]["scopes"] == ["read"]
    assert entries[1]["after"]["replaced_by"] == new["id"]
    assert not any(key in str(entries) for key in (made["key"], new["key"]))
