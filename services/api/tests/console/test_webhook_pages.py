import re
from datetime import timedelta

import pytest

from lineshaft.common.clock import now
from services.api.tests.routes.conftest import World, insert

from .conftest import Reader

pytestmark = pytest.mark.integration

ENDPOINT = {"url": "https://product.example.com/hooks", "event_types": ["sync.failed", "sync.completed"]}


@pytest.fixture(autouse=True)
async def _nothing_left(world: World) -> None:
    await world.context.pool.execute("delete from webhook_endpoint")


async def made(reader: Reader) -> str:
    page = (await reader.send("/console/webhooks", ENDPOINT)).text
    found = re.search(r'/console/webhooks/(whe_\w+)"', page)
    assert found is not None, page
    return found.group(1)


async def test_an_endpoint_is_made_and_its_secret_shown_once(editor: Reader, world: World) -> None:
    page = (await editor.send("/console/webhooks", ENDPOINT)).text
    assert re.search(r'data-copy="whsec_[\w+/=]+"', page)
    assert "whsec_" not in (await editor.get("/console/webhooks")).text
    told = (await world.outbox("webhook-endpoints"))[-1]
    assert (told["url"], told["event_types"]) == (ENDPOINT["url"], ENDPOINT["event_types"])


async def test_a_wrong_address_is_told_at_the_field(editor: Reader) -> None:
    answer = await editor.send("/console/webhooks", ENDPOINT | {"url": "ftp://x"})
    assert (answer.status_code, "has to begin with https://" in answer.text) == (422, True)
    assert 'value="sync.failed" checked' in answer.text
    endpoint_id = await made(editor)
    answer = await editor.send(f"/console/webhooks/{endpoint_id}", {"url": "ftp://x"})
    assert (answer.status_code, "has to begin with https://" in answer.text) == (422, True)


async def test_an_endpoint_is_changed_held_back_and_deleted(editor: Reader, world: World) -> None:
    endpoint_id = await made(editor)
    changed = {"url": "https://other.example.com/", "enabled": "no", "ordered": "yes", "max_per_second": "5"}
    await editor.send(f"/console/webhooks/{endpoint_id}", changed)
    shown = (await world.call("GET", f"/webhook-endpoints/{endpoint_id}")).json()
    assert (shown["url"], shown["enabled"], shown["ordered"], shown["event_types"]) == (
        "https://other.example.com/",
        False,
        True,
        [],
    )
    assert "Held back" in (await editor.get("/console/webhooks")).text
    await editor.send(f"/console/webhooks/{endpoint_id}/delete")
    assert (await editor.get(f"/console/webhooks/{endpoint_id}")).status_code == 404


async def test_deliveries_show_every_attempt_with_its_answer(editor: Reader, world: World) -> None:
    endpoint_id, notifier = await made(editor), world.pools["notifier"]
    await insert(notifier, "event", event_id="evt_1", event_type="sync.failed")
    await insert(
        notifier,
        "delivery",
        delivery_id="del_1",
        endpoint_id=endpoint_id,
        event_id="evt_1",
        event_type="sync.failed",
        state="given_up",
        attempts=2,
        last_status=500,
        webhook_id="msg_1",
    )
    for number in (1, 2):
        await insert(
            notifier,
            "attempt",
            delivery_id="del_1",
            number=number,
            at=now() - timedelta(minutes=3 - number),
            duration_ms=41.5,
            status=500,
            response_body="<h1>Sorry</h1>",
        )
    path = f"/console/webhooks/{endpoint_id}"
    page = (await editor.get(path)).text
    assert page.count("&lt;h1&gt;Sorry&lt;/h1&gt;") == 2
    assert "2, last HTTP 500" in page
    assert "No delivery fits" in (await editor.get(f"{path}?state=delivered", **{"HX-Request": "true"})).text
    assert (await editor.get(f"{path}?state=lost")).status_code == 422


@pytest.mark.parametrize(
    ("button", "fields", "expected"),
    [
        ("test", {}, {}),
        ("replay", {"hours": "48", "only": "all"}, {"only": "all"}),
        ("replay", {"hours": "48"}, {"only": "undelivered"}),
    ],
)
async def test_orders_go_to_the_notifier(
    *,
    editor: Reader,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    button: str,
    fields: dict[str, str],
    expected: dict[str, str],
) -> None:
    monkeypatch.setattr("lineshaft.api.routes.webhook_endpoints.COMMAND_WAIT_SECONDS", 0)
    monkeypatch.setattr("lineshaft.api.routes.replays.COMMAND_WAIT_SECONDS", 0)
    endpoint_id = await made(editor)
    answer = await editor.send(f"/console/webhooks/{endpoint_id}/{button}", fields)
    assert answer.status_code == 303
    asked = (await world.outbox("commands.notifier"))[-1]
    assert asked["endpoint_id"] == endpoint_id
    assert asked.items() >= expected.items()


async def test_a_replay_needs_a_number_of_hours(editor: Reader, world: World) -> None:
    endpoint_id = await made(editor)
    before = await world.outbox("commands.notifier")
    await editor.send(f"/console/webhooks/{endpoint_id}/replay", {"hours": "a few"})
    assert await world.outbox("commands.notifier") == before
    assert "a whole number from 1" in (await editor.get(f"/console/webhooks/{endpoint_id}")).text


async def test_a_new_secret_is_shown_once(editor: Reader) -> None:
    endpoint_id = await made(editor)
    page = (await editor.send(f"/console/webhooks/{endpoint_id}/rotate-secret")).text
    assert re.search(r'data-copy="whsec_[\w+/=]+"', page)
    assert "so that none is refused meanwhile" in page
