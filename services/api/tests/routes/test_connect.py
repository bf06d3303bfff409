import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest

from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.links import reauthorize_url
from lineshaft.common.outcomes import Outcome, Rung

from .conftest import CREDENTIALS, REDIRECT_URL, SETTINGS, World, verified, waiting

pytestmark = pytest.mark.integration

REJECTED = CommandProblem(
    code="credentials_rejected", message="login failed", outcome=Outcome.CREDENTIALS_REJECTED
)
MISMATCH = CommandProblem(code="account_mismatch", message="other account", outcome=Outcome.ACCOUNT_MISMATCH)


async def test_a_customer_connects(world: World) -> None:
    page = await world.open_page(metadata={"customer": "7"}, label="Plant 7")
    form = await world.http.get(page)
    assert form.status_code == 200
    policy = form.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://product.example.com;" in policy
    assert "<script" not in form.text
    assert "style=" not in form.text
    for name in (*SETTINGS, *CREDENTIALS):
        assert f'name="{name}"' in form.text

    sent = await world.http.post(page, data=SETTINGS | CREDENTIALS)
    assert sent.status_code == 303
    waits = await world.http.get(sent.headers["location"])
    assert waits.status_code == 200
    assert 'http-equiv="refresh"' in waits.text

    command = (await world.outbox("commands.connector"))[-1]
    assert command["settings"] == SETTINGS | {"timezone": "UTC"}
    assert command["expected_account_id"] is None
    assert "correct horse" not in str(await world.outbox("commands.connector"))

    await world.answer(command["command_id"], result=verified())
    done = await world.http.get(sent.headers["location"])
    assert done.status_code == 303
    assert done.headers["location"].startswith(f"{REDIRECT_URL}&code=lcc_")

    described = (await world.outbox("connections"))[-1]
    assert described["reason"] == "created"
    assert described["metadata"] == {"customer": "7"}
    assert described["account_id"] == "plant/5"
    status = await world.call("GET", f"/connections/{described['connection_id']}/status")
    assert status.json()["metadata"] == {"customer": "7"}
    assert described["credential_version"] == 1
    assert "lineshaft" not in str(described["settings"])
    sync = (await world.outbox("sync.requests"))[-1]
    assert sync["connection_id"] == described["connection_id"]
    assert sync["request_id"].startswith("req_")


