"""Order per connection, and calls for reconnecting that a recovery makes useless."""

import asyncio
import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta

import orjson
import pytest
from aiohttp import web

from lineshaft.common.clock import now
from lineshaft.common.events.health import ReauthorizationRequired
from lineshaft.common.postgres.pool import Pool
from lineshaft.notifier.adapters import postgres
from lineshaft.notifier.adapters.postgres import Lease, Made
from lineshaft.notifier.domain.result import Answer

from .stage import Stage, eventually

pytestmark = pytest.mark.integration


async def states(stage: Stage, endpoint: str) -> Counter[str]:
    return Counter(await stage.states(endpoint))


async def test_each_connection_is_told_in_order_and_a_failing_one_holds_up_no_other(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks", ordered=True)
    refused = 3

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body["data"]["connection_id"] == "con_0":
            seen = [one for one in got("con_0") if one == 0]
            return web.Response(status=500 if len(seen) <= refused else 200)
        return web.Response()

    def got(connection: str) -> list[int]:
        return [
            body["data"]["previous"]
            for _, body, _ in stage.receiver.got["/hooks"]
            if body["data"]["connection_id"] == connection
        ]

    stage.receiver.answers["/hooks"] = answer
    for number in range(6):
        for connection in range(5):
            await stage.tell(f"con_{connection}")
        await stage.pool.execute(
            "update event set data = data || jsonb_build_object('previous', $1::int)"
            " where not data ? 'previous'",
            number,
        )
    async with stage.sending(2, retry_scale=0.001):
        await eventually(lambda: _all(stage, endpoint, 30))
    for connection in range(1, 5):
        assert got(f"con_{connection}") == list(range(6))
    assert got("con_0") == [0] * refused + list(range(6))


async def _all(stage: Stage, endpoint: str, number: int) -> bool:
    return await states(stage, endpoint) == Counter(delivered=number)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_senders_do_no_connection_is_told_out_of_order(stage: Stage, seed: int) -> None:
    """Leases, answers, lost leases, redeliveries and new events in any order, with a clock turned by hand."""
    chance = random.Random(seed)  # noqa: S311  a repeatable walk
    endpoint = await stage.endpoint("/hooks", ordered=True)
    moment = now()
    in_hand: list[Lease] = []
    tried: dict[str, list[int]] = defaultdict(list)
    told = 0
    for _ in range(60):
        moment += timedelta(seconds=chance.choice([0, 1, 30]))
        step = chance.choice(["tell", "lease", "lease", "answer", "answer", "lose"])
        if step == "tell":
            told += 1
            await stage.tell(f"con_{chance.randrange(3)}")
            await stage.pool.execute(
                "update delivery set next_attempt_at = least(next_attempt_at, $1),"
                " due_at = case when lease_epoch = 0 then least(due_at, $1) else due_at end",
                moment,
            )
        elif step == "lease":
            got = await _lease(stage.pool, moment, chance.randrange(1, 5))
            in_hand = [one for one in in_hand if one.until > moment] + got
            busy = Counter(one.connection_id for one in in_hand)
            assert all(number == 1 for number in busy.values()), "two of a connection at once"
        elif in_hand:
            lease = in_hand.pop(chance.randrange(len(in_hand)))
            if step == "answer":
                sequence = await stage.pool.fetchval(
                    "select sequence from delivery where delivery_id = $1", lease.delivery_id
                )
                tried[str(lease.connection_id)].append(sequence)
                await _answer(stage.pool, lease, moment, chance)
    for sequences in tried.values():
        assert sequences == sorted(sequences)
    for _ in range(500):
        if not (await states(stage, endpoint))["due"]:
            break
        moment += timedelta(days=1)
        for lease in await _lease(stage.pool, moment, 10):
            await _answer(stage.pool, lease, moment, chance)
    assert sum((await states(stage, endpoint)).values()) == told
    assert (await states(stage, endpoint))["due"] == 0


async def _lease(pool: Pool, moment: datetime, limit: int) -> list[Lease]:
    return await postgres.lease(
        pool, {}, per_endpoint=limit, limit=limit, now=moment, until=moment + timedelta(seconds=60)
    )


async def _answer(pool: Pool, lease: Lease, moment: datetime, chance: random.Random) -> None:
    state = chance.choice(["delivered", "delivered", "given_up", "due"])
    again = moment + timedelta(seconds=chance.choice([0, 5, 100])) if state == "due" else None
    status = 204 if state == "delivered" else 500
    async with pool.acquire() as tx, tx.transaction():
        await postgres.record(tx, [Made(lease, Answer(moment, 1.0, status), state, again, deferred=False)])


async def test_a_long_backlog_of_one_connection_does_not_make_leasing_slow(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks", ordered=True)
    await stage.tell("con_1")
    await stage.pool.execute(
        "insert into event select event_id || n, event_type, connection_id, at, data"
        " from event, generate_series(1, 20000) as n"
    )
    await stage.pool.execute(
        "insert into delivery (delivery_id, webhook_id, endpoint_id, event_id, event_type, connection_id,"
        " next_attempt_at, due_at)"
        " select event_id || 'd', event_id, $1, event_id, event_type, connection_id, now(), now() from event"
        " where not exists (select from delivery where delivery.event_id = event.event_id)",
        endpoint,
    )
    await stage.pool.execute("analyze delivery")
    started = asyncio.get_running_loop().time()
    assert len(await _lease(stage.pool, now(), 50)) == 1
    assert len(await _lease(stage.pool, now(), 50)) == 0
    assert asyncio.get_running_loop().time() - started < 2


async def test_a_stale_call_for_reconnecting_is_not_sent_after_the_recovery_and_that_is_said(
    stage: Stage,
) -> None:
    endpoint = await stage.endpoint("/hooks")
    only_calls = await stage.endpoint("/calls", event_types=["connection.reauthorization_required"])
    event = await stage.tell("con_1", ReauthorizationRequired, issue_id="iss_1")
    other = await stage.tell("con_1", ReauthorizationRequired, issue_id="iss_2")
    await stage.pool.execute("update delivery set attempts = 1")
    await stage.pool.execute("update event set at = at - interval '11 minutes'")
    recovered = await stage.tell("con_1", issue_id="iss_1")
    rows = {row["event_id"]: row for row in await stage.deliveries(endpoint)}
    assert rows[event.id]["state"] == "cancelled"
    assert "recovered" in rows[event.id]["last_error"]
    assert rows[other.id]["state"] == rows[recovered.id]["state"] == "due"
    assert await stage.states(only_calls) == ["due", "due"]
    [value] = await stage.pool.fetch("select value from outbox where topic = 'notification.events'")
    said = orjson.loads(value["value"])
    assert (said["endpoint_id"], said["superseded_by"]) == (endpoint, recovered.id)


@pytest.mark.parametrize(("attempts", "minutes"), [(0, 60), (1, 5)])
async def test_one_that_may_still_arrive_in_time_is_sent(stage: Stage, attempts: int, minutes: int) -> None:
    endpoint = await stage.endpoint("/hooks")
    await stage.tell("con_1", ReauthorizationRequired, issue_id="iss_1")
    await stage.pool.execute("update delivery set attempts = $1", attempts)
    await stage.pool.execute("update event set at = at - make_interval(mins => $1)", minutes)
    await stage.tell("con_1", issue_id="iss_1")
    assert await stage.states(endpoint) == ["due", "due"]
