import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.access import Permission
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.outcomes import ConnectionStatus, Grant, NeededBy, Verb
from services.api.tests.routes.conftest import World, insert
from services.api.tests.routes.test_diagnoses import a_ladder, climb

from .conftest import Reader
from .seeding import CREDENTIALS, seed

pytestmark = pytest.mark.integration

PART = {"HX-Request": "true"}


@pytest.fixture
async def ids(world: World) -> list[str]:
    await world.context.pool.execute("delete from connection")
    return await seed(world)


async def test_the_verdict_comes_with_evidence_remedy_and_link(editor: Reader, ids: list[str]) -> None:
    page = (await editor.get(f"/console/connections/{ids[1]}")).text
    assert "Reconnect needed" in page
    assert CREDENTIALS["summary"] in page
    assert "Customer&#39;s move." in page
    assert re.search(r'data-copy="http://api\.test/reauthorize/[\w.-]+"', page)
    assert "You are not allowed to access" in page
    letter = re.search(r'href="mailto:\?subject=Reconnect%20Tryton&amp;body=([^"]+)"', page)
    assert letter is not None
    assert re.search(r"for Tryton: http://api\.test/reauthorize/[\w.-]+$", unquote(letter[1]))
    healthy = (await editor.get(f"/console/connections/{ids[0]}")).text
    assert "Nobody has to do anything" in healthy
    assert "/reauthorize/" not in healthy
    part = (await editor.get(f"/console/connections/{ids[0]}", **PART)).text
    assert part.lstrip().startswith('<div id="live"')


async def test_rights_and_the_end_of_credentials_are_shown(
    viewer: Reader, world: World, ids: list[str]
) -> None:
    await world.set_status(
        ids[0],
        ConnectionStatus.HEALTHY,
        permissions=[
            Permission(
                object="purchase.purchase",
                verb=Verb.READ,
                needed_by=[NeededBy.MAPPING],
                granted=Grant.DENIED,
            )
        ],
        credentials_expire_at=datetime(2099, 3, 31, tzinfo=UTC),
    )
    page = (await viewer.get(f"/console/connections/{ids[0]}")).text
    assert "Rights at the source" in page
    assert "a right is missing" in page
    assert "Nobody has to do anything" not in page
    assert re.search(r'data-label="Granted"><span class="pill bad">.*?Denied', page.replace("\n", ""))
    assert 'datetime="2099-03-31T00:00:00' in page


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (timedelta(days=20), None),
        (timedelta(days=9, hours=1), "The credentials end in 9 days"),
        (timedelta(days=1, hours=1), "The credentials end in 1 day<"),
        (timedelta(hours=1), "The credentials end today"),
        (timedelta(hours=-1), "The credentials have ended"),
    ],
)
async def test_credentials_that_end_soon_are_somebodys_task(
    editor: Reader, world: World, ids: list[str], left: timedelta, told: str | None
) -> None:
    await world.set_status(ids[0], ConnectionStatus.HEALTHY, credentials_expire_at=now() + left)
    page = (await editor.get(f"/console/connections/{ids[0]}")).text
    notice = re.search(r'<section class="card ending.*?</section>', page, re.DOTALL)
    assert (notice is None) == (told is None)
    if notice is not None and told is not None:
        assert told in notice[0]
        assert "Customer&#39;s move" in notice[0]
        assert 'data-format="moment"' in notice[0]
        assert f'action="/console/connections/{ids[0]}/reconnect"' in notice[0]


async def test_a_viewer_sees_all_of_it_and_no_button(viewer: Reader, ids: list[str]) -> None:
    page = (await viewer.get(f"/console/connections/{ids[2]}")).text
    assert "purchase.purchase may no longer be read" in page
    posts = re.findall(r'method="post" action="([^"]+)"', page)
    assert set(posts) == {"/console/theme", "/console/sign-out"}


