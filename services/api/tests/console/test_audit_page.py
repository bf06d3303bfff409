import csv
import io

import pytest

from services.api.tests.routes.conftest import World

from .conftest import Reader

pytestmark = pytest.mark.integration


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


async def test_signing_in_is_noted(viewer: Reader, world: World) -> None:
    (entry, *_) = (await world.call("GET", "/audit-log?action=console.signed_in")).json()["data"]
    assert (entry["actor"], entry["after"]) == ("console", {"role": "viewer"})


async def test_a_name_that_begins_like_a_formula_is_no_formula_in_the_file(
    stranger: Reader, world: World
) -> None:
    await stranger.sign_in("correct horse battery", name="=1+1")
    rows = list(csv.DictReader(io.StringIO((await stranger.get("/console/audit-log/export")).text)))
    assert rows[0]["actor"] == "'=1+1"
