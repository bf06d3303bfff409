import asyncio
from datetime import datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from lineshaft.common.clock import now

from .conftest import World, insert

pytestmark = pytest.mark.integration


async def create(world: World, **more: object) -> dict[str, object]:
    answer = await world.call(
        "POST", "/webhook-endpoints", {"url": "https://product.example.com/hooks"} | more
    )
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


async def test_the_secret_is_shown_once_and_sealed_for_the_notifier(world: World) -> None:
    endpoint = await create(world, event_types=["connection.recovered"])
    secret = str(endpoint["secret"])
    Webhook(secret)
    row = await world.pools["notifier"].fetchrow(
        "select * from webhook_secret where endpoint_id = $1", endpoint["id"]
    )
    assert row is not None
    bound_to = f"webhook_secret/{endpoint['id']}/{row['secret_id']}"
    assert world.context.keys.open(row["sealed"], bound_to=bound_to).decode() == secret
    told = (await world.outbox("webhook-endpoints"))[-1]
    assert told["endpoint_id"] == endpoint["id"]
    assert told["event_types"] == ["connection.recovered"]
    assert secret not in str(told)
    shown = await world.call("GET", f"/webhook-endpoints/{endpoint['id']}")
    assert "secret" not in shown.json()


async def test_change_and_delete(world: World) -> None:
    endpoint_id = (await create(world))["id"]
    changed = await world.call("PATCH", f"/webhook-endpoints/{endpoint_id}", {"enabled": False})
    assert changed.json()["enabled"] is False
    assert (await world.outbox("webhook-endpoints"))[-1]["revision"] == 2
    assert (await world.call("DELETE", f"/webhook-endpoints/{endpoint_id}")).status_code == 204
    told = (await world.outbox("webhook-endpoints"))[-1]
    assert (told["deleted"], told["revision"]) == (True, 3)
    assert (await world.call("GET", f"/webhook-endpoints/{endpoint_id}")).status_code == 404
    listed = (await world.call("GET", "/webhook-endpoints?limit=500")).json()["data"]
    assert endpoint_id not in [one["id"] for one in listed]


async def test_order_is_chosen_and_changed(world: World) -> None:
    assert (await create(world))["ordered"] is False
    endpoint_id = (await create(world, ordered=True))["id"]
    told = (await world.outbox("webhook-endpoints"))[-1]
    assert (told["endpoint_id"], told["ordered"]) == (endpoint_id, True)
    assert (await world.call("GET", f"/webhook-endpoints/{endpoint_id}")).json()["ordered"] is True
    kept = await world.call("PATCH", f"/webhook-endpoints/{endpoint_id}", {"description": "Plant 7"})
    assert kept.json()["ordered"] is True
    changed = await world.call("PATCH", f"/webhook-endpoints/{endpoint_id}", {"ordered": False})
    assert changed.json()["ordered"] is False
    assert (await world.outbox("webhook-endpoints"))[-1]["ordered"] is False


async def test_an_endpoint_that_fails_is_shown_so(world: World) -> None:
    endpoint_id = (await create(world))["id"]
    path = f"/webhook-endpoints/{endpoint_id}"
    fresh = (await world.call("GET", path)).json()
    assert (fresh["failing_since"], fresh["warned"]) == (None, 0)
    await insert(
        world.pools["notifier"],
        "endpoint",
        endpoint_id=endpoint_id,
        enabled=True,
        deleted=False,
        failing_since=now(),
        warned=50,
    )
    for method, body in (("GET", None), ("PATCH", {"description": "failing"})):
        shown = (await world.call(method, path, body)).json()
        assert shown["failing_since"] is not None, method
        assert shown["warned"] == 50, method


