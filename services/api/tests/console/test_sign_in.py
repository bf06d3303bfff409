from collections.abc import Iterator
from datetime import timedelta

import pytest

from lineshaft.api.console.install import ROUTERS
from lineshaft.api.console.throttle import FAILURES
from lineshaft.api.domain.keys import KeyKind, new_key
from services.api.tests.routes.conftest import World

from .conftest import PASSWORD, VIEWER_PASSWORD, Reader

pytestmark = pytest.mark.integration

OPEN = {
    "/console/sign-in",
    "/console/sign-in/oidc",
    "/console/sign-in/oidc/callback",
    "/console/sign-out",
    "/console/theme",
    "/console/static/{version}/{name:path}",
}


def routes() -> Iterator[tuple[str, str]]:
    for router in ROUTERS:
        for route in router.routes:
            for method in route.methods:  # type: ignore[attr-defined]  # all are API routes
                path = route.path  # type: ignore[attr-defined]
                if path not in OPEN and method != "HEAD":
                    yield method, path


@pytest.mark.parametrize(("method", "path"), sorted(set(routes())))
async def test_no_page_opens_without_a_session(stranger: Reader, method: str, path: str) -> None:
    for cookie in ("", "lineshaft_console=forged"):
        answer = await stranger.http.request(method, path, headers={"Cookie": cookie})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("path", sorted({path for method, path in routes() if method == "POST"}))
async def test_no_form_is_taken_from_a_viewer_or_without_the_token(
    viewer: Reader, world: World, path: str
) -> None:
    asked = await viewer.send(path)
    assert (asked.status_code, "viewer" in asked.text) == (403, True), asked.text
    editor = Reader(world.http)
    await editor.sign_in(PASSWORD)
    assert (await editor.http.post(path, data={"csrf": "0" * 64})).status_code == 403
    from_elsewhere = await editor.send(path, Origin="https://evil.example.com")
    assert from_elsewhere.status_code == 403


async def test_a_password_signs_in_by_its_role_and_the_cookie_is_guarded(stranger: Reader) -> None:
    answer = await stranger.sign_in(PASSWORD, next="/console/connections?q=7")
    assert answer.headers["location"] == "/console/connections?q=7"
    cookie = next(one for one in answer.headers.get_list("set-cookie") if "lineshaft_console" in one)
    assert {"HttpOnly", "SameSite=strict", "Path=/console"} <= set(cookie.split("; "))
    assert "editor" in (await stranger.get("/console/connect")).text
    await stranger.sign_in(VIEWER_PASSWORD)
    assert "viewer" in (await stranger.get("/console/connect")).text


async def test_an_admin_key_signs_in_until_it_ends(world: World, stranger: Reader) -> None:
    await stranger.sign_in(world.admin_key)
    assert (await stranger.get("/console")).status_code == 200
    await world.context.pool.execute("delete from api_key where kind = 'admin'")
    assert (await stranger.get("/console")).status_code == 303


async def test_a_wrong_secret_is_refused_and_guessing_is_slowed_down(world: World, stranger: Reader) -> None:
    _, token = await world.connect()
    for secret in ("", "wrong", new_key(KeyKind.ADMIN), token):
        answer = await stranger.sign_in(secret)
        assert (answer.status_code, "not known" in answer.text) == (401, True)
    for _ in range(FAILURES):
        last = await stranger.sign_in("guess")
    assert last.status_code == 429
    assert (await stranger.sign_in(PASSWORD)).status_code == 429
    assert (await stranger.sign_in(world.admin_key)).status_code == 303
    world.clock.ahead = timedelta(minutes=2)
    assert (await stranger.sign_in(PASSWORD)).status_code == 303


@pytest.mark.parametrize(
    "target", ["https://evil.example.com", "//evil.example.com", "/console//evil", "/v1/x", "/consolex"]
)
async def test_signing_in_never_leads_to_another_site(stranger: Reader, target: str) -> None:
    assert (await stranger.sign_in(PASSWORD, next=target)).headers["location"] == "/console"


async def test_signing_out_ends_the_session_itself(editor: Reader) -> None:
    kept = editor.http.cookies["lineshaft_console"]
    assert (await editor.send("/console/sign-out")).status_code == 303
    answer = await editor.http.get("/console", headers={"Cookie": f"lineshaft_console={kept}"})
    assert answer.status_code == 303


async def test_a_session_ends_in_time_and_with_its_password(editor: Reader, world: World) -> None:
    world.clock.ahead = timedelta(hours=11)
    assert (await editor.get("/console")).status_code == 200
    await world.context.pool.execute("update console_session set mark = 'other' where key_id is null")
    assert (await editor.get("/console")).status_code == 303
    await editor.sign_in(PASSWORD)
    world.clock.ahead = timedelta(hours=24)
    assert (await editor.get("/console")).status_code == 303


async def test_pages_allow_nothing_but_our_own_files(stranger: Reader) -> None:
    answer = await stranger.get("/console/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
