import pytest

from lineshaft.api.adapters.admin_keys import install_admin_key
from lineshaft.api.domain.keys import KeyKind, new_key

from .conftest import World

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "key",
    ["garbage", "lsa_garbage", "", "lsa_" + "0" * 49, new_key(KeyKind.ADMIN), new_key(KeyKind.CONNECTION)],
    ids=["no prefix", "short", "empty", "wrong checksum", "unknown admin key", "unknown token"],
)
async def test_what_is_no_key_gets_401(world: World, key: str) -> None:
    answer = await world.call("GET", "/connections", key=key or " ")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_another_scheme_gets_401(world: World) -> None:
    answer = await world.http.get("/v1/systems", headers={"Authorization": f"Basic {world.admin_key}"})
    assert answer.status_code == 401


async def test_a_token_sees_its_own_connection_alone(world: World) -> None:
    mine, token = await world.connect()
    other, other_token = await world.connect()
    (record,) = await world.store(other, "item", [{"id": 1, "rec_name": "Bolt"}])
    for path in (
        f"/connections/{other}",
        f"/connections/{other}/status",
        f"/items?connection_id={other}",
        f"/items/{record['id']}",
        f"/items/{record['id']}?connection_id={other}",
        f"/meta/item?connection_id={other}",
    ):
        assert (await world.call("GET", path, key=token)).status_code == 404, path
    assert (await world.call("GET", f"/connections/{mine}/status", key=token)).status_code == 200
    assert (await world.call("GET", "/items", key=token)).json()["data"] == []
    assert len((await world.call("GET", "/items", key=other_token)).json()["data"]) == 1


async def test_an_admin_key_names_the_connection_it_reads(world: World) -> None:
    connection_id, _ = await world.connect()
    unnamed = await world.call("GET", "/items")
    assert unnamed.status_code == 422
    assert unnamed.json()["errors"][0]["field"] == "connection_id"
    assert (await world.call("GET", f"/items?connection_id={connection_id}")).status_code == 200
    assert (await world.call("GET", "/items?connection_id=con_nobody")).status_code == 404


async def test_last_used_is_kept(world: World) -> None:
    await world.call("GET", "/systems")
    used = await world.context.pool.fetchval(
        "select last_used_at from api_key where kind = 'admin' order by created_at desc limit 1"
    )
    assert used is not None


async def test_the_key_that_was_set_before_ends(world: World) -> None:
    await install_admin_key(world.context.pool, new_key(KeyKind.ADMIN))
    assert (await world.call("GET", "/systems")).status_code == 401
    await install_admin_key(world.context.pool, world.admin_key)
    await install_admin_key(world.context.pool, world.admin_key)
    assert (await world.call("GET", "/systems")).status_code == 200
