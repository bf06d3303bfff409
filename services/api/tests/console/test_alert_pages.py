import html
import re
from typing import Any

import pytest

from lineshaft.api.console.event_words import EVENT_MEANINGS
from lineshaft.common.events.alerts import ALERT_EVENT_TYPES, ALERT_TITLES
from services.api.tests.routes.conftest import World

from .conftest import Reader

pytestmark = pytest.mark.integration

ADDRESS = "slack://TokenA/TokenB/TokenC/%23plant"
CHANNEL: dict[str, Any] = {
    "name": "Night shift",
    "url": ADDRESS,
    "event_types": ["connection.reauthorization_required", "sync.failed"],
    "group_seconds": "60",
}


async def made(reader: Reader, **more: Any) -> str:
    answer = await reader.send("/console/alerts", CHANNEL | more)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


async def shown(world: World, channel_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await world.call("GET", f"/alert-channels/{channel_id}")).json()
    return found


async def test_a_channel_is_made_with_all_that_the_form_asks(editor: Reader, world: World) -> None:
    channel_id = await made(
        editor,
        urgent_event_types=["connection.reauthorization_required"],
        quiet_begin="22:00",
        quiet_end="06:00",
        quiet_timezone="Europe/Berlin",
        systems=["tryton"],
        metadata="region = emea\n\n site=7",
    )
    channel = await shown(world, channel_id)
    assert channel["quiet_hours"] == {"begin": "22:00:00", "end": "06:00:00", "timezone": "Europe/Berlin"}
    assert channel["metadata"] == {"region": "emea", "site": "7"}
    assert (channel["systems"], channel["group_seconds"], channel["enabled"]) == (["tryton"], 60, True)
    assert channel["urgent_event_types"] == ["connection.reauthorization_required"]

    page = (await editor.get(f"/console/alerts/{channel_id}")).text
    assert 'name="quiet_begin" type="time" value="22:00"' in page
    assert "region = emea" in page
    assert "Nothing was told yet" in page
    assert "TokenA" not in page + (await editor.get("/console/alerts")).text


async def test_every_event_is_chosen_by_words(editor: Reader) -> None:
    page = (await editor.get("/console/alerts")).text
    for name in ALERT_EVENT_TYPES:
        assert f'value="{name}"' in page
        assert html.escape(ALERT_TITLES[name], quote=True) in page
        assert html.escape(EVENT_MEANINGS[name]).replace("&#x27;", "&#39;") in page
        assert f">{name}<" not in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "http://x"}, "has to begin with one of"),
        ({"event_types": []}, "Choose at least one."),
        ({"quiet_begin": "22:00", "quiet_end": "06:00", "quiet_timezone": "Mars"}, "there is no time zone"),
        ({"quiet_begin": "22:00"}, "valid time format"),
        ({"group_seconds": "soon"}, "should be a valid number"),
    ],
)
async def test_what_is_wrong_is_told_at_the_field(editor: Reader, wrong: dict[str, Any], words: str) -> None:
    answer = await editor.send("/console/alerts", CHANNEL | wrong)
    assert (answer.status_code, words in answer.text) == (422, True), answer.text
    assert "Night shift" in answer.text


async def test_a_change_keeps_the_address_that_is_not_typed_again(editor: Reader, world: World) -> None:
    channel_id = await made(editor)
    answer = await editor.send(
        f"/console/alerts/{channel_id}", CHANNEL | {"url": "", "name": "Day shift", "enabled": "no"}
    )
    assert answer.status_code == 303
    channel = await shown(world, channel_id)
    assert (channel["name"], channel["enabled"], channel["address"]) == ("Day shift", False, "slack://****")
    assert re.search(r"Day shift.*?Off", (await editor.get("/console/alerts")).text, re.DOTALL)
    wrong = await editor.send(f"/console/alerts/{channel_id}", CHANNEL | {"url": "gopher://x"})
    assert (wrong.status_code, "has to begin with one of" in wrong.text) == (422, True)


async def test_a_test_goes_to_the_notifier_and_a_deleted_channel_is_gone(
    editor: Reader, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineshaft.api.routes.alert_channels.COMMAND_WAIT_SECONDS", 0)
    channel_id = await made(editor)
    await editor.send(f"/console/alerts/{channel_id}/test")
    assert (await world.outbox("commands.notifier"))[-1]["channel_id"] == channel_id
    await editor.send(f"/console/alerts/{channel_id}/delete")
    assert (await editor.get(f"/console/alerts/{channel_id}")).status_code == 404


async def test_a_viewer_sees_channels_and_changes_none(editor: Reader) -> None:
    channel_id = await made(editor)
    assert (await editor.sign_in("just looking around")).status_code == 303
    page = await editor.get(f"/console/alerts/{channel_id}")
    assert (page.status_code, '<form method="post" action="/console/alerts' in page.text) == (200, False)
    assert (await editor.send(f"/console/alerts/{channel_id}/delete")).status_code == 403
