import pytest

from lineshaft.common.clock import now

from .conftest import World, insert

pytestmark = pytest.mark.integration


async def test_a_request_is_published(world: World) -> None:
    connection_id, _ = await world.connect()
    answer = await world.call(
        "POST", f"/connections/{connection_id}/syncs", {"entities": ["item"], "mode": "full"}
    )
    assert answer.status_code == 202
    told = (await world.outbox("sync.requests"))[-1]
    assert told.pop("requested_by").startswith("key_")
    assert told == {
        "connection_id": connection_id,
        "entities": ["item"],
        "objects": None,
        "mode": "full",
        "on_demand": True,
        "request_id": answer.json()["request_id"],
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"entities": ["weather"]}, "entities"),
        ({"mode": "some"}, "mode"),
        ({"request_id": ""}, "request_id"),
        ({"everything": True}, "everything"),
    ],
)
async def test_a_wrong_request_names_the_field(world: World, body: dict[str, object], field: str) -> None:
    connection_id, _ = await world.connect()
    answer = await world.call("POST", f"/connections/{connection_id}/syncs", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_syncs_are_joined_with_what_is_readable(world: World) -> None:
    connection_id, _ = await world.connect()
    connector, mapping = world.pools["connector"], world.pools["mapping"]
    await insert(
        connector,
        "connection",
        connection_id=connection_id,
        system="tryton",
        lifecycle="active",
        settings={},
    )
    for number in range(3):
        await insert(
            connector,
            "sync",
            sync_id=f"syn_{connection_id}_{number}",
            connection_id=connection_id,
            mode="incremental",
            objects=["party.party"],
            created_at=now(),
        )
    await insert(
        mapping,
        "sync",
        sync_id=f"syn_{connection_id}_2",
        connection_id=connection_id,
        mode="incremental",
        result="completed",
        records=7,
        completed_at=now(),
    )
    first = (await world.call("GET", f"/connections/{connection_id}/syncs?limit=2")).json()
    newest, second = first["data"]
    assert (newest["sync_id"], newest["result"], newest["records"]) == (
        f"syn_{connection_id}_2",
        "completed",
        7,
    )
    assert newest["completed_at"] is not None
    assert (second["result"], second["completed_at"]) == (None, None)
    rest = await world.call(
        "GET", f"/connections/{connection_id}/syncs?limit=2&cursor={first['next_cursor']}"
    )
    assert [one["sync_id"] for one in rest.json()["data"]] == [f"syn_{connection_id}_0"]


async def test_a_sync_that_answers_several_requests_is_listed_once(world: World) -> None:
    """While the gate is closed every tick of the schedule joins the sync that waits."""
    connection_id, _ = await world.connect()
    connector, known = world.pools["connector"], {"connection_id": connection_id}
    await insert(connector, "connection", **known, system="tryton", lifecycle="active", settings={})
    for number in range(2):
        sync_id = f"syn_{connection_id}_{number}"
        await insert(
            connector,
            "sync",
            **known,
            sync_id=sync_id,
            mode="full",
            objects=["party.party"],
            created_at=now(),
        )
        for tick in range(3):
            await insert(connector, "sync_request", **known, request_id=f"{number}/{tick}", sync_id=sync_id)
    path = f"/connections/{connection_id}/syncs"
    first = (await world.call("GET", f"{path}?limit=1")).json()
    rest = (await world.call("GET", f"{path}?limit=1&cursor={first['next_cursor']}")).json()
    listed = [one["sync_id"] for one in (*first["data"], *rest["data"])]
    assert listed == [f"syn_{connection_id}_1", f"syn_{connection_id}_0"]
    assert rest["next_cursor"] is None
    (asked,) = (await world.call("GET", f"{path}?request_id=0/2")).json()["data"]
    assert (asked["sync_id"], asked["request_id"]) == (f"syn_{connection_id}_0", "0/2")