async def test_a_customer_chooses_the_system(world: World) -> None:
    page = await world.open_page(system=None, systems=["tryton", "postgresql"])
    offered = await world.http.get(page)
    assert (offered.status_code, offered.text.count('name="system"')) == (200, 2)
    assert "Tryton" in offered.text
    posted = await world.http.post(page, data=SETTINGS | CREDENTIALS)
    assert "Which system do you use?" in posted.text
    told = await world.http.post(page, json={}, headers={"accept": "application/json"})
    assert (told.status_code, told.json()["errors"][0]["field"]) == (422, "system")
    assert "Which system do you use?" in (await world.http.get(f"{page}?system=odoo")).text

    form = await world.http.get(f"{page}?system=tryton")
    assert f'action="{page}?system=tryton"' in form.text
    assert f'href="{page}?system="' in form.text
    sent = await world.http.post(f"{page}?system=tryton", data=SETTINGS | CREDENTIALS)
    command = (await world.outbox("commands.connector"))[-1]
    assert command["system"] == "tryton"
    await world.answer(command["command_id"], problem=REJECTED)
    again = await world.http.get(sent.headers["location"])
    assert f'action="{page}?system=tryton"' in again.text
    sent = await world.http.post(f"{page}?system=tryton", data=SETTINGS | CREDENTIALS)
    await world.answer((await world.outbox("commands.connector"))[-1]["command_id"], result=verified())
    assert (await world.http.get(sent.headers["location"])).status_code == 303
    assert (await world.outbox("connections"))[-1]["system"] == "tryton"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"systems": ["tryton", "nobody"]}, "systems.1"),
        ({"settings": {"host": "plant"}}, "settings"),
        ({"system": "tryton", "systems": ["odoo"]}, "systems"),
    ],
)
async def test_what_does_not_go_with_a_choice_of_systems_is_named(
    world: World, body: dict[str, Any], field: str
) -> None:
    answer = await world.call("POST", "/link-sessions", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_the_secret_is_sealed_for_its_row(world: World) -> None:
    page = await world.open_page()
    command_id = await world.submit(page)
    command = (await world.outbox("commands.connector"))[-1]
    assert command["command_id"] == command_id
    row = await world.pools["connector"].fetchrow(
        "select * from credential where credential_id = $1", command["credential_id"]
    )
    assert row is not None
    bound_to = f"credential/{command['connection_id']}/{command['credential_id']}"
    assert orjson.loads(world.context.keys.open(row["sealed"], bound_to=bound_to)) == CREDENTIALS
    assert row["state"] == "candidate"


async def test_what_is_missing_is_marked_and_secrets_are_not_shown_again(world: World) -> None:
    page = await world.open_page()
    answer = await world.http.post(page, data={"base_url": "ftp://x", "password": "correct horse"})
    assert answer.status_code == 422
    assert "begins with https://" in answer.text
    assert "Please fill this in." in answer.text
    assert "correct horse" not in answer.text


async def test_a_refusal_shows_what_to_do_and_the_form_again(world: World) -> None:
    page = await world.open_page()
    command_id = await world.submit(page)
    await world.answer(command_id, problem=REJECTED)
    answer = await world.http.get(f"{page}/attempts/{command_id}")
    assert answer.status_code == 200
    assert "Tryton did not accept these credentials." in answer.text
    assert 'value="lineshaft"' in answer.text
    command_id = await world.submit(page)
    await world.answer(command_id, result=verified())
    assert await world.code(page, command_id)


async def test_words_for_an_address_that_is_not_known(world: World) -> None:
    page = await world.open_page()
    command_id = await world.submit(page)
    problem = CommandProblem(code="unreachable", message="x", outcome=Outcome.UNREACHABLE, rung=Rung.DNS)
    await world.answer(command_id, problem=problem)
    assert "is not known in the network" in (await world.http.get(f"{page}/attempts/{command_id}")).text


async def test_a_waiting_request_is_woken(world: World) -> None:
    """The answer is consumed elsewhere; the request hears of it through Postgres."""
    patient = waiting(world, connect_wait_seconds=20.0)
    stopping = asyncio.Event()
    listening = asyncio.create_task(patient.context.waiters.listen(stopping))
    page = await patient.open_page()
    before = len(await world.outbox("commands.connector"))
    request = asyncio.create_task(patient.http.post(page, data=SETTINGS | CREDENTIALS))
    while len(commands := await world.outbox("commands.connector")) == before:
        await asyncio.sleep(0.01)
    started = asyncio.get_running_loop().time()
    await world.answer(commands[-1]["command_id"], result=verified())
    answer = await request
    assert answer.status_code == 303
    assert "code=" in answer.headers["location"]
    assert asyncio.get_running_loop().time() - started < 0.8
    stopping.set()
    await listening


async def test_two_submissions_are_one_attempt(world: World) -> None:
    page = await world.open_page()
    first = await world.submit(page)
    assert await world.submit(page) == first


async def test_programs_get_json(world: World) -> None:
    page = await world.open_page()
    accept = {"Accept": "application/json"}
    invalid = await world.http.post(page, json={"username": "x"}, headers=accept)
    assert invalid.status_code == 422
    assert {one["field"] for one in invalid.json()["errors"]} == {"base_url", "database", "password"}
    first = await world.http.post(page, json=SETTINGS | CREDENTIALS, headers=accept)
    assert first.json()["status"] == "verifying"
    command_id = (await world.outbox("commands.connector"))[-1]["command_id"]
    await world.answer(command_id, problem=REJECTED)
    refused = (await world.http.get(first.json()["attempt"], headers=accept)).json()
    assert refused["status"] == "refused"
    assert refused["problem"]["code"] == "credentials_rejected"
    assert "typing errors" in refused["problem"]["detail"]
    second = await world.http.post(page, json=SETTINGS | CREDENTIALS, headers=accept)
    command_id = (await world.outbox("commands.connector"))[-1]["command_id"]
    await world.answer(command_id, result=verified())
    connected = (await world.http.get(second.json()["attempt"], headers=accept)).json()
    assert connected["status"] == "connected"
    assert connected["code"].startswith("lcc_")
    unknown = await world.http.get(f"{page}/attempts/cmd_nothing", headers=accept)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    used = await world.http.post(page, json=SETTINGS | CREDENTIALS, headers=accept)
    assert (used.status_code, used.json()["code"]) == (410, "conflict")
    assert (
        await world.http.post(page, content=b"[", headers={"content-type": "application/json"})
    ).status_code == 422


async def test_a_session_is_used_once(world: World) -> None:
    page = await world.open_page()
    command_id = await world.submit(page)
    await world.answer(command_id, result=verified())
    assert (await world.http.get(page)).status_code == 410
    assert (await world.http.post(page, data=SETTINGS | CREDENTIALS)).status_code == 410


async def test_a_session_expires(world: World) -> None:
    page = await world.open_page()
    world.clock.ahead = timedelta(hours=25)
    answer = await world.http.get(page)
    assert answer.status_code == 410
    assert "expired" in answer.text
    assert (await world.http.post(page, data=SETTINGS | CREDENTIALS)).status_code == 410


async def test_an_answer_after_the_end_of_the_session_still_counts(world: World) -> None:
    page = await world.open_page()
    command_id = await world.submit(page)
    world.clock.ahead = timedelta(hours=25)
    await world.answer(command_id, result=verified())
    assert await world.code(page, command_id)


async def test_an_unknown_page_says_so(world: World) -> None:
    answer = await world.http.get("/connect/nothing")
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]


