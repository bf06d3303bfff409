import re

import pytest

from services.api.tests.routes.conftest import World, insert

from .conftest import Reader
from .seeding import seed

pytestmark = pytest.mark.integration


@pytest.fixture
async def ids(world: World) -> list[str]:
    await world.context.pool.execute("delete from connection")
    await world.pools["mapping"].execute("delete from record")
    return await seed(world)


async def form_of(reader: Reader, path: str) -> dict[str, str]:
    """The controls of the page as a browser would send them, one of each name."""
    page = (await reader.get(path)).text.split('<form id="mapping"')[1].split("</form>")[0]
    controls = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        if not name.endswith(".transform"):
            chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options)
            controls[name] = (chosen.group(1) or chosen.group(2)) if chosen else ""
    controls |= dict(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>([^<]*)</textarea>', page))
    return {
        name: value.replace("&#34;", '"') for name, value in controls.items() if not name.startswith("m.")
    }


async def test_the_page_shows_fields_beside_source_fields_with_samples(
    viewer: Reader, world: World, ids: list[str]
) -> None:
    usual = {"label": "", "required": False, "readonly": False, "relation": None, "readable": True}
    described = [
        {**usual, "name": "x_shelf", "type": "char", "label": "Shelf <1>"},
        {**usual, "name": "active", "type": "selection", "codes": {"true": "Yes", "hold": "On <hold>"}},
        {**usual, "name": "z_new", "type": "date", "custom": True},
    ]
    connector = world.pools["connector"]
    await insert(connector, "connection", connection_id=ids[0], system="tryton")
    await insert(connector, "object_schema", connection_id=ids[0], object="product.product", fields=described)
    await insert(
        world.pools["mapping"],
        "field_error",
        connection_id=ids[0],
        entity="item",
        field="unit_cost",
        count=12,
        reason="no number",
        mapping_version=1,
    )
    page = (await viewer.get(f"/console/connections/{ids[0]}/mapping/item")).text
    assert "12 records left empty: no number" in page
    assert "Shelf &lt;1&gt; · char" in page
    assert 'data-use="z_new"' in page
    marked = {
        path
        for row in page.split("<li data-text=")[1:]
        for path in re.findall(r'data-use="([^"]+)"', row)
        if '<span class="tag accent">custom</span>' in row.partition("</li>")[0]
    }
    told = await world.call("GET", f"/connections/{ids[0]}/schema?object=product.product")
    fields = {one["name"]: one for one in told.json()["data"][0]["fields"]}
    assert {name for name, one in fields.items() if one["custom"]} == marked == {"z_new"}
    assert "1 of them custom" in page
    assert not fields["x_shelf"]["mapped"]
    assert re.search(r'data-use="x_abc"(?:(?!</li>).)*· not mapped', page, re.DOTALL)
    assert re.search(r'data-use="code"(?:(?!</li>).)*· in number', page, re.DOTALL)
    assert "template.default_uom.symbol" in page
    codes = page.split('data-name="status"')[1].split("</fieldset>")[0]
    assert re.search(r'value="hold".*?<span class="tag">On &lt;hold&gt;</span>', codes, re.DOTALL)
    assert codes.count('value="true"') == 1
    assert '<fieldset class="bare" disabled>' in page
    assert "Save and put in force" not in page


async def test_a_page_saved_as_it_is_changes_nothing(editor: Reader, world: World, ids: list[str]) -> None:
    path = f"/console/connections/{ids[0]}/mapping/item"
    await editor.send(path, await form_of(editor, path) | {"comment": "as it was"})
    mapping = (await world.call("GET", f"/connections/{ids[0]}/mappings/item")).json()
    assert mapping["version"] == 2
    assert mapping["effective"]["fields"] == mapping["default"]["fields"]
    assert mapping["overlay"] == {"comment": "as it was"}


async def test_a_wrong_field_keeps_what_was_typed_and_says_how_to_mend_it(
    editor: Reader, world: World, ids: list[str]
) -> None:
    path = f"/console/connections/{ids[0]}/mapping/item"
    typed = await form_of(editor, path) | {
        "f.name.source": "expr",
        "f.name.expr": "uper(code)",
        "comment": "try",
        "f.barcode.source": "path",
    }
    answer = await editor.send(path, typed)
    assert answer.status_code == 422
    assert "uper(code)" in answer.text
    assert 'value="try"' in answer.text
    for field in ("name", "barcode"):
        assert re.search(rf'id="err-f-{field}">\w+', answer.text), field
    assert (await world.call("GET", f"/connections/{ids[0]}/mappings/item")).json()["version"] == 1


async def test_a_change_of_somebody_else_is_not_overwritten(
    editor: Reader, world: World, ids: list[str]
) -> None:
    path = f"/console/connections/{ids[0]}/mapping/item"
    typed = await form_of(editor, path)
    await world.call("PUT", f"/connections/{ids[0]}/mappings/item", {"fields": {"name": {"path": "code"}}})
    answer = await editor.send(path, typed)
    assert "The mapping is at version 2 now" in answer.text
    assert (await world.call("GET", f"/connections/{ids[0]}/mappings/item")).json()["version"] == 2


async def test_a_preview_tells_each_field_and_stores_nothing(
    editor: Reader, world: World, ids: list[str]
) -> None:
    path = f"/console/connections/{ids[0]}/mapping/item"
    typed = await form_of(editor, path) | {"f.name.path": "code", "sample": "2"}
    page = (await editor.send(f"{path}/preview", typed, **{"HX-Request": "true"})).text
    assert "24 of the 24 latest records change" in page
    assert "was not read so far" not in page
    new = {"c.0.source": "path", "c.0.path": "z_new", "c.0.name": "z_new", "c.0.type": "string"}
    part = (await editor.send(f"{path}/preview", typed | new, **{"HX-Request": "true"})).text
    assert "<code>z_new</code> was not read so far" in part
    assert 'id="now-f-name" hx-swap-oob="true">P-0022<' in page
    assert (await world.call("GET", f"/connections/{ids[0]}/mappings/item")).json()["version"] == 1


async def test_a_dry_run_counts_all_stored_records(editor: Reader, world: World, ids: list[str]) -> None:
    path = f"/console/connections/{ids[0]}/mapping/item"
    typed = await form_of(editor, path)
    translated = {"f.criticality.source": "path", "f.criticality.path": "x_abc"}
    codes = {"f.criticality.value_map": "levels", "m.9.map": "levels", "m.9.code": "A", "m.9.value": "high"}
    page = (await editor.send(f"{path}/dry-run", typed | translated | codes, **{"HX-Request": "true"})).text
    assert "24 of 24 stored records change" in page
    assert "in 16 a field would be left empty" in page
    assert "<code>C</code> (8)" in page
    wrong = await editor.send(f"{path}/dry-run", typed | {"f.name.source": "expr", "f.name.expr": "("})
    assert "A field is not right yet" in wrong.text
    assert (await world.call("GET", f"/connections/{ids[0]}/mappings/item")).json()["version"] == 1


async def test_versions_show_what_each_changed(editor: Reader, world: World, ids: list[str]) -> None:
    api = f"/connections/{ids[0]}/mappings/item"
    await world.call("PUT", api, {"fields": {"name": {"path": "code"}}, "comment": "codes <first>"})
    await world.call("PUT", api, {"fields": {"name": {"path": "code"}, "barcode": {"path": "x_abc"}}})
    path = f"/console/connections/{ids[0]}/mapping/item"
    page = (await editor.get(f"{path}/versions")).text
    assert re.findall(r"<h3>Version (\d)", page) == ["3", "2", "1"]
    assert re.findall(r'<th scope="row">([\w.]+)</th>', page) == ["fields.barcode", "fields.name"]
    assert "codes &lt;first&gt;" in page
    await editor.send(f"{path}/rollback", {"version": "2"})
    assert (await world.call("GET", api)).json()["effective"]["fields"]["name"] == {"path": "code"}
    assert "barcode" not in (await world.call("GET", api)).json()["overlay"]["fields"]
    for version in ("x", "0", "99999999999", "9" * 5000):
        assert (await editor.send(f"{path}/rollback", {"version": version})).status_code == 404


async def test_records_are_shown_as_the_api_answers_them(
    viewer: Reader, world: World, ids: list[str]
) -> None:
    base = f"/console/connections/{ids[0]}/records"
    assert (await viewer.get(base)).headers["location"].startswith(base)
    page = (await viewer.get(f"{base}/item")).text
    assert page.count('class="row-link"') == 24
    assert "curl -H" in page
    assert (await viewer.get(f"{base}/item?status=archived")).text.count('class="row-link"') == 3
    link = re.search(rf'href="({base}/item/[^"]+)"', page)
    assert link is not None
    record = (await viewer.get(link.group(1))).text
    assert "x_hazard" in record
    assert "template.name" in record
    # a change of the mapping shows at once, before the record is mapped anew
    change = {"custom_fields": {"shelf": {"path": "x_shelf", "type": "string"}}}
    await world.call("PUT", f"/connections/{ids[0]}/mappings/item", change)
    assert re.search(r"<td>[ABC]-\d+</td>", (await viewer.get(f"{base}/item")).text)


@pytest.mark.parametrize("path", ["mapping/spaceship", "records/spaceship", "records/item/none"])
async def test_what_is_not_there_has_no_page(viewer: Reader, ids: list[str], path: str) -> None:
    assert (await viewer.get(f"/console/connections/{ids[0]}/{path}")).status_code == 404


async def drifted(world: World, connection_id: str) -> None:
    """The number of items is called otherwise at the source."""
    connector = world.pools["connector"]
    await insert(connector, "connection", connection_id=connection_id, system="tryton")
    await insert(
        connector,
        "object_schema",
        connection_id=connection_id,
        object="product.product",
        fields=[],
        changes=[
            {"field": "code", "kind": "dropped", "type": "char", "renamed_to": "item_code"},
            {"field": "item_code", "kind": "added", "type": "char"},
        ],
    )


async def test_drift_is_shown_at_the_field_that_it_hurts(
    viewer: Reader, world: World, ids: list[str]
) -> None:
    await drifted(world, ids[0])
    page = (await viewer.get(f"/console/connections/{ids[0]}/mapping/item")).text
    row = page.split('data-name="number"')[1].split("</summary>")[0]
    assert "code is gone; it may be item_code now" in row
    assert "The object is not read" in page
    assert "<code>item_code</code>" in page
    assert "Accept the change" not in page


async def test_drift_is_accepted_and_its_policy_set(editor: Reader, world: World, ids: list[str]) -> None:
    await drifted(world, ids[0])
    path = f"/console/connections/{ids[0]}/mapping/item"
    assert f'action="{path}/drift/accept"' in (await editor.get(path)).text
    before = len(await world.outbox("commands.connector"))
    await editor.send(f"{path}/drift/accept", {})
    await editor.send(f"{path}/drift/policy", {"policy": "hold"})
    accepted, policy = (await world.outbox("commands.connector"))[before:]
    assert (accepted["object"], policy["policy"]) == ("product.product", "hold")
    assert (await editor.send(f"{path}/drift/policy", {"policy": "panic"})).status_code == 422
    assert len(await world.outbox("commands.connector")) == before + 2


async def test_a_source_that_answers_slowly_is_told_and_the_list_stays(
    editor: Reader, world: World, ids: list[str]
) -> None:
    path = f"/console/connections/{ids[0]}/mapping/item"
    part = (await editor.send(f"{path}/look", **{"HX-Request": "true"})).text
    assert "takes longer to answer" in part
    assert 'data-use="code"' in part
    asked = (await world.outbox("commands.connector"))[-1]
    assert (asked["connection_id"], asked["objects"]) == (ids[0], ["product.product"])
    answer = await editor.send(f"{path}/look")
    assert (answer.status_code, answer.headers["location"]) == (303, path)
