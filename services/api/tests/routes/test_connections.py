import pytest

from lineshaft.common.outcomes import ConnectionStatus

from .conftest import World, verified

pytestmark = pytest.mark.integration


async def test_look_and_change(world: World) -> None:
    connection_id, token = await world.connect()
    shown = (await world.call("GET", f"/connections/{connection_id}", key=token)).json()
    assert shown["label"] == "Plant 7"
    assert shown["lifecycle"] == "active"
    changed = await world.call("PATCH", f"/connections/{connection_id}", {"label": "Plant 8"})
    assert changed.json()["label"] == "Plant 8"
    assert changed.json()["metadata"] == {"customer": "7"}
    described = (await world.outbox("connections"))[-1]
    assert (described["label"], described["revision"], described["reason"]) == ("Plant 8", 2, "changed")
    assert described["changed_by"].startswith("key_")


async def test_pages_of_connections(world: World) -> None:
    made = [(await world.connect())[0] for _ in range(3)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await world.call("GET", f"/connections?limit=2{cursor}")).json()
        seen += [one["id"] for one in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [one for one in seen if one in made] == made
    assert len(seen) == len(set(seen))


async def test_pause_and_resume(world: World) -> None:
    connection_id, _ = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.HEALTHY)
    paused = await world.call("POST", f"/connections/{connection_id}/pause")
    assert paused.json()["lifecycle"] == "paused"
    again = await world.call("POST", f"/connections/{connection_id}/pause")
    assert again.status_code == 200
    reasons = [
        one["reason"] for one in await world.outbox("connections") if one["connection_id"] == connection_id
    ]
    assert reasons == ["created", "paused"]
    status = (await world.call("GET", f"/connections/{connection_id}/status")).json()
    assert status["status"] == "paused"
    refused = await world.call("POST", f"/connections/{connection_id}/syncs", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    resumed = await world.call("POST", f"/connections/{connection_id}/resume")
    assert resumed.json()["lifecycle"] == "active"


async def test_a_disconnected_connection_comes_back_by_connecting(world: World) -> None:
    connection_id, token = await world.connect()
    await world.call("POST", f"/connections/{connection_id}/disconnect")
    resumed = await world.call("POST", f"/connections/{connection_id}/resume")
    assert (resumed.status_code, resumed.json()["code"]) == (409, "conflict")
    assert resumed.json()["connection_id"] == connection_id
    assert (await world.call("GET", "/items", key=token)).status_code == 200
    page = await world.open_page(system=None, connection_id=connection_id)
    await world.answer(await world.submit(page, {"password": "new"}), result=verified(version=2))
    assert (await world.call("GET", f"/connections/{connection_id}")).json()["lifecycle"] == "active"


async def test_deleting_leaves_a_tombstone(world: World) -> None:
    connection_id, token = await world.connect()
    page = await world.open_page(system=None, connection_id=connection_id)
    command_id = await world.submit(page, {"password": "new"})
    answer = await world.call("DELETE", f"/connections/{connection_id}")
    assert (answer.status_code, answer.headers["location"]) == (204, f"/v1/connections/{connection_id}/purge")
    last = (await world.outbox("connections"))[-1]
    assert (last["lifecycle"], last["label"], last["settings"], last["metadata"]) == ("deleted", "", {}, {})
    for method, path in (
        ("GET", f"/connections/{connection_id}"),
        ("GET", f"/connections/{connection_id}/status"),
        ("DELETE", f"/connections/{connection_id}"),
        ("POST", f"/connections/{connection_id}/resume"),
        ("GET", f"/items?connection_id={connection_id}"),
        ("GET", f"/connections/{connection_id}/syncs"),
    ):
        assert (await world.call(method, path)).status_code == 404, path
    assert (await world.call("GET", "/items", key=token)).status_code == 401

    await world.answer(command_id, result=verified(version=2))
    assert (await world.call("GET", f"/connections/{connection_id}")).status_code == 404
    assert (await world.outbox("connections"))[-1]["lifecycle"] == "deleted"
    told = await world.http.get(f"{page}/attempts/{command_id}")
    assert told.status_code == 404


async def test_a_rotated_token_replaces_the_one_before(world: World) -> None:
    connection_id, old = await world.connect()
    answer = await world.call("POST", f"/connections/{connection_id}/token")
    assert answer.status_code == 201
    assert (await world.call("GET", "/items", key=answer.json()["token"])).status_code == 200
    assert (await world.call("GET", "/items", key=old)).status_code == 401
