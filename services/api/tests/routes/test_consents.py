"""Systems at which the customer logs in: out to them, back with a code, and every way that can go wrong."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import orjson
import pytest
import pytest_asyncio

from lineshaft.api.adapters import consents
from lineshaft.api.domain.consents import LIFETIME, challenge_of
from lineshaft.common.encryption import KeyRing, new_key
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.integrations.oauth import AUTHORIZATION_CODE
from lineshaft.common.links import reauthorize_url
from lineshaft.common.outcomes import Outcome
from lineshaft.common.postgres.sealed import Resealing
from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.testing.oauth_system import SYSTEM, write_system

from .conftest import CREDENTIALS, REDIRECT_URL, World, verified, whole_application

pytestmark = pytest.mark.integration

PROVIDER = "https://login.example"
CLIENT = {"client_id": "lineshaft", "client_secret": "of the operator"}
CLIENT_PATH = f"/systems/{SYSTEM}/oauth-client"
SETTINGS = {"base_url": "https://plant.example.com"}


@pytest_asyncio.fixture(loop_scope="session")
async def world(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """With a system that asks for consent, at which nobody has registered, and one that does not ask."""
    shutil.copytree(find_checkout() / "integrations" / "sandbox", tmp_path / "sandbox")
    catalog = write_system(
        tmp_path,
        PROVIDER,
        AUTHORIZATION_CODE,
        scopes=["plant.read", "plant.write"],
        authorize_parameters={"access_type": "offline"},
    )
    context = replace(world.context, catalog=catalog)
    transport = httpx.ASGITransport(whole_application(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
        world = replace(world, context=context, http=http)
        await world.call("DELETE", CLIENT_PATH)
        yield world


async def sent_away(world: World, page: str, fields: dict[str, str] | None = None) -> dict[str, str]:
    """What the system is told by the customer's browser."""
    answer = await world.http.post(page, data=SETTINGS if fields is None else fields)
    assert answer.status_code == 200, answer.text
    found = re.search(r'content="0;url=([^"]*)"', answer.text)
    assert found is not None
    address = unescape(found[1])
    assert address.startswith(f"{PROVIDER}/oauth/authorize?")
    assert f'href="{found[1]}"' in answer.text
    return dict(parse_qsl(urlsplit(address).query))


async def opened(world: World) -> str:
    await world.call("PUT", CLIENT_PATH, CLIENT)
    return await world.open_page(system=SYSTEM)


async def back(world: World, **sent: str) -> httpx.Response:
    return await world.http.get(f"/connect/callback?{urlencode(sent)}")


async def candidate(world: World) -> dict[str, str]:
    """The credentials of the newest candidate, as the connector opens them."""
    row = await world.pools["connector"].fetchrow(
        "select * from credential order by created_at desc, credential_id desc limit 1"
    )
    assert row is not None
    bound_to = f"credential/{row['connection_id']}/{row['credential_id']}"
    opened: dict[str, str] = orjson.loads(world.context.keys.open(row["sealed"], bound_to=bound_to))
    return opened


async def test_nobody_is_sent_to_a_system_that_does_not_know_us(world: World) -> None:
    answer = await world.call("POST", "/link-sessions", {"system": SYSTEM})
    assert answer.status_code == 409
    assert f"PUT /v1{CLIENT_PATH}" in answer.json()["detail"]
    page = await opened(world)
    await world.call("DELETE", CLIENT_PATH)
    for answer in (await world.http.get(page), await world.http.post(page, data=SETTINGS)):
        assert answer.status_code == 409
        assert "cannot be connected yet" in answer.text


async def test_who_chose_another_system_meanwhile_does_not_come_back_to_it(world: World) -> None:
    await world.call("PUT", CLIENT_PATH, CLIENT)
    page = await world.open_page(system=None, systems=[SYSTEM, "sandbox"])
    told = await sent_away(world, f"{page}?system={SYSTEM}")
    await world.http.post(f"{page}?system=sandbox", data=SETTINGS | CREDENTIALS)
    asked = await world.outbox("commands.connector")
    refused = CommandProblem(code="credentials_rejected", message="", outcome=Outcome.CREDENTIALS_REJECTED)
    await world.answer(asked[-1]["command_id"], problem=refused)
    answer = await back(world, code="of the first system", state=told["state"])
    assert (answer.status_code, "This login was used already" in answer.text) == (410, True)
    assert await world.outbox("commands.connector") == asked


async def test_the_operators_client_is_registered_and_withdrawn(world: World) -> None:
    empty = (await world.call("GET", CLIENT_PATH)).json()
    assert (empty["client_id"], empty["redirect_uri"]) == (None, "http://api.test/connect/callback")
    for client in (CLIENT, {"client_id": "public"}, CLIENT):
        shown = (await world.call("PUT", CLIENT_PATH, client)).json()
        assert (shown["client_id"], shown["has_secret"]) == (client["client_id"], "client_secret" in client)
        assert "of the operator" not in str(shown)
    entries = (await world.call("GET", "/audit-log?action=oauth_client.registered")).json()["data"]
    assert entries[0]["after"] == {"client_id": "lineshaft"}
    assert "of the operator" not in str(entries)
    assert (await world.call("DELETE", CLIENT_PATH)).status_code == 204
    assert (await world.call("GET", CLIENT_PATH)).json()["client_id"] is None
    other = await world.call("PUT", "/systems/nothing/oauth-client", CLIENT)
    assert other.status_code == 404


