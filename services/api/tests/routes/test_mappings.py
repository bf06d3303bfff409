from typing import Any

import pytest

from lineshaft.api.routes import mapping_insight, mapping_trials

from .conftest import World

pytestmark = pytest.mark.integration

CHANGE = {
    "fields": {"name": {"path": "code"}},
    "custom_fields": {"rank": {"path": "id", "type": "integer", "label": "Rank"}},
    "comment": "codes as names",
}


async def test_a_zone_is_in_force_at_once(world: World) -> None:
    connection_id, token = await world.connect()
    noon = "2026-07-01T12:00:00"
    await world.store(connection_id, "item", [{"id": 1, "code": "A", "create_date": noon}])
    path = f"/connections/{connection_id}/mappings/item"
    fields = {"created_at": {"path": "create_date"}}
    for zone, moment in (("Europe/Berlin", "2026-07-01T10:00:00Z"), ("Asia/Tokyo", "2026-07-01T03:00:00Z")):
        put = await world.call("PUT", path, {"fields": fields, "timezone": zone})
        assert put.json()["effective"]["timezone"] == zone, put.text
        (one,) = (await world.call("GET", "/items", key=token)).json()["data"]
        assert one["created_at"] == moment
    wrong = await world.call("PUT", path, {"timezone": "Mars/Olympus"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "timezone")


async def test_the_default_is_version_one(world: World) -> None:
    connection_id, _ = await world.connect()
    answer = await world.call("GET", f"/connections/{connection_id}/mappings/item")
    mapping = answer.json()
    assert mapping["version"] == 1
    assert mapping["overlay"] == {}
    assert mapping["effective"] == mapping["default"]
    assert answer.headers["etag"] == '"1"'


async def test_the_first_change_is_version_two_and_is_told(world: World) -> None:
    connection_id, _ = await world.connect()
    mapping = (await world.call("PUT", f"/connections/{connection_id}/mappings/item", CHANGE)).json()
    assert mapping["version"] == 2
    assert mapping["overlay"] == CHANGE
    assert mapping["effective"]["fields"]["name"] == {"path": "code"}
    assert mapping["comment"] == "codes as names"
    assert mapping["updated_by"].startswith("key_")
    told = (await world.outbox("mappings"))[-1]
    assert told["connection_id"] == connection_id
    assert told["entity"] == "item"
    assert told["object"] == mapping["object"]
    assert told["version"] == 2
    assert told["effective"] == mapping["effective"]


@pytest.mark.parametrize(
    ("body", "field", "hint"),
    [
        ({"fields": {"nmae": {"path": "x"}}}, "fields.nmae", "did you mean name"),
        ({"fields": {"name": {}}}, "fields.name", "exactly one"),
        ({"fields": {"name": {"path": "x", "colour": 1}}}, "fields.name.colour", "a field takes"),
        ({"fields": {"name": {"expr": "upper("}}}, "fields.name.expr", ""),
        (
            {"fields": {"status": {"path": "s", "value_map": "m"}}, "value_maps": {"m": {"1": "broken"}}},
            "value_maps.m.1",
            "active",
        ),
        ({"fields": {"name": {"path": "x", "transform": ["uper"]}}}, "fields.name.transform", "upper"),
        ({"custom_fields": {"1x": {"path": "x"}}}, "custom_fields.1x", "starts with a letter"),
        ({"feilds": {}}, "feilds", ""),
    ],
)
async def test_a_wrong_mapping_names_the_field_and_the_fix(
    world: World, body: dict[str, Any], field: str, hint: str
) -> None:
    connection_id, _ = await world.connect()
    answer = await world.call("PUT", f"/connections/{connection_id}/mappings/item", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
    errors = {one["field"]: one["message"] for one in answer.json()["errors"]}
    assert field in errors
    assert hint in errors[field]
    assert (
        await world.context.pool.fetchval(
            "select count(*) from mapping_version where connection_id = $1", connection_id
        )
        == 0
    )


async def test_a_change_from_an_older_version_is_refused(world: World) -> None:
    connection_id, _ = await world.connect()
    path = f"/connections/{connection_id}/mappings/item"
    assert (await world.call("PUT", path, CHANGE, **{"If-Match": '"1"'})).status_code == 200
    refused = await world.call("PUT", path, CHANGE, **{"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (412, "conflict")
    assert (await world.call("PUT", path, CHANGE, **{"If-Match": "2"})).status_code == 200


async def test_versions_and_rollback(world: World) -> None:
    connection_id, _ = await world.connect()
    path = f"/connections/{connection_id}/mappings/item"
    await world.call("PUT", path, CHANGE)
    await world.call("PUT", path, {"fields": {"name": {"path": "rec_name"}}})
    back = (await world.call("POST", f"{path}/rollback", {"version": 2})).json()
    assert back["version"] == 4
    assert back["effective"]["fields"]["name"] == {"path": "code"}
    default = (await world.call("POST", f"{path}/rollback", {"version": 1})).json()
    assert default["effective"]["fields"] == default["default"]["fields"]
    seen: list[int] = []
    cursor = ""
    while True:
        page = (await world.call("GET", f"{path}/versions?limit=2{cursor}")).json()
        seen += [one["version"] for one in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [5, 4, 3, 2, 1]
    unknown = await world.call("POST", f"{path}/rollback", {"version": 99})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "version")


async def test_a_preview_stores_nothing(world: World) -> None:
    connection_id, _ = await world.connect()
    records = [{"id": number, "code": f"C{number}", "rec_name": "N"} for number in range(3)]
    await world.store(connection_id, "item", records)
    answer = await world.call(
        "POST",
        f"/connections/{connection_id}/mappings/item/preview",
        {"fields": {"name": {"path": "code"}, "lead_time_days": {"path": "rec_name"}}},
    )
    preview = answer.json()
    assert answer.status_code == 200, answer.text
    assert preview["records"] == 3
    assert preview["changed"] == 3
    assert preview["invalid"] == 3
    assert preview["errors"] == {"lead_time_days": 3}
    assert {one["changes"]["name"]["after"] for one in preview["samples"]} == {"C0", "C1", "C2"}
    assert (await world.call("GET", f"/connections/{connection_id}/mappings/item")).json()["version"] == 1


async def test_a_preview_of_one_record(world: World) -> None:
    connection_id, _ = await world.connect()
    await world.store(
        connection_id, "item", [{"id": number, "code": f"C{number}", "rec_name": "N"} for number in range(3)]
    )
    path = f"/connections/{connection_id}/mappings/item/preview"
    preview = (await world.call("POST", f"{path}?source_id=1", CHANGE)).json()
    assert preview["records"] == 1
    assert preview["samples"][0]["changes"]["name"]["after"] == "C1"
    missing = await world.call("POST", f"{path}?source_id=7", CHANGE)
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_a_dry_run_looks_at_every_stored_record_and_changes_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping_trials, "CHUNK", 2)
    connection_id, _ = await world.connect()
    await world.store(
        connection_id,
        "item",
        [{"id": number, "code": f"C{number}", "rec_name": "N", "kind": "raw"} for number in range(5)],
    )
    change = {
        "fields": {
            "name": None,
            "number": {"path": "id"},
            "lead_time_days": {"path": "rec_name"},
            "description": {"path": "rec_name"},
            "status": {"path": "kind", "value_map": "kinds"},
        },
        "value_maps": {"kinds": {"other": "active"}},
    }
    path = f"/connections/{connection_id}/mappings/item"
    done = (await world.call("POST", f"{path}/dry-run", change)).json()
    assert (done["records"], done["changed"], done["invalid"]) == (5, 5, 5)
    assert done["next_cursor"] is None
    assert done["filled"]["description"] == 5
    assert done["errors"]["lead_time_days"] == 5
    assert done["unmapped"] == {"status": {"raw": 5}}
    number = done["samples"][0]["changes"]["number"]
    assert number["before"] != number["after"]
    assert (await world.call("GET", path)).json()["version"] == 1


async def test_a_dry_run_that_takes_longer_goes_on_from_its_cursor(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping_trials, "CHUNK", 2)
    connection_id, _ = await world.connect()
    await world.store(connection_id, "item", [{"id": number, "code": "C"} for number in range(5)])
    path = f"/connections/{connection_id}/mappings/item/dry-run?seconds=1e-9"
    seen: list[int] = []
    cursor = ""
    while True:
        part = (await world.call("POST", f"{path}{cursor}", CHANGE)).json()
        seen.append(part["records"])
        if part["next_cursor"] is None:
            break
        cursor = f"&cursor={part['next_cursor']}"
    assert seen == [1, 1, 1, 1, 1]


async def test_costly_mappings_are_tried_as_long_as_there_is_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (mapping_trials, mapping_insight):
        monkeypatch.setattr(module, "SECONDS", -1.0)
    connection_id, _ = await world.connect()
    await world.store(connection_id, "item", [{"id": number, "code": "C"} for number in range(5)])
    path = f"/connections/{connection_id}/mappings/item"
    assert (await world.call("POST", f"{path}/preview", CHANGE)).json()["records"] == 1
    assert (await world.call("GET", f"{path}/health")).json()["records"] == 1


async def test_an_entity_that_the_system_has_not(world: World) -> None:
    connection_id, _ = await world.connect()
    answer = await world.call("GET", f"/connections/{connection_id}/mappings/weather")
    assert answer.status_code == 404
    assert "purchase_order" in answer.json()["detail"]
    assert (await world.call("GET", "/connections/con_nobody/mappings/item")).status_code == 404
