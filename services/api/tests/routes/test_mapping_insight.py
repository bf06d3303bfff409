import pytest

from .conftest import World, insert

pytestmark = pytest.mark.integration

CHANGE = {
    "fields": {"name": {"path": "template.name"}, "status": {"path": "kind", "value_map": "kinds"}},
    "custom_fields": {"rank": {"path": "rank", "type": "integer", "label": "Rank"}},
    "value_maps": {"kinds": {"a": "active"}},
    "comment": "names of templates",
}
RECORDS = [
    {"id": 1, "code": "A", "template.": {"name": "Seal"}, "kind": "a", "rank": 3, "colour": "red"},
    {"id": 2, "code": "B", "template.": {"name": "Pump"}, "kind": "b", "rank": None, "colour": "blue"},
    {"id": 3, "code": "C", "template.": {"name": None}, "kind": "b", "rank": "none"},
]


async def changed(world: World) -> tuple[str, str]:
    connection_id, _ = await world.connect()
    await world.store(connection_id, "item", RECORDS)
    path = f"/connections/{connection_id}/mappings/item"
    answer = await world.call("PUT", path, CHANGE)
    assert answer.status_code == 200, answer.text
    return connection_id, path


async def test_health_tells_what_the_mapping_leaves_open(world: World) -> None:
    _connection_id, path = await changed(world)
    health = (await world.call("GET", f"{path}/health")).json()
    assert (health["version"], health["records"]) == (2, 3)
    assert health["fields"]["name"]["nulls"] == 1
    assert health["fields"]["status"]["unmapped"] == {"b": 2}
    assert health["fields"]["custom_fields.rank"]["null_rate"] == pytest.approx(0.6667)
    offered = {one["path"]: one for one in health["unmapped_source_fields"]}
    assert set(offered["colour"]["samples"]) == {"red", "blue"}
    assert offered["colour"]["filled"] == 2
    assert not {"kind", "rank", "template.name"} & offered.keys()


async def test_codes_that_the_source_declares_are_offered_beside_those_that_were_seen(world: World) -> None:
    connection_id, path = await changed(world)
    codes = {"a": "Active", "b": "Blocked", "c": "Closed"}
    fields = [
        {"name": name, "type": "selection", "label": name, "required": False, "readonly": False}
        | {"relation": None, "readable": True, "codes": codes if name == "kind" else {}}
        for name in ("kind", "colour")
    ]
    connector = world.pools["connector"]
    await insert(connector, "connection", connection_id=connection_id, system="tryton")
    await insert(
        connector, "object_schema", connection_id=connection_id, object="product.product", fields=fields
    )
    found = (await world.call("GET", f"{path}/health")).json()["fields"]
    assert (found["status"]["unmapped"], found["status"]["declared"]) == ({"b": 2}, {"c": "Closed"})
    assert found["name"]["declared"] == {}
    schema = (await world.call("GET", f"/connections/{connection_id}/schema?object=product.product")).json()
    assert [one["codes"] for one in schema["data"][0]["fields"]] == [codes, {}]
    everything = CHANGE | {"value_maps": {"kinds": {"a": "active", "*": "archived"}}}
    await world.call("PUT", path, everything)
    found = (await world.call("GET", f"{path}/health")).json()["fields"]
    assert found["status"]["declared"] == {}


async def test_errors_of_the_version_in_force_are_shown_at_their_field(world: World) -> None:
    connection_id, path = await changed(world)
    await world.pools["mapping"].execute(
        "insert into field_error values"
        " ($1, 'item', 'custom_fields.rank', 2, 7, 'invalid_value', 'not a number', 'none', '3', now()),"
        " ($1, 'item', 'name', 1, 9, 'invalid_value', 'of an older version', '', '1', now())",
        connection_id,
    )
    fields = (await world.call("GET", f"{path}/health")).json()["fields"]
    assert fields["custom_fields.rank"]["errors"]["count"] == 7
    assert fields["name"]["errors"] is None


async def test_lineage_leads_from_a_value_to_the_source(world: World) -> None:
    _connection_id, path = await changed(world)
    lineage = (await world.call("GET", f"{path}/lineage?source_id=1")).json()
    assert (lineage["mapping_version"], lineage["stored_mapping_version"]) == (2, 1)
    assert lineage["raw"] == RECORDS[0]
    assert lineage["fields"]["name"] == {
        "value": "Seal",
        "definition": {"path": "template.name"},
        "reads": {"template.name": "Seal"},
    }
    assert lineage["fields"]["status"]["value"] == "active"
    assert lineage["fields"]["status"]["reads"] == {"kind": "a"}
    assert lineage["fields"]["custom_fields.rank"]["value"] == 3
    assert (await world.call("GET", f"{path}/lineage?source_id=9")).status_code == 404


async def test_versions_are_compared(world: World) -> None:
    _connection_id, path = await changed(world)
    put = await world.call("PUT", path, {**CHANGE, "value_maps": {"kinds": {"a": "active", "b": "archived"}}})
    assert put.status_code == 200, put.text
    diff = (await world.call("GET", f"{path}/diff?from_version=2&to_version=3")).json()
    assert diff["changes"] == {"value_maps.kinds.b": {"before": None, "after": "archived"}}
    first = (await world.call("GET", f"{path}/diff?from_version=1&to_version=2")).json()["changes"]
    assert first["custom_fields.rank"]["before"] is None
    unknown = await world.call("GET", f"{path}/diff?from_version=1&to_version=9")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "to_version")


async def test_changes_move_to_another_connection_as_a_file(world: World) -> None:
    _connection_id, path = await changed(world)
    other, _ = await world.connect("plant/2")
    file = await world.call("GET", f"{path}/yaml")
    assert file.headers["content-type"].startswith("application/yaml")
    headers = {"Authorization": f"Bearer {world.admin_key}", "Content-Type": "application/yaml"}
    target = f"/v1/connections/{other}/mappings/item/yaml"
    taken = await world.http.put(target, content=file.content, headers=headers)
    assert (taken.status_code, taken.json()["overlay"]) == (200, CHANGE), taken.text
    stale = await world.http.put(target, content=file.content, headers={**headers, "If-Match": '"1"'})
    assert stale.status_code == 412
    wrong = await world.http.put(target, content=b"fields: {nmae: {path: x}}", headers=headers)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "fields.nmae")