async def test_a_code_is_exchanged_once(world: World) -> None:
    page = await world.open_page()
    command_id = await world.submit(page)
    await world.answer(command_id, result=verified())
    code = await world.code(page, command_id)
    first = await world.call("POST", "/link-sessions/exchange", {"code": code})
    assert first.status_code == 200
    assert (await world.call("GET", "/items", key=first.json()["token"])).status_code == 200
    second = await world.call("POST", "/link-sessions/exchange", {"code": code})
    assert (second.status_code, second.json()["errors"][0]["field"]) == (422, "code")


async def test_a_code_expires(world: World) -> None:
    page = await world.open_page()
    command_id = await world.submit(page)
    await world.answer(command_id, result=verified())
    code = await world.code(page, command_id)
    world.clock.ahead = timedelta(minutes=11)
    assert (await world.call("POST", "/link-sessions/exchange", {"code": code})).status_code == 422


async def test_the_same_answer_twice_counts_once(world: World) -> None:
    page = await world.open_page()
    command_id = await world.submit(page)
    await world.answer(command_id, result=verified())
    described = len(await world.outbox("connections"))
    await world.answer(command_id, result=verified())
    assert len(await world.outbox("connections")) == described


async def test_reauthorization_asks_for_the_secret_alone(world: World) -> None:
    connection_id, old_token = await world.connect()
    page = await world.open_page(system=None, connection_id=connection_id)
    form = (await world.http.get(page)).text
    assert 'name="password"' in form
    assert 'name="username"' not in form
    assert 'name="base_url"' not in form
    assert "lineshaft" in form
    command_id = await world.submit(page, {"password": "new"})
    command = (await world.outbox("commands.connector"))[-1]
    assert command["expected_account_id"] == "plant/5"
    assert command["settings"] == SETTINGS | {"timezone": "UTC"}

    await world.answer(command_id, result=verified(version=2))
    described = (await world.outbox("connections"))[-1]
    assert described["reason"] == "reauthorized"
    assert described["credential_version"] == 2
    assert described["revision"] == 2
    assert (await world.call("GET", "/items", key=old_token)).status_code == 200

    code = await world.code(page, command_id)
    exchanged = await world.call("POST", "/link-sessions/exchange", {"code": code})
    assert exchanged.json()["connection_id"] == connection_id
    assert (await world.call("GET", "/items", key=old_token)).status_code == 401
    assert (await world.call("GET", "/items", key=exchanged.json()["token"])).status_code == 200


