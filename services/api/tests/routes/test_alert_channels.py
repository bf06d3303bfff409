"""Alert channels: the address is sealed for the notifier, and shown to nobody."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from .conftest import World

pytestmark = pytest.mark.integration

SECRET = "TokenAAAA/TokenBBBB/TokenCCCC"
RECOVERED = "connection.recovered"


async def create(world: World, **more: object) -> dict[str, Any]:
    body = {"url": f"slack://{SECRET}/%23plant", "event_types": [RECOVERED]} | more
    answer = await world.call("POST", "/alert-channels", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_address_is_sealed_for_the_notifier_and_never_shown(world: World) -> None:
    channel = await create(world, name="Shift")
    row = await world.pools["notifier"].fetchrow(
        "select * from alert_secret where channel_id = $1", channel["id"]
    )
    assert row is not None
    bound_to = f"alert_secret/{channel['id']}/{row['secret_id']}"
    assert world.context.keys.open(row["sealed"], bound_to=bound_to).decode() == f"slack://{SECRET}/%23plant"
    told = (await world.outbox("alert-channels"))[-1]
    assert (told["channel_id"], told["event_types"]) == (channel["id"], [RECOVERED])
    shown = (await world.call("GET", f"/alert-channels/{channel['id']}")).json()
    listed = (await world.call("GET", "/alert-channels?limit=500")).json()["data"]
    assert shown["address"] == "slack://****"
    for text in (str(channel), str(told), str(shown), str(listed)):
        assert "Token" not in text
    with pytest.raises(Exception, match="permission denied"):
        await world.pools["api"].fetch("select * from notifier.alert_secret")


async def test_what_is_left_out_of_a_change_stays(world: World) -> None:
    quiet = {"begin": "22:00", "end": "06:00", "timezone": "Europe/Berlin"}
    channel = await create(world, quiet_hours=quiet, metadata={"region": "emea"}, systems=["tryton"])
    path = f"/alert-channels/{channel['id']}"
    changed = (await world.call("PATCH", path, {"name": "Night shift"})).json()
    assert changed["quiet_hours"] == {"begin": "22:00:00", "end": "06:00:00", "timezone": "Europe/Berlin"}
    assert (changed["metadata"], changed["systems"]) == ({"region": "emea"}, ["tryton"])
    changed = (
        await world.call("PATCH", path, {"quiet_hours": None, "url": "mailto://u:p@plant.example"})
    ).json()
    assert (changed["quiet_hours"], changed["address"]) == (None, "mailto://****")
    told = (await world.outbox("alert-channels"))[-1]
    assert (told["revision"], told["quiet_hours"], told["name"]) == (3, None, "Night shift")
    assert (await world.call("DELETE", path)).status_code == 204
    assert (await world.outbox("alert-channels"))[-1]["deleted"] is True
    assert (await world.call("GET", path)).status_code == 404
    noted = (await world.call("GET", "/audit-log?action=alert_channel")).json()["data"]
    mine = [one for one in noted if one["subject"] == channel["id"]]
    assert Counter(one["action"].partition(".")[2] for one in mine) == Counter(
        {"created": 1, "address_added": 2, "changed": 2, "deleted": 1}
    )
    assert "Token" not in str(mine)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "syslog://"}, "url"),
        ({"url": "slack://"}, "url"),
        ({"url": "slack://a/b/c?template=/etc/passwd"}, "url"),
        ({"url": "mailto://u:p@plant.example?PGPkey=/etc/passwd"}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["connection.exploded"]}, "event_types"),
        ({"urgent_event_types": ["connection.exploded"]}, "urgent_event_types"),
        ({"quiet_hours": {"begin": "22:00", "end": "06:00", "timezone": "Mars/Base"}}, "quiet_hours"),
        ({"quiet_hours": {"begin": "22:00", "end": "22:00", "timezone": "UTC"}}, "quiet_hours"),
        ({"quiet_hours": {"begin": 79200, "end": "06:00", "timezone": "UTC"}}, "quiet_hours"),
        ({"group_seconds": "30"}, "group_seconds"),
        ({"group_seconds": -1}, "group_seconds"),
    ],
)
async def test_bad_input_names_the_field(world: World, body: dict[str, object], field: str) -> None:
    good = {"url": "slack://a/b/c", "event_types": [RECOVERED]}
    answer = await world.call("POST", "/alert-channels", good | body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"
    assert field in str(answer.json()["errors"])
    assert "passwd" not in answer.text


async def test_a_test_is_a_command_to_the_notifier(world: World) -> None:
    channel = await create(world)
    asked = asyncio.create_task(world.call("POST", f"/alert-channels/{channel['id']}/test"))
    while (
        not (told := await world.outbox("commands.notifier")) or told[-1].get("channel_id") != channel["id"]
    ):
        await asyncio.sleep(0.02)
    answer = await asked
    assert answer.status_code == 202
    assert answer.json()["command_id"] == told[-1]["command_id"]


async def test_messages_are_shown_newest_first(world: World) -> None:
    channel = await create(world)
    for number in (1, 2):
        await world.pools["notifier"].execute(
            "insert into alert_message (message_id, channel_id, created_at, state, attempts, last_error)"
            " values ($1, $2, now() + $3 * interval '1 s', 'given_up', 10, 'refused')",
            f"alm_{channel['id']}_{number}",
            channel["id"],
            number,
        )
    await world.pools["notifier"].execute(
        "insert into alert (channel_id, event_id, event_type, at, data, group_key, due_at, message_id)"
        " values ($1, 'evt_1', $2, now(), '{}', 'g', now(), $3)",
        channel["id"],
        RECOVERED,
        f"alm_{channel['id']}_2",
    )
    path = f"/alert-channels/{channel['id']}/deliveries"
    first = (await world.call("GET", f"{path}?limit=1")).json()
    assert first["data"][0] | {"event_types": {RECOVERED: 1}, "alerts": 1} == first["data"][0]
    rest = (await world.call("GET", f"{path}?limit=1&cursor={first['next_cursor']}")).json()
    assert [one["message_id"] for one in rest["data"]] == [f"alm_{channel['id']}_1"]
    assert rest["next_cursor"] is None
