from typing import Any

import pytest

from lineshaft.common.clock import now
from lineshaft.common.outcomes import ConnectionStatus

from .conftest import World, insert, verified

pytestmark = pytest.mark.integration


async def test_connections_are_counted_as_their_own_status_says(world: World) -> None:
    unreachable, token = await world.connect()
    await world.set_status(unreachable, ConnectionStatus.UNREACHABLE)
    paused, _ = await world.connect()
    await world.set_status(paused, ConnectionStatus.HEALTHY)
    await world.call("POST", f"/connections/{paused}/pause")
    renewed, _ = await world.connect()
    await world.set_status(renewed, ConnectionStatus.REAUTHORIZATION_REQUIRED)
    page = await world.open_page(system=None, connection_id=renewed)
    await world.answer(await world.submit(page, {"password": "new"}), result=verified(version=2))
    await world.connect()
    deleted, _ = await world.connect()
    await world.call("DELETE", f"/connections/{deleted}")

    answer = await world.call("GET", "/status")
    assert answer.status_code == 200
    fleet = answer.json()
    assert fleet["connections"] == 4
    assert set(fleet["by_status"]) == {status.value for status in ConnectionStatus}
    counted = {status: count for status, count in fleet["by_status"].items() if count}
    assert counted == {"unreachable": 1, "paused": 1, "pending": 2}
    (system,) = fleet["systems"]
    assert (system["system"], system["connections"]) == ("tryton", 4)
    assert system["by_status"] == fleet["by_status"]
    assert (await world.call("GET", "/status", key=token)).status_code == 403


async def test_outages_that_last_are_named(world: World) -> None:
    health = world.pools["health_monitor"]
    for name, resolved_at in (("out_over", now()), ("out_open", None)):
        await insert(
            health,
            "outage",
            outage_id=name,
            system="tryton",
            host="erp.example.com:443",
            document={"fault": "network", "connections": 12},
            opened_at=now(),
            resolved_at=resolved_at,
        )
    (outage,) = (await world.call("GET", "/status")).json()["outages"]
    assert list(outage) == [
        "outage_id",
        "system",
        "host",
        "fault",
        "connections",
        "opened_at",
        "announced_at",
        "cleared_at",
    ]
    assert (outage["outage_id"], outage["fault"], outage["connections"]) == ("out_open", "network", 12)


async def test_each_connection_is_listed_what_needs_attention_first(world: World) -> None:
    healthy, _ = await world.connect()
    await world.set_status(healthy, ConnectionStatus.HEALTHY)
    refused, token = await world.connect()
    await world.set_status(refused, ConnectionStatus.REAUTHORIZATION_REQUIRED)
    unreachable, _ = await world.connect()
    await world.set_status(unreachable, ConnectionStatus.UNREACHABLE)

    listed: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        found = (await world.call("GET", f"/status/connections?limit=1{cursor}")).json()
        listed += found["data"]
        cursor = f"&cursor={found['next_cursor']}" if found["next_cursor"] else None
    own = [one["connection_id"] for one in listed if one["connection_id"] in {healthy, refused, unreachable}]
    assert own == [refused, unreachable, healthy]
    assert listed[0]["status"] == "reauthorization_required"

    chosen = (await world.call("GET", "/status/connections?status=unreachable")).json()["data"]
    assert {one["status"] for one in chosen} == {"unreachable"}
    assert unreachable in [one["connection_id"] for one in chosen]
    assert (await world.call("GET", "/status/connections?cursor=x")).status_code == 422
    assert (await world.call("GET", "/status/connections", key=token)).status_code == 403