async def test_pause_and_resume_are_those_of_the_api(editor: Reader, world: World, ids: list[str]) -> None:
    path = f"/console/connections/{ids[0]}"
    await editor.send(f"{path}/pause")
    assert (await world.call("GET", f"/connections/{ids[0]}")).json()["lifecycle"] == "paused"
    assert "Paused. The source is not called until you resume." in (await editor.get(path)).text
    assert "Paused. The source is not called until you resume." not in (await editor.get(path)).text
    assert (await world.outbox("connections"))[-1]["changed_by"] == "Ada"
    await editor.send(f"{path}/resume")
    assert (await world.call("GET", f"/connections/{ids[0]}")).json()["lifecycle"] == "active"
    await editor.send(f"{path}/rename", {"label": "<b>Mill</b>"})
    assert "<h1>&lt;b&gt;Mill&lt;/b&gt;</h1>" in (await editor.get(path)).text


async def test_sync_now_asks_for_one_or_says_why_not(editor: Reader, world: World, ids: list[str]) -> None:
    await editor.send(f"/console/connections/{ids[0]}/sync", {"mode": "full"})
    asked = (await world.outbox("sync.requests"))[-1]
    assert (asked["connection_id"], asked["mode"], asked["requested_by"]) == (ids[0], "full", "Ada")
    await editor.send(f"/console/connections/{ids[1]}/sync")
    assert (await world.outbox("sync.requests"))[-1] == asked
    assert "refuses the stored credentials" in (await editor.get(f"/console/connections/{ids[1]}/syncs")).text


@pytest.mark.parametrize(
    ("button", "fields", "expected"),
    [
        (
            "breaker",
            {"state": "open", "reason": "maintenance", "hours": "2"},
            {"state": "open", "object": None},
        ),
        ("breaker", {"state": "closed", "reason": "mended", "object": "party.party"}, {"state": "closed"}),
        ("issues/iss_1/mute", {"hours": "24"}, {"issue_id": "iss_1", "actor": "Ada"}),
    ],
)
async def test_orders_of_health_go_to_the_monitor(
    *,
    editor: Reader,
    world: World,
    ids: list[str],
    button: str,
    fields: dict[str, str],
    expected: dict[str, Any],
) -> None:
    answer = await editor.send(f"/console/connections/{ids[2]}/{button}", fields)
    assert answer.status_code == 303
    asked = (await world.outbox("commands.health"))[-1]
    assert asked.items() >= expected.items()
    assert "a moment longer" in (await editor.get(f"/console/connections/{ids[2]}")).text


async def test_a_breaker_needs_a_reason(editor: Reader, world: World, ids: list[str]) -> None:
    before = await world.outbox("commands.health")
    await editor.send(f"/console/connections/{ids[2]}/breaker", {"state": "open"})
    assert await world.outbox("commands.health") == before
    assert "Say why" in (await editor.get(f"/console/connections/{ids[2]}")).text


async def test_a_ladder_is_drawn_rung_by_rung(editor: Reader, world: World, ids: list[str]) -> None:
    path = f"/console/connections/{ids[3]}"
    waiting = (await editor.send(f"{path}/diagnose", **PART)).text
    again = re.search(r'hx-get="([^"]+/ladder\?operation=([^"]+))"', waiting)
    assert again is not None
    assert (await world.outbox("commands.connector"))[-1]["asked_by"] == "Ada"
    await climb(world, ids[3], again.group(2))
    half = (await editor.get(again.group(1), **PART)).text
    assert rungs(half) == [("good", "DNS"), ("now", "TCP"), ("quiet", "TLS")]
    assert "Climbing" in half
    await world.answer(again.group(2), result=a_ladder(ids[3]) | {"ask": "Please allow 203.0.113.7."})
    drawn = (await editor.get(again.group(1), **PART)).text
    assert rungs(drawn) == [("bad", "TCP")]
    assert ("hx-get" in drawn, "Please allow 203.0.113.7." in drawn) == (False, True)


