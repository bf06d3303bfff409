import ast
import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest

from lineshaft.api.console import audit
from services.api.tests.routes.conftest import World

from .conftest import Reader

pytestmark = pytest.mark.integration

API = Path(audit.__file__).parents[1]


def noted_kinds() -> set[str]:
    """The beginning of every action that the code notes."""
    calls = (one for path in API.rglob("*.py") for one in ast.walk(ast.parse(path.read_text())))
    actions = (
        ast.unparse(call.args[1])
        for call in calls
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"audit.note", "note"}
    )
    return {found for action in actions for found in re.findall(r"'([a-z_]+)\.", action)}


async def test_who_changed_what_is_shown_and_exported(editor: Reader, world: World) -> None:
    connection_id, _ = await world.connect()
    await editor.send(f"/console/connections/{connection_id}/rename", {"label": "=cmd|' <b>"})
    path = f"/console/audit-log?connection_id={connection_id}&action=connection"
    page = (await editor.get(path)).text
    assert "Connection changed" in page
    assert "<del>Plant 7</del>" in page
    assert "=cmd|&#39; &lt;b&gt;" in page
    answer = await editor.get(path.replace("audit-log?", "audit-log/export?"))
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == ["connection.changed", "connection.created"]
    assert rows[0]["actor"] == "Ada"
    assert not any(value.startswith("=") for row in rows for value in row.values())
    nobody = await editor.get(f"{path}&actor=nobody", **{"HX-Request": "true"})
    assert "No change fits" in nobody.text


async def test_the_file_has_every_page_of_what_fits(
    editor: Reader, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id, _ = await world.connect()
    for name in ("a", "b", "c", "d"):
        await world.call("PATCH", f"/connections/{connection_id}", {"label": name})
    monkeypatch.setattr(audit, "MAX_LIMIT", 2)
    path = f"/console/audit-log/export?connection_id={connection_id}"
    rows = list(csv.DictReader(io.StringIO((await editor.get(f"{path}&action=connection")).text)))
    assert [row["action"] for row in rows] == [*["connection.changed"] * 4, "connection.created"]
    world.clock.ahead = timedelta(days=8)
    await editor.sign_in("correct horse battery")
    assert (await editor.get(f"{path}&days=7")).text.count("\n") == 1
    assert (await editor.get(f"{path}&days=30")).text.count("\n") > 5


async def test_every_kind_of_entry_can_be_looked_for(viewer: Reader, world: World) -> None:
    page = (await viewer.get("/console/audit-log")).text
    assert len(noted_kinds()) > 8
    for kind in noted_kinds():
        assert f'<option value="{kind}">' in page


async def test_signing_in_is_noted(viewer: Reader, world: World) -> None:
    (entry, *_) = (await world.call("GET", "/audit-log?action=console.signed_in")).json()["data"]
    assert (entry["actor"], entry["after"]) == ("console", {"role": "viewer"})


async def test_a_name_that_begins_like_a_formula_is_no_formula_in_the_file(
    stranger: Reader, world: World
) -> None:
    await stranger.sign_in("correct horse battery", name="=1+1")
    rows = list(csv.DictReader(io.StringIO((await stranger.get("/console/audit-log/export")).text)))
    assert rows[0]["actor"] == "'=1+1"
