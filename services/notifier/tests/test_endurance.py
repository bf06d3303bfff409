"""Endpoints that take nothing, on a real Postgres with a clock that is turned by hand."""

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web

from lineshaft.common.clock import now
from lineshaft.common.postgres.pool import Pool
from lineshaft.notifier.domain.endurance import Patience
from lineshaft.notifier.endurance import Endurance

from .stage import Stage, eventually

pytestmark = pytest.mark.integration


async def refuse(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500)


async def look(pool: Pool, at: datetime) -> None:
    """A replica that starts anew each time."""
    async with pool.acquire() as tx, tx.transaction():
        await Endurance(Patience(), lambda: at).look(tx)


async def told(pool: Pool) -> list[tuple[str, dict[str, Any]]]:
    rows = await pool.fetch("select headers, value from outbox order by id")
    found = [(dict(row["headers"])["ce_type"], orjson.loads(row["value"])) for row in rows]
    return [(name.removeprefix("lineshaft."), value) for name, value in found if "webhook_endpoint" in name]


async def row_of(pool: Pool, endpoint: str) -> Any:
    return await pool.fetchrow("select * from endpoint_state_view where endpoint_id = $1", endpoint)


async def fail_once(stage: Stage, endpoint: str, connection: str) -> None:
    stage.receiver.answers["/hooks"] = refuse
    before = (await row_of(stage.pool, endpoint))["failures"]

    async def failed() -> bool:
        return bool((await row_of(stage.pool, endpoint))["failures"] > before)

    async with stage.sending(retry_scale=1000):
        await stage.tell(connection)
        await eventually(failed)


async def test_it_is_warned_of_disabled_and_what_waits_is_sent_when_its_owner_changes_it(
    stage: Stage,
) -> None:
    endpoint = await stage.endpoint("/hooks")
    await fail_once(stage, endpoint, "con_1")
    since = (await row_of(stage.pool, endpoint))["failing_since"]
    await look(stage.pool, since + timedelta(days=4))
    assert await told(stage.pool) == []
    await stage.pool.execute(
        "update endpoint set failing_since = failing_since - interval '13 hours' where endpoint_id = $1",
        endpoint,
    )
    since -= timedelta(hours=13)
    for hours in (59, 60, 61, 85, 109, 110):
        await look(stage.pool, since + timedelta(hours=hours))
    warnings = await told(stage.pool)
    assert [(name, value["percent"]) for name, value in warnings] == [
        ("webhook_endpoint.failing", 50),
        ("webhook_endpoint.failing", 70),
        ("webhook_endpoint.failing", 90),
    ]
    for _ in range(2):
        await look(stage.pool, since + timedelta(days=5))
    assert [name for name, _ in await told(stage.pool)][3:] == ["webhook_endpoint.disabled"]
    assert "5 days" in (await row_of(stage.pool, endpoint))["disabled_reason"]

    stage.receiver.answers.clear()
    stage.receiver.got.clear()
    await stage.tell("con_2")
    await stage.pool.execute("update delivery set due_at = now(), next_attempt_at = now()")
    async with stage.sending():
        await eventually(lambda: _states(stage, endpoint, ["due", "due"]))
        assert stage.receiver.got == {}
        await stage.endpoint("/hooks", endpoint_id=endpoint, revision=2, secret=None)
        await eventually(lambda: _states(stage, endpoint, ["delivered", "delivered"]))
    state = await row_of(stage.pool, endpoint)
    assert (state["disabled_at"], state["failing_since"], state["warned"]) == (None, None, 0)


async def _states(stage: Stage, endpoint: str, expected: list[str]) -> bool:
    return await stage.states(endpoint) == expected


async def test_one_delivery_ends_what_failures_began(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    await fail_once(stage, endpoint, "con_1")
    stage.receiver.answers.clear()
    async with stage.sending():
        await stage.tell("con_2")
        await eventually(lambda: _recovered(stage, endpoint))
    await look(stage.pool, now() + timedelta(days=30))
    assert await told(stage.pool) == []


async def _recovered(stage: Stage, endpoint: str) -> bool:
    row = await row_of(stage.pool, endpoint)
    return row["failing_since"] is None and row["failures"] == 0


async def test_gone_is_told_too(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")

    async def gone(_: web.Request) -> web.StreamResponse:
        return web.Response(status=410)

    stage.receiver.answers["/hooks"] = gone
    async with stage.sending():
        await stage.tell("con_1")
        await eventually(lambda: _states(stage, endpoint, ["given_up"]))
    [(name, value)] = await told(stage.pool)
    assert name == "webhook_endpoint.disabled"
    assert "410" in value["reason"]