async def test_a_ladder_that_could_not_be_climbed_says_why(
    editor: Reader, world: World, ids: list[str]
) -> None:
    path = f"/console/connections/{ids[3]}"
    assert (await editor.send(f"{path}/diagnose")).headers["location"] == path
    operation_id = (await world.outbox("commands.connector"))[-1]["command_id"]
    await world.answer(operation_id, problem=CommandProblem(code="not_found", message="It was deleted."))
    assert "It was deleted." in (await editor.get(f"{path}/ladder?operation={operation_id}", **PART)).text


async def test_a_ladder_of_another_connection_is_not_shown(
    editor: Reader, world: World, ids: list[str]
) -> None:
    await editor.send(f"/console/connections/{ids[3]}/diagnose", **PART)
    operation_id = (await world.outbox("commands.connector"))[-1]["command_id"]
    answer = await editor.get(f"/console/connections/{ids[2]}/ladder?operation={operation_id}", **PART)
    assert answer.status_code == 404


async def test_the_last_ladder_stands_on_the_page(editor: Reader, world: World, ids: list[str]) -> None:
    document = a_ladder(ids[3])
    await insert(world.pools["health_monitor"], "ladder", connection_id=ids[3], document=document)
    assert rungs((await editor.get(f"/console/connections/{ids[3]}")).text) == [("bad", "TCP")]


def rungs(text: str) -> list[tuple[str, str]]:
    return re.findall(r'<li class="(\w+)"[^>]*><span class="rung">[\w ]+<small>(\w+)', text)


async def test_the_bundle_is_the_one_of_the_api(viewer: Reader, ids: list[str]) -> None:
    answer = await viewer.get(f"/console/connections/{ids[2]}/support-bundle")
    assert answer.headers["content-type"] == "application/zip"
    assert "status.json" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()


async def test_a_reconnect_link_keeps_the_connection(editor: Reader, world: World, ids: list[str]) -> None:
    page = (await editor.send(f"/console/connections/{ids[4]}/reconnect")).text
    link = re.search(r'data-copy="http://api\.test(/connect/[^"]+)"', page)
    assert link is not None
    assert "Reconnect Tryton" in (await world.http.get(link.group(1))).text


async def test_the_error_log_is_filtered(viewer: Reader, ids: list[str]) -> None:
    path = f"/console/connections/{ids[2]}/errors"
    assert (await viewer.get(path)).text.count("AccessError") == 3
    assert "No failed call fits" in (await viewer.get(f"{path}?outcome=rate_limited", **PART)).text
    assert (await viewer.get(f"{path}?object=purchase.purchase&outcome=permission_denied")).text.count(
        "AccessError"
    ) == 3
    assert (await viewer.get(f"{path}?outcome=no")).status_code == 422


async def test_history_tells_what_happened_and_who_did_it(viewer: Reader, ids: list[str]) -> None:
    page = (await viewer.get(f"/console/connections/{ids[2]}/history")).text
    assert "The customer connected." in page
    assert "still open" in page


async def test_a_schedule_is_ordered_and_a_wrong_one_named(
    editor: Reader, world: World, ids: list[str]
) -> None:
    path = f"/console/connections/{ids[0]}"
    await editor.send(f"{path}/schedule", {"every_minutes": "30", "full_every_hours": ""})
    asked = (await world.outbox("commands.connector"))[-1]
    assert asked["frequency"] == {"every_minutes": 30, "full_every_hours": None}
    await editor.send(f"{path}/schedule", {"every_minutes": "7"})
    assert "greater than or equal to 15" in (await editor.get(f"{path}/syncs")).text
    assert (await world.outbox("commands.connector"))[-1] == asked


@pytest.mark.parametrize("page", ["", "/syncs", "/errors", "/history", "/ladder", "/settings", "/mapping"])
async def test_every_page_of_a_deleted_connection_says_so(
    editor: Reader, world: World, ids: list[str], page: str
) -> None:
    await world.call("DELETE", f"/connections/{ids[0]}")
    answer = await editor.get(f"/console/connections/{ids[0]}{page}")
    assert (answer.status_code, "This connection was deleted" in answer.text) == (410, True)