async def test_the_age_of_its_backlog_is_shown(world: World) -> None:
    endpoint_id = str((await create(world))["id"])
    path = f"/webhook-endpoints/{endpoint_id}"
    await insert(world.pools["notifier"], "endpoint", endpoint_id=endpoint_id, enabled=True, deleted=False)
    assert (await world.call("GET", path)).json()["oldest_due_at"] is None
    moment = now()
    for number, minutes in enumerate((-5, -9, 3)):
        event_id = f"evt_{endpoint_id}_{number}"
        await insert(world.pools["notifier"], "event", event_id=event_id, data={})
        await insert(
            world.pools["notifier"],
            "delivery",
            delivery_id=f"dlv_{event_id}",
            endpoint_id=endpoint_id,
            event_id=event_id,
            state="due",
            due_at=moment + timedelta(minutes=minutes),
        )
    shown = (await world.call("GET", path)).json()["oldest_due_at"]
    assert datetime.fromisoformat(shown) == moment - timedelta(minutes=9)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://product.example.com"}, "url"),
        ({"url": "https://user:pass@product.example.com"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://x.example.com", "event_types": ["weather.changed"]}, "event_types"),
        ({}, "url"),
    ],
)
async def test_a_wrong_endpoint_names_the_field(world: World, body: dict[str, object], field: str) -> None:
    answer = await world.call("POST", "/webhook-endpoints", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_rotated_secret_is_another_row(world: World) -> None:
    endpoint = await create(world)
    rotated = await world.call("POST", f"/webhook-endpoints/{endpoint['id']}/rotate-secret")
    assert rotated.status_code == 201
    assert rotated.json()["secret"] != endpoint["secret"]
    assert (
        await world.pools["notifier"].fetchval(
            "select count(*) from webhook_secret where endpoint_id = $1", endpoint["id"]
        )
        == 2
    )


async def test_deliveries_with_their_attempts(world: World) -> None:
    endpoint_id = (await create(world))["id"]
    notifier = world.pools["notifier"]
    await insert(notifier, "event", event_id=f"evt_{endpoint_id}", event_type="connection.recovered")
    await insert(
        notifier,
        "delivery",
        delivery_id=f"del_{endpoint_id}",
        endpoint_id=endpoint_id,
        event_id=f"evt_{endpoint_id}",
        event_type="connection.recovered",
        state="delivered",
    )
    await insert(
        notifier,
        "attempt",
        delivery_id=f"del_{endpoint_id}",
        number=1,
        at=now(),
        status=204,
        response_body="",
    )
    page = (await world.call("GET", f"/webhook-endpoints/{endpoint_id}/deliveries")).json()
    (delivery,) = page["data"]
    assert delivery["event_type"] == "connection.recovered"
    assert delivery["attempt_log"][0]["status"] == 204
    due = await world.call("GET", f"/webhook-endpoints/{endpoint_id}/deliveries?state=due")
    assert due.json()["data"] == []

    redelivering = asyncio.create_task(world.call("POST", f"/deliveries/{delivery['delivery_id']}/redeliver"))
    while not (commands := await world.outbox("commands.notifier")):
        await asyncio.sleep(0.01)
    assert commands[-1]["delivery_id"] == delivery["delivery_id"]
    await world.answer(commands[-1]["command_id"], result={"delivery_id": delivery["delivery_id"]})
    answer = await redelivering
    assert (answer.status_code, answer.json()["delivery_id"]) == (202, delivery["delivery_id"])
    assert (await world.call("POST", "/deliveries/del_nothing/redeliver")).status_code == 404


async def test_how_often_an_endpoint_may_be_asked(world: World) -> None:
    made = await create(world, max_per_second=2.5)
    assert made["max_per_second"] == 2.5
    assert (await world.outbox("webhook-endpoints"))[-1]["max_per_second"] == 2.5
    path = f"/webhook-endpoints/{made['id']}"
    assert (await world.call("PATCH", path, {"description": "x"})).json()["max_per_second"] == 2.5
    assert (await world.call("PATCH", path, {"max_per_second": 0})).json()["max_per_second"] == 0
    refused = await world.call("PATCH", path, {"max_per_second": -1})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "max_per_second")
