"""A customer sees what would be read of their own data, chooses, and only then is the connection made."""

from datetime import timedelta
from typing import Any

import pytest

from lineshaft.api.adapters.visits import give_up_choices, sample_of
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.integrations import Catalog
from lineshaft.common.outcomes import Outcome

from .conftest import CREDENTIALS, REDIRECT_URL, ROOT, SETTINGS, World, verified

pytestmark = pytest.mark.integration

IN_A_BROWSER = SETTINGS | CREDENTIALS | {"step-by-step": "true"}
VENDOR = {"id": 7, "name": "Weber Pumps", "code": "V-7", "active": True}
DENIED = {"code": "permission_denied", "message": "no", "outcome": Outcome.PERMISSION_DENIED}
PURGED = {"connector_purge.requested", "health_purge.requested"}
OBJECTS = Catalog.load(ROOT / "integrations").system("tryton").objects_for()


def sampled(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {name: {"records": []} for name in OBJECTS}
    found["party.party"] = {"records": [VENDOR]}
    found["purchase.purchase"] = {"problem": DENIED}
    return {"objects": [{"object": name, **one} for name, one in (found | more).items()]}


async def logged_in(world: World, **body: Any) -> tuple[str, str]:
    """The page of the link, and that of the choice."""
    page = await world.open_page(**body)
    command_id = await world.submit(page, IN_A_BROWSER)
    await world.answer(command_id, result=verified())
    sent_on = await world.http.get(f"{page}/attempts/{command_id}")
    assert sent_on.status_code == 303
    assert sent_on.headers["location"] == f"{page}/attempts/{command_id}/objects"
    return page, str(sent_on.headers["location"])


async def shown(world: World, choice: str, result: dict[str, Any] | None = None) -> str:
    """The page of the choice, once the connector has looked."""
    command_id = choice.split("/")[-2]
    await world.answer(sample_of(command_id), result=result or sampled())
    answer = await world.http.get(choice)
    assert answer.status_code == 200
    return answer.text


async def test_a_customer_sees_their_own_data_and_chooses(world: World) -> None:
    page, choice = await logged_in(world, label="Plant 7")
    asked = (await world.outbox("commands.connector"))[-1]
    assert asked["objects"] == list(world.context.catalog.system("tryton").objects_for())
    connection_id = asked["connection_id"]
    waits = (await world.http.get(choice)).text
    assert 'http-equiv="refresh"' in waits
    assert 'Log in<span class="hidden">: done</span>' in waits
    assert (await world.call("GET", f"/connections/{connection_id}")).status_code == 404, "not made yet"

    text = await shown(world, choice)
    assert "<script" not in text
    assert "style=" not in text
    assert "Weber Pumps" in text
    assert "This account may not read it. Whoever looks after Tryton can allow that" in text
    assert 'value="party.party" aria-describedby="about-' in text
    ticked = [line for line in text.splitlines() if " checked" in line]
    assert len(ticked) == len(OBJECTS) - 1, "all but what is refused"

    done = await world.http.post(choice, data={"objects": ["party.party", "stock.lot", "nonsense"]})
    assert done.status_code == 303
    assert done.headers["location"].startswith(f"{REDIRECT_URL}&code=lcc_")
    described = (await world.outbox("connections"))[-1]
    assert (described["connection_id"], described["reason"]) == (connection_id, "created")
    assert sorted(described["objects"]) == ["party.party", "stock.lot"]
    sync = (await world.outbox("sync.requests"))[-1]
    assert sync["connection_id"] == connection_id
    assert sorted(sync["objects"]) == ["party.party", "stock.lot"], "the first sync may come before the rest"
    kept = await world.context.pool.fetchval(
        "select count(*) from command where kind = 'sample' and connection_id = $1", connection_id
    )
    assert kept == 0, "the samples were seen"
    assert (await world.http.get(choice)).headers["location"] == done.headers["location"], "a second click"
    assert (await world.http.get(page)).status_code == 410


async def test_a_sample_of_another_object_keeps_what_is_ticked(world: World) -> None:
    _, choice = await logged_in(world)
    lot = {"id": 3, "rec_name": "PUMP-7", "number": "PUMP-7"}
    await shown(world, choice, sampled(**{"stock.lot": {"records": [lot]}}))
    text = (await world.http.get(choice, params={"objects": ["stock.lot"], "sample": "stock.lot"})).text
    assert "PUMP-7" in text
    (ticked,) = [line for line in text.splitlines() if " checked" in line]
    assert 'value="stock.lot"' in ticked


async def test_nothing_chosen_makes_nothing(world: World) -> None:
    _, choice = await logged_in(world)
    await shown(world, choice)
    before = len(await world.outbox("connections"))
    answer = await world.http.post(choice, data={})
    assert answer.status_code == 422
    assert "Choose at least one." in answer.text
    assert len(await world.outbox("connections")) == before


async def test_a_source_that_shows_nothing_just_now_can_be_connected_all_the_same(world: World) -> None:
    _, choice = await logged_in(world)
    problem = {"code": "unreachable", "message": "x", "outcome": Outcome.UNREACHABLE}
    none = {"objects": [{"object": name, "problem": problem} for name in OBJECTS]}
    text = await shown(world, choice, none)
    assert "did not show it just now. There is nothing to do" in text
    assert text.count(" checked") == len(OBJECTS)
    assert (await world.http.post(choice, data={"objects": list(OBJECTS)})).status_code == 303


async def test_nobody_waits_for_a_sample_that_never_comes(world: World) -> None:
    _, choice = await logged_in(world)
    assert 'http-equiv="refresh"' in (await world.http.get(choice)).text
    world.clock.ahead = timedelta(minutes=2)
    assert (await world.http.get(choice)).text.count(" checked") == len(OBJECTS)
    assert (await world.http.post(choice, data={"objects": list(OBJECTS)})).status_code == 303


async def test_the_link_alone_shows_no_data(world: World) -> None:
    page, choice = await logged_in(world)
    await shown(world, choice)
    assert "Weber" not in (await world.http.get(page)).text, "it leads to the login"
    other = await world.submit(page, IN_A_BROWSER)
    await world.answer(other, result=verified())
    back = await world.http.get(choice)
    assert (back.status_code, back.headers["location"]) == (303, page), "a later login took its place"


async def given_up(world: World, connection_id: str) -> set[str]:
    """What is told of a connection when its link has ended."""
    world.clock.ahead = timedelta(hours=25)
    async with world.context.pool.acquire() as tx, tx.transaction():
        await give_up_choices(tx, world.clock())
    rows = await world.context.pool.fetch(
        "select headers from outbox where key = $1 order by id desc limit 2", connection_id.encode()
    )
    return {dict(row["headers"])["ce_type"].removeprefix("lineshaft.") for row in rows}


async def test_the_choice_ends_with_the_link(world: World) -> None:
    page, choice = await logged_in(world)
    connection_id = (await world.outbox("commands.connector"))[-1]["connection_id"]
    await shown(world, choice)
    assert await given_up(world, connection_id) == PURGED, "nothing is kept of a login"
    assert (await world.http.get(choice)).status_code == 410
    assert (await world.http.post(choice, data={"objects": ["stock.lot"]})).status_code == 410
    assert (await world.http.get(page)).status_code == 410


async def test_of_a_login_that_a_refused_one_followed_nothing_is_kept_either(world: World) -> None:
    page, _ = await logged_in(world)
    connection_id = (await world.outbox("commands.connector"))[-1]["connection_id"]
    refused = CommandProblem(code="credentials_rejected", message="no", outcome=Outcome.CREDENTIALS_REJECTED)
    await world.answer(await world.submit(page, IN_A_BROWSER), problem=refused)
    assert await given_up(world, connection_id) == PURGED


async def test_the_look_at_samples_is_no_attempt(world: World) -> None:
    page, choice = await logged_in(world)
    look = sample_of(choice.split("/")[-2])
    await world.answer(look, problem=CommandProblem(code="internal_error", message="no"))
    assert (await world.http.get(f"{page}/attempts/{look}")).status_code == 404


async def test_what_was_not_chosen_cannot_be_read_or_written_by_name(world: World) -> None:
    _, choice = await logged_in(world)
    await shown(world, choice)
    done = await world.http.post(choice, data={"objects": ["stock.lot"]})
    code = done.headers["location"].partition("code=")[2]
    made = (await world.call("POST", "/link-sessions/exchange", {"code": code})).json()
    own = f"/connections/{made['connection_id']}"
    assert (await world.call("GET", own)).json()["objects"] == ["stock.lot"]
    for body in ({"entities": ["vendor"]}, {"objects": ["party.party"]}):
        answer = await world.call("POST", f"{own}/syncs", body)
        assert answer.status_code == 422
        assert "has not chosen 'party.party'" in answer.text
    written = await world.call("POST", "/vendors", {"name": "Weber"}, key=made["token"])
    assert (written.status_code, written.json()["code"]) == (422, "not_supported")

    wrong = await world.call("PATCH", own, {"objects": ["party.parti"]})
    assert wrong.json()["errors"][0]["field"] == "objects"
    changed = await world.call("PATCH", own, {"objects": ["stock.lot", "party.party"]})
    assert changed.json()["objects"] == ["stock.lot", "party.party"]
    assert (await world.outbox("connections"))[-1]["objects"] == ["stock.lot", "party.party"]
    assert (await world.call("POST", f"{own}/syncs", {"entities": ["vendor"]})).status_code == 202


async def test_a_reconnect_asks_for_no_choice(world: World) -> None:
    connection_id, _ = await world.connect()
    page = await world.open_page(system=None, connection_id=connection_id)
    command_id = await world.submit(page, {"password": "new", "step-by-step": "true"})
    await world.answer(command_id, result=verified(version=2))
    assert await world.code(page, command_id)


@pytest.mark.parametrize(
    ("outcome", "failed"),
    [
        (Outcome.UNREACHABLE, "Reach Tryton"),
        (Outcome.CREDENTIALS_REJECTED, "Log in"),
        (Outcome.PERMISSION_DENIED, "See what this account may read"),
    ],
)
async def test_a_refusal_names_the_step(world: World, outcome: Outcome, failed: str) -> None:
    page = await world.open_page()
    command_id = await world.submit(page, IN_A_BROWSER)
    await world.answer(command_id, problem=CommandProblem(code=str(outcome), message="x", outcome=outcome))
    text = (await world.http.get(f"{page}/attempts/{command_id}")).text
    assert f'{failed}<span class="hidden">: failed</span>' in text
    assert text.count(": failed") == 1