async def test_a_customer_logs_in_at_the_system_and_is_connected(world: World) -> None:
    page = await opened(world)
    form = await world.http.get(page)
    assert "Continue to Sandbox" in form.text
    asked = await sent_away(world, page)
    assert asked["client_id"] == "lineshaft"
    assert asked["redirect_uri"] == "http://api.test/connect/callback"
    assert (asked["scope"], asked["access_type"]) == ("plant.read plant.write", "offline")
    assert asked["code_challenge_method"] == "S256"

    returned = await back(world, state=asked["state"], code="of-the-system", session_state="ignored")
    assert returned.status_code == 303
    command = (await world.outbox("commands.connector"))[-1]
    assert command["settings"] == SETTINGS
    values = await candidate(world)
    assert values["code"] == "of-the-system"
    assert challenge_of(values["code_verifier"]) == asked["code_challenge"]
    assert values["redirect_uri"] == asked["redirect_uri"]

    await world.answer(command["command_id"], result=verified("plant-7"))
    done = await world.http.get(returned.headers["location"])
    assert done.headers["location"].startswith(f"{REDIRECT_URL}&code=lcc_")
    assert (await back(world, state=asked["state"], code="of-the-system")).status_code == 410


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_a_customer_who_says_no_is_told_so_and_can_start_again(world: World) -> None:
    page = await opened(world)
    asked = await sent_away(world, page)
    refused = await back(world, state=asked["state"], error="access_denied", error_description="<b>no</b>")
    assert refused.status_code == 403
    assert "You did not allow it there" in refused.text
    assert f'href="{page}"' in refused.text
    assert "<b>" not in refused.text
    asked = await sent_away(world, page)
    broken = await back(world, state=asked["state"], error="server_error")
    assert (broken.status_code, "server_error" in broken.text) == (400, True)
    asked = await sent_away(world, page)
    assert (await back(world, state=asked["state"], code="c")).status_code == 303


async def test_who_is_late_can_start_again(world: World) -> None:
    page = await opened(world)
    asked = await sent_away(world, page)
    world.clock.ahead = LIFETIME + timedelta(seconds=1)
    late = await back(world, state=asked["state"], code="c")
    assert late.status_code == 410
    assert "took too long" in late.text
    assert f'href="{page}"' in late.text


async def test_the_way_back_is_for_the_browser_that_left_and_for_the_latest_start(world: World) -> None:
    page = await opened(world)
    first = await sent_away(world, page)
    asked = await sent_away(world, page)
    assert (await back(world, state=first["state"], code="c")).status_code == 410
    for state in ("", "x" * 43, "x" * 500):
        assert (await back(world, state=state, code="c")).status_code in {410, 422}
    kept = dict(world.http.cookies)
    world.http.cookies.clear()
    elsewhere = await back(world, state=asked["state"], code="c")
    assert elsewhere.status_code == 403
    assert "browser in which you began" in elsewhere.text
    for name, value in kept.items():
        world.http.cookies.set(name, value, domain="api.test", path="/connect/callback")
    assert (await back(world, state=asked["state"], code="c")).status_code == 303


async def test_the_cookie_goes_nowhere_else(world: World) -> None:
    page = await opened(world)
    answer = await world.http.post(page, data=SETTINGS)
    cookie = answer.headers["set-cookie"]
    assert "Path=/connect/callback" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_program_is_told_where_to_send_its_customer(world: World) -> None:
    page = await opened(world)
    answer = await world.http.post(page, json=SETTINGS, headers={"Accept": "application/json"})
    assert answer.json()["status"] == "consent"
    asked = dict(parse_qsl(urlsplit(answer.json()["authorize_url"]).query))
    done = await world.http.get(
        "/connect/callback",
        params={"state": asked["state"], "code": "c"},
        headers={"Accept": "application/json"},
    )
    assert done.json()["status"] == "verifying"


async def test_a_reconnect_is_the_same_way_and_for_the_same_account(world: World) -> None:
    page = await opened(world)
    asked = await sent_away(world, page)
    await back(world, state=asked["state"], code="c")
    command = (await world.outbox("commands.connector"))[-1]
    await world.answer(command["command_id"], result=verified("plant-7"))

    link = reauthorize_url("http://api.test", "signing-key", command["connection_id"], now=world.clock())
    page = (await world.http.get(urlsplit(link).path)).headers["location"]
    assert "Continue to Sandbox" in (await world.http.get(page)).text
    asked = await sent_away(world, page, {})
    returned = await back(world, state=asked["state"], code="again")
    again = (await world.outbox("commands.connector"))[-1]
    assert (again["expected_account_id"], again["settings"]) == ("plant-7", SETTINGS)
    mismatch = CommandProblem(code="account_mismatch", message="", outcome=Outcome.ACCOUNT_MISMATCH)
    await world.answer(again["command_id"], problem=mismatch)
    refused = await world.http.get(returned.headers["location"])
    assert "Log out of Sandbox" in refused.text
    asked = await sent_away(world, page, {})
    await back(world, state=asked["state"], code="and again")
    assert (await candidate(world))["code"] == "and again"


async def test_what_is_kept_meanwhile_is_sealed_and_forgotten(world: World) -> None:
    page = await opened(world)
    await sent_away(world, page)
    rows: list[Any] = await world.context.pool.fetch("select * from consent")
    assert rows
    assert all(b"plant.example.com" not in row["sealed"] for row in rows)
    newer = KeyRing.parse(f"{new_key('k2')},{world.context.settings.secret_keys.get_secret_value()}")
    await Resealing(world.context.pool, newer, consents.SEALED, "api").turn(asyncio.Event())
    asked = await world.context.pool.fetch("select distinct key_id from consent")
    assert [row["key_id"] for row in asked] == ["k2"]