async def test_the_old_token_ends_with_the_code(world: World) -> None:
    connection_id, old_token = await world.connect()
    page = await world.open_page(system=None, connection_id=connection_id)
    await world.answer(await world.submit(page, {"password": "new"}), result=verified(version=2))
    ends_in = await world.context.pool.fetchval(
        "select expires_at - now() from api_key where connection_id = $1", connection_id
    )
    assert timedelta(minutes=9) < ends_in <= timedelta(minutes=10)
    await world.context.pool.execute(
        "update api_key set expires_at = now() where connection_id = $1", connection_id
    )
    assert (await world.call("GET", "/items", key=old_token)).status_code == 401


async def test_another_account_is_refused_and_changes_nothing(world: World) -> None:
    connection_id, token = await world.connect()
    page = await world.open_page(system=None, connection_id=connection_id)
    command_id = await world.submit(page, {"password": "of somebody else"})
    await world.answer(command_id, problem=MISMATCH)
    answer = await world.http.get(f"{page}/attempts/{command_id}")
    assert "another account" in answer.text
    assert (await world.call("GET", f"/connections/{connection_id}")).json()["account_id"] == "plant/5"
    assert (await world.call("GET", "/items", key=token)).status_code == 200
    assert (await world.outbox("connections"))[-1]["reason"] == "created"


async def test_a_late_answer_about_older_credentials_changes_nothing(world: World) -> None:
    connection_id, _ = await world.connect()
    first, second = [await world.open_page(system=None, connection_id=connection_id) for _ in range(2)]
    older = await world.submit(first, {"password": "a"})
    newer = await world.submit(second, {"password": "b"})
    await world.answer(newer, result=verified(version=3))
    await world.answer(older, result=verified(version=2))
    versions = [
        one["credential_version"]
        for one in await world.outbox("connections")
        if one["connection_id"] == connection_id
    ]
    assert versions == [1, 3]


async def test_a_reconnect_link_opens_the_page(world: World) -> None:
    connection_id, _ = await world.connect()
    url = reauthorize_url("http://api.test", world.context.link_key, connection_id, now=world.clock())
    answer = await world.http.get(url)
    assert answer.status_code == 303
    page = answer.headers["location"]
    assert 'name="password"' in (await world.http.get(page)).text
    command_id = await world.submit(page, {"password": "new"})
    await world.answer(command_id, result=verified(version=2))
    assert await world.code(page, command_id)


async def test_a_forged_or_old_reconnect_link_opens_nothing(world: World) -> None:
    connection_id, _ = await world.connect()
    forged = reauthorize_url("http://api.test", "another key", connection_id, now=world.clock())
    assert (await world.http.get(forged)).status_code == 410
    old = reauthorize_url(
        "http://api.test", world.context.link_key, connection_id, now=world.clock() - timedelta(days=8)
    )
    answer = await world.http.get(old)
    assert answer.status_code == 410
    assert "not valid any more" in answer.text
    assert (await world.http.get("/reauthorize/nonsense")).status_code == 410


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"system": "nothing"}, "system"),
        ({"system": "tryton", "redirect_url": "javascript:alert(1)"}, "redirect_url"),
        ({"system": "tryton", "settings": {"base_url": 5}}, "settings.base_url"),
        ({"system": "tryton", "settings": {"colour": "red"}}, "settings.colour"),
        ({"system": "tryton", "unknown": 1}, "unknown"),
    ],
)
async def test_a_wrong_link_session_names_the_field(
    world: World, body: dict[str, object], field: str
) -> None:
    answer = await world.call("POST", "/link-sessions", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


async def test_a_link_session_for_nobody(world: World) -> None:
    answer = await world.call("POST", "/link-sessions", {"connection_id": "con_nobody"})
    assert answer.status_code == 404
