from datetime import timedelta
from typing import Any

import pytest

from lineshaft.common.clock import now
from lineshaft.common.outcomes import ConnectionStatus

from .conftest import World, insert

pytestmark = pytest.mark.integration


def items(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [
        {"id": number, "code": f"P-{number}", "rec_name": f"Part {number}", "active": number % 2 == 0}
        for number in range(start, start + count)
    ]


async def pages(world: World, path: str, token: str) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await world.call("GET", f"{path}{cursor}", key=token)).json()
        seen += page["data"]
        if page["next_cursor"] is None:
            return seen
        cursor = f"&cursor={page['next_cursor']}"


async def test_a_list_and_one_record(world: World) -> None:
    connection_id, token = await world.connect()
    documents = await world.store(connection_id, "item", items(3))
    answer = await world.call("GET", "/items", key=token)
    page = answer.json()
    assert sorted(one["id"] for one in page["data"]) == sorted(one["id"] for one in documents)
    assert page["next_cursor"] is None
    assert page["meta"] == {"connection_status": "pending", "data_as_of": None}
    one = await world.call("GET", f"/items/{documents[0]['id']}", key=token)
    assert one.json() == documents[0]
    assert (await world.call("GET", "/items/nothing", key=token)).status_code == 404


async def test_pages_are_stable_while_records_come(world: World) -> None:
    connection_id, token = await world.connect()
    before = await world.store(connection_id, "item", items(20))
    first = (await world.call("GET", "/items?limit=7", key=token)).json()
    await world.store(connection_id, "item", items(20, start=100))
    seen = [one["id"] for one in first["data"]]
    seen += [one["id"] for one in await pages(world, f"/items?limit=7&cursor={first['next_cursor']}", token)]
    assert len(seen) == len(set(seen))
    assert {one["id"] for one in before} <= set(seen)


async def test_modified_after_is_ordered_by_change(world: World) -> None:
    connection_id, token = await world.connect()
    await world.store(connection_id, "item", items(3))
    since = now()
    later = await world.store(connection_id, "item", items(5, start=50))
    path = f"/items?limit=2&modified_after={since.isoformat().replace('+', '%2B')}"
    seen = await pages(world, path, token)
    assert [one["id"] for one in seen] == [one["id"] for one in later]


async def test_the_sources_own_record_on_request(world: World) -> None:
    connection_id, token = await world.connect()
    (document,) = await world.store(connection_id, "item", items(1))
    plain = (await world.call("GET", "/items", key=token)).json()["data"][0]
    assert "raw" not in plain
    listed = (await world.call("GET", "/items?include=raw", key=token)).json()["data"][0]
    assert listed == plain | {"raw": items(1)[0]}
    one = (await world.call("GET", f"/items/{document['id']}?include=raw", key=token)).json()
    assert one["raw"] == items(1)[0]
    wrong = await world.call("GET", "/items?include=everything", key=token)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "include")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=x", "modified_after=yesterday"])
async def test_a_wrong_query_names_the_parameter(world: World, query: str) -> None:
    _, token = await world.connect()
    answer = await world.call("GET", f"/items?{query}", key=token)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


async def test_a_cursor_belongs_to_its_order(world: World) -> None:
    connection_id, token = await world.connect()
    await world.store(connection_id, "item", items(3))
    cursor = (await world.call("GET", "/items?limit=1", key=token)).json()["next_cursor"]
    answer = await world.call(
        "GET", f"/items?limit=1&cursor={cursor}&modified_after=2020-01-01T00:00:00Z", key=token
    )
    assert answer.status_code == 422


async def test_deleted_records_are_left_out(world: World) -> None:
    connection_id, token = await world.connect()
    gone, _ = await world.store(connection_id, "item", items(2))
    await world.pools["mapping"].execute("update record set deleted_at = now() where id = $1", gone["id"])
    assert len((await world.call("GET", "/items", key=token)).json()["data"]) == 1
    assert (await world.call("GET", f"/items/{gone['id']}", key=token)).status_code == 404


async def test_reads_go_on_while_reauthorization_is_required(world: World) -> None:
    connection_id, token = await world.connect()
    await world.store(connection_id, "item", items(1))
    await world.set_status(connection_id, ConnectionStatus.REAUTHORIZATION_REQUIRED)
    await insert(
        world.pools["mapping"],
        "sync",
        sync_id=f"syn_{connection_id}",
        connection_id=connection_id,
        result="completed",
        data_as_of=now() - timedelta(minutes=5),
        completed_at=now(),
    )
    page = (await world.call("GET", "/items", key=token)).json()
    assert len(page["data"]) == 1
    assert page["meta"]["connection_status"] == "reauthorization_required"
    assert page["meta"]["data_as_of"] is not None


async def test_a_changed_mapping_shows_in_the_next_read(world: World) -> None:
    connection_id, token = await world.connect()
    documents = await world.store(connection_id, "item", items(10))
    change = {
        "fields": {
            "name": {"expr": "upper(rec_name)"},
            "status": {"expr": "id > `7` && 'archived' || 'active'"},
        },
        "custom_fields": {"rank": {"path": "id", "type": "integer"}},
    }
    put = await world.call("PUT", f"/connections/{connection_id}/mappings/item", change)
    assert put.status_code == 200, put.text
    one = (await world.call("GET", f"/items/{documents[0]['id']}", key=token)).json()
    assert one["name"] == "PART 1"
    assert one["custom_fields"] == {"rank": 1}
    assert one["mapping_version"] == 2
    assert one["revision"] == 1
    assert {one["name"] for one in await pages(world, "/items?limit=3", token)} == {
        f"PART {number}" for number in range(1, 11)
    }

    archived = await pages(world, "/items?limit=2&status=archived", token)
    assert {one["custom_fields"]["rank"] for one in archived} == {8, 9, 10}
    compiled = await world.context.compiled.get(
        world.context.pool, connection_id, world.context.catalog.system("tryton"), "item", 2
    )
    for raw in items(10)[5:]:
        mapped = compiled.apply(connection_id, str(raw["id"]), raw, now())
        await world.pools["mapping"].execute(
            "update record set document = $2, mapping_version = 2 where id = $1",
            mapped.document["id"],
            mapped.document | {"revision": 2},
        )
    half_way = await pages(world, "/items?limit=2&status=archived", token)
    assert {one["custom_fields"]["rank"] for one in half_way} == {8, 9, 10}


async def test_meta_tells_what_can_be_done(world: World) -> None:
    _, token = await world.connect()
    meta = (await world.call("GET", "/meta/vendor", key=token)).json()
    fields = {one["name"]: one for one in meta["fields"]}
    assert meta["create"] is True
    assert fields["name"]["writable"] is True
    assert fields["id"]["writable"] is False
    assert (await world.call("GET", "/meta/purchase-orders", key=token)).json()["entity"] == "purchase_order"
    assert (await world.call("GET", "/meta/weather", key=token)).status_code == 404
