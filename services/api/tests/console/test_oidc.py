from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from lineshaft.api.console.install import ROUTERS
from lineshaft.api.settings import ApiSettings
from lineshaft.common.postgres.pool import Pool
from services.api.tests.routes.conftest import World, a_world

from .conftest import PASSWORD, Reader
from .oidc_provider import CLIENT_ID, CLIENT_SECRET, an_oidc_provider, log_in

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PUBLIC_URL = "http://api.test"
BACK = f"{PUBLIC_URL}/console/sign-in/oidc/callback"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def issuer() -> AsyncIterator[str]:
    async with an_oidc_provider(BACK) as issuer:
        yield issuer


@pytest.fixture
def with_oidc(settings: ApiSettings, issuer: str) -> ApiSettings:
    return settings.model_copy(
        update={
            "console_oidc_issuer": issuer,
            "console_oidc_client_id": CLIENT_ID,
            "console_oidc_client_secret": settings.link_signing_key.__class__(CLIENT_SECRET),
            "console_oidc_editors": "lineshaft-editors, admins",
            "console_oidc_viewers": "lineshaft-viewers",
        }
    )


@pytest_asyncio.fixture
async def open_world(pools: dict[str, Pool], with_oidc: ApiSettings) -> AsyncIterator[World]:
    async with a_world(pools, with_oidc) as world:
        yield world


async def sign_in(world: World, name: str, target: str = "/console/connections") -> tuple[Reader, int, str]:
    reader = Reader(world.http)
    left = await reader.get(f"/console/sign-in/oidc?next={target}")
    assert left.status_code == 303
    back = await log_in(left.headers["location"], name, BACK)
    answer = await reader.get(back.removeprefix(PUBLIC_URL))
    return reader, answer.status_code, answer.text


async def test_an_editor_is_who_the_groups_say(open_world: World) -> None:
    page = (await open_world.http.get("/console/sign-in?next=/console/webhooks")).text
    assert "/console/sign-in/oidc?next=" in page
    reader, status, text = await sign_in(open_world, "ada")
    assert (status, 'content="0; url=/console/connections"' in text) == (200, True), text
    home = (await reader.get("/console")).text
    assert "Ada Editor (ada)" in home
    assert '<span class="role">editor</span>' in home
    connection_id, _ = await open_world.connect()
    assert (await reader.send(f"/console/connections/{connection_id}/pause")).status_code == 303
    entries = (await open_world.call("GET", f"/audit-log?connection_id={connection_id}")).json()["data"]
    assert (entries[0]["action"], entries[0]["actor"]) == ("connection.paused", "Ada Editor (ada)")


async def test_a_viewer_changes_nothing(open_world: World) -> None:
    reader, status, _ = await sign_in(open_world, "vic")
    assert status == 200
    assert '<span class="role">viewer</span>' in (await reader.get("/console")).text
    forms = {
        route.path  # type: ignore[attr-defined]  # all are API routes
        for router in ROUTERS
        for route in router.routes
        if "POST" in route.methods  # type: ignore[attr-defined]
    } - {"/console/sign-in", "/console/sign-out", "/console/theme"}
    assert len(forms) > 20
    for path in sorted(forms):
        answer = await reader.send(path)
        assert (answer.status_code, "viewer" in answer.text) == (403, True), path


async def test_somebody_without_a_role_stays_outside(open_world: World) -> None:
    reader, status, text = await sign_in(open_world, "eve")
    assert status == 403
    assert "Eve Elsewhere (eve)" in text
    assert "sales" in text
    assert (await reader.get("/console")).status_code == 303


async def test_the_way_back_belongs_to_the_browser_that_left(open_world: World) -> None:
    reader = Reader(open_world.http)
    left = await reader.get("/console/sign-in/oidc")
    cookie = left.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/console/sign-in/oidc"} <= set(cookie.split("; "))
    query = parse_qs(urlsplit(left.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    back = (await log_in(left.headers["location"], "ada", BACK)).removeprefix(PUBLIC_URL)
    state = query["state"][0]
    forged = await reader.get(back.replace(state, "another"))
    assert (forged.status_code, "not begun in this browser" in forged.text) == (403, True)
    open_world.http.cookies.clear()
    stranger = await reader.get(back)
    assert stranger.status_code == 403
    assert (await reader.get("/console")).status_code == 303


async def test_a_code_works_once_and_an_error_is_told(open_world: World) -> None:
    reader = Reader(open_world.http)
    left = await reader.get("/console/sign-in/oidc")
    kept = open_world.http.cookies["lineshaft_oidc"]
    back = (await log_in(left.headers["location"], "ada", BACK)).removeprefix(PUBLIC_URL)
    assert (await reader.get(back)).status_code == 200
    again = await reader.get(back, Cookie=f"lineshaft_oidc={kept}")
    assert again.status_code == 503
    left = await reader.get("/console/sign-in/oidc")
    state = parse_qs(urlsplit(left.headers["location"]).query)["state"][0]
    denied = await reader.get(f"/console/sign-in/oidc/callback?error=access_denied&state={state}")
    assert (denied.status_code, "access_denied" in denied.text) == (403, True)


async def test_a_session_ends_with_the_provider_and_passwords_go_on(
    open_world: World, pools: dict[str, Pool], with_oidc: ApiSettings
) -> None:
    await sign_in(open_world, "ada")
    kept = open_world.http.cookies["lineshaft_console"]
    other = with_oidc.model_copy(update={"console_oidc_client_id": "another"})
    async with a_world(pools, other) as world:
        answer = await world.http.get("/console", headers={"Cookie": f"lineshaft_console={kept}"})
        assert answer.status_code == 303
        assert (await Reader(world.http).sign_in(PASSWORD)).status_code == 303


async def test_without_a_provider_there_is_no_such_way(world: World) -> None:
    assert (await world.http.get("/console/sign-in/oidc")).status_code == 404
    assert "oidc" not in (await world.http.get("/console/sign-in")).text


async def test_a_provider_that_is_gone_is_told_and_not_waited_for(
    pools: dict[str, Pool], with_oidc: ApiSettings
) -> None:
    gone = with_oidc.model_copy(update={"console_oidc_issuer": "http://127.0.0.1:9"})
    async with a_world(pools, gone) as world:
        answer = await world.http.get("/console/sign-in/oidc")
        assert (answer.status_code, "A password still signs in" in answer.text) == (503, True)


def test_settings_of_a_provider_are_whole() -> None:
    base = {"secret_keys": "k:x", "link_signing_key": "k"}
    with pytest.raises(ValueError, match="console_oidc_client_id"):
        ApiSettings(**base, console_oidc_issuer="https://id.example")  # type: ignore[arg-type]  # as text
    with pytest.raises(ValueError, match="console_oidc_editors"):
        ApiSettings(
            **base,  # type: ignore[arg-type]
            console_oidc_issuer="https://id.example",
            console_oidc_client_id="a",
            console_oidc_client_secret="b",  # type: ignore[arg-type]
        )
