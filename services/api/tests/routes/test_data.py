from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from lineshaft.api.adapters.entities import Query, page_statement
from lineshaft.common.clock import now
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.common.unified import ENTITIES, ROUTES

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


async def test_a_long_number_is_answered_with_all_of_its_digits(world: World) -> None:
    digits = "12345678901234567.89"
    connection_id, token = await world.connect()
    await world.store(connection_id, "item", [items(1)[0] | {"volume": Decimal(digits), "serial": 10**20}])
    fields = {name: {"path": name, "type": "decimal"} for name in ("volume", "serial")}
    path = f"/connections/{connection_id}/mappings/item"
    await world.call("PUT", path, {"custom_fields": fields})
    answer = await world.call("GET", "/items?include=raw", key=token)
    (one,) = answer.json()["data"]
    assert one["custom_fields"] == {"volume": digits, "serial": str(10**20)}
    traced = await world.call("GET", f"{path}/lineage?source_id=1")
    for text in (answer.text, traced.text):
        assert f'"volume":{digits}' in text.replace(": ", ":")
        assert f'"serial":{10**20}' in text.replace(": ", ":")


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
    # a plus sign in a query would be read as a space
    as_of = page["meta"]["data_as_of"]
    assert as_of.endswith("Z")
    again = await world.call("GET", f"/items?modified_after={as_of}", key=token)
    assert again.status_code == 200


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


async def test_meta_tells_what_the_source_requires(world: World) -> None:
    connection_id, token = await world.connect()
    described = [{"name": "name", "required": False}, {"name": "party", "required": True}]
    connector = world.pools["connector"]
    before = (await world.call("GET", "/meta/purchase_order", key=token)).json()["fields"]
    assert {one["required"] for one in before} == {None}
    await insert(connector, "connection", connection_id=connection_id, system="tryton")
    await insert(
        connector, "object_schema", connection_id=connection_id, object="purchase.purchase", fields=described
    )
    meta = (await world.call("GET", "/meta/purchase_order", key=token)).json()
    fields = {one["name"]: one["required"] for one in meta["fields"]}
    assert (fields["vendor"], fields["number"], fields["id"]) == (True, None, None)


async def test_every_entity_has_its_list_and_its_record(world: World) -> None:
    _, token = await world.connect()
    for entity in ENTITIES:
        answer = await world.call("GET", f"/{ROUTES[entity]}?limit=1", key=token)
        assert (answer.status_code, answer.json()["data"]) == (200, [])
        assert (await world.call("GET", f"/{ROUTES[entity]}/none", key=token)).status_code == 404


async def test_a_parameter_that_is_not_known_is_named(world: World) -> None:
    _, token = await world.connect()
    for path in ("/items?limt=3", "/items/x?limt=3"):
        answer = await world.call("GET", path, key=token)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["field"]) == (422, "limt")
        assert "include" in error["message"]


async def test_pages_by_change_are_stable_while_records_change(world: World) -> None:
    """A record that changes meanwhile comes once more at the end, as it is then; none is left out."""
    connection_id, token = await world.connect()
    since = now()
    before = await world.store(connection_id, "item", items(9))
    path = f"/items?limit=4&modified_after={since.isoformat().replace('+', '%2B')}"
    first = (await world.call("GET", path, key=token)).json()
    changed = before[6]["id"]
    await world.pools["mapping"].execute("update record set changed_at = $2 where id = $1", changed, now())
    rest = await pages(world, f"{path}&cursor={first['next_cursor']}", token)
    seen = [one["id"] for one in (*first["data"], *rest)]
    assert sorted(seen) == sorted(one["id"] for one in before)
    assert seen[-1] == changed


async def test_a_few_fields(world: World) -> None:
    connection_id, token = await world.connect()
    (document,) = await world.store(connection_id, "item", items(1))
    expected = {name: document[name] for name in ("id", "name", "status")}
    listed = await world.call("GET", "/items?fields=name,status", key=token)
    assert listed.json()["data"] == [expected]
    one = await world.call("GET", f"/items/{document['id']}?fields=name&fields=status", key=token)
    assert one.json() == expected
    wrong = await world.call("GET", "/items?fields=nmae", key=token)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "fields")


async def test_what_did_not_change_is_not_sent_again(world: World) -> None:
    connection_id, token = await world.connect()
    (document,) = await world.store(connection_id, "item", items(1))
    for path in ("/items", f"/items/{document['id']}"):
        first = await world.call("GET", path, key=token)
        tag = first.headers["etag"]
        again = await world.call("GET", path, key=token, **{"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        await world.pools["mapping"].execute(
            "update record set document = document || $2 where id = $1", document["id"], {"name": path}
        )
        changed = await world.call("GET", path, key=token, **{"If-None-Match": tag})
        assert changed.status_code == 200


async def test_a_client_that_asks_for_changes_sees_the_connections_status_change(world: World) -> None:
    connection_id, token = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.HEALTHY)
    await world.store(connection_id, "item", items(1))
    tag = (await world.call("GET", "/items", key=token)).headers["etag"]
    same = await world.call("GET", "/items", key=token, **{"If-None-Match": tag})
    assert same.status_code == 304
    await world.set_status(connection_id, ConnectionStatus.REAUTHORIZATION_REQUIRED)
    told = await world.call("GET", "/items", key=token, **{"If-None-Match": tag})
    assert told.status_code == 200
    assert told.json()["meta"]["connection_status"] == "reauthorization_required"


async def test_deleted_records_on_request(world: World) -> None:
    connection_id, token = await world.connect()
    gone, _ = await world.store(connection_id, "item", items(2))
    await world.pools["mapping"].execute("update record set deleted_at = now() where id = $1", gone["id"])
    listed = await world.call("GET", "/items?include=deleted,raw", key=token)
    assert len(listed.json()["data"]) == 2
    one = await world.call("GET", f"/items/{gone['id']}?include=deleted", key=token)
    assert one.json()["id"] == gone["id"]


async def test_a_deleted_record_stays_deleted_under_a_changed_mapping(world: World) -> None:
    connection_id, token = await world.connect()
    gone, _ = await world.store(connection_id, "item", items(2))
    ending = {"deleted_at": "2026-03-01T07:30:00Z", "deletion_kind": "absent"}
    await world.pools["mapping"].execute(
        "update record set deleted_at = now(), document = document || $2 where id = $1", gone["id"], ending
    )
    path = f"/connections/{connection_id}/mappings/item"
    await world.call("PUT", path, {"fields": {"name": {"path": "code"}}})
    one = (await world.call("GET", f"/items/{gone['id']}?include=deleted", key=token)).json()
    assert one == gone | ending | {"name": "P-1", "mapping_version": 2}
    listed = (await world.call("GET", "/items?include=deleted", key=token)).json()["data"]
    assert one in listed
    assert [one["deleted_at"] is None for one in listed].count(True) == 1


async def test_filters(world: World) -> None:
    connection_id, token = await world.connect()
    documents = await world.store(connection_id, "item", items(5))
    third = documents[2]
    for query in (f"number={third['number']}", "source_id=3", "source_id=3&status=archived&number=P-3"):
        found = (await world.call("GET", f"/items?{query}", key=token)).json()["data"]
        assert [one["id"] for one in found] == [third["id"]], query


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "record_pkey"),
        ({"modified_after": now()}, "record_by_change"),
        ({"status": "active"}, "record_by_status"),
        ({"number": "P-3"}, "record_by_number"),
        ({"source_id": "3"}, "record_pkey"),
    ],
)
async def test_each_filter_has_an_index(world: World, query: dict[str, Any], index: str) -> None:
    connection_id, _ = await world.connect()
    pool = world.pools["mapping"]
    await world.store(connection_id, "item", items(1))
    await pool.execute(
        "insert into record select connection_id, entity, md5(n::text), object, n::text, raw, raw_hash,"
        " document || jsonb_build_object('number', n, 'status', md5(n::text)), content_hash, mapping_version,"
        " mapping_digest, revision, based_on, lease_epoch, read_sequence, observed_at,"
        " changed_at - n * interval '1 minute', deleted_at"
        " from record, generate_series(1, 3000) n where connection_id = $1",
        connection_id,
    )
    await pool.execute("analyze record")
    asked = Query(connection_id, "item", **{"limit": 50, "cursor": None, "modified_after": None, **query})
    order = [asked.modified_after] if asked.modified_after else []
    values = [connection_id, "item", *order, "", 1, 51, *asked.filters.values()]
    values += [asked.row_id] if asked.row_id else []
    plan = await pool.fetchval(
        f"explain (format json) {page_statement(asked, 1).replace('mapping.entity_view', 'entity_view')}",
        *values,
    )
    await pool.execute("delete from record where connection_id = $1", connection_id)
    assert index in str(plan), plan
    assert "Seq Scan" not in str(plan)
