"""Replays on a real Postgres: a range, its progress, and replicas that die."""

import asyncio
import itertools
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web

from lineshaft.common.clock import now
from lineshaft.common.events.commands import EndpointTestRequested, ReplayCancelRequested, ReplayRequested
from lineshaft.common.events.health import ReauthorizationRequired
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.ids import new_id
from lineshaft.notifier.handlers import NEWS
from lineshaft.notifier.replaying import Replays

from .stage import Stage, an_event, eventually

pytestmark = pytest.mark.integration


class Turning:
    """A clock that goes on a little with every look, so that rates are kept in virtual time."""

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self) -> datetime:
        return self.moment


async def ask(stage: Stage, endpoint: str, **fields: Any) -> dict[str, Any]:
    command = ReplayRequested.model_validate(
        {
            "command_id": new_id("cmd"),
            "endpoint_id": endpoint,
            "since": now() - timedelta(hours=1),
            "per_second": 1000,
        }
        | fields
    )
    await stage.handle("commands", replace(an_event(command, endpoint), time=now() - NEWS))
    return await last_answer(stage)


async def last_answer(stage: Stage) -> dict[str, Any]:
    value = await stage.pool.fetchval(
        "select value from outbox where topic = 'command.results' order by id desc limit 1"
    )
    answer: dict[str, Any] = orjson.loads(value)
    return answer


async def step(stage: Stage, clock: Turning) -> bool:
    async with stage.pool.acquire() as tx, tx.transaction():
        return await Replays(clock).step(tx)


async def view(stage: Stage) -> Any:
    return await stage.pool.fetchrow("select * from replay_view")


async def delivered(stage: Stage, endpoint: str, number: int) -> None:
    async def true() -> bool:
        return await stage.states(endpoint) == ["delivered"] * number

    await eventually(true)


async def test_a_range_is_made_once_more_with_the_same_ids_and_its_end_is_told(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    async with stage.sending():
        for number in range(30):
            await stage.tell(f"con_{number}")
        await delivered(stage, endpoint, 30)
        before = stage.receiver.ids("/hooks")
        answer = await ask(stage, endpoint)
        assert answer["result"]["total"] == 30
        stage.receiver.got.clear()
        clock = Turning()

        async def completed() -> bool:
            clock.moment += timedelta(seconds=1)
            await step(stage, clock)
            return (await view(stage))["state"] == "completed"

        await eventually(completed)
    assert Counter(stage.receiver.ids("/hooks")) == Counter(before)
    row = await view(stage)
    assert (row["total"], row["passed"], row["queued"], row["delivered"]) == (30, 30, 30, 30)
    value = await stage.pool.fetchval(
        "select value from outbox where topic = 'notification.events' order by id desc limit 1"
    )
    assert orjson.loads(value)["replay_id"] == answer["result"]["replay_id"]


async def test_each_message_once_in_the_job_though_replicas_die_in_the_middle(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks", enabled=False)
    await stage.endpoint("/hooks", endpoint_id=endpoint, revision=2, secret=None)
    for number in range(200):
        await stage.tell(f"con_{number}")
    await stage.pool.execute("update delivery set state = 'delivered', due_at = null, next_attempt_at = null")
    await ask(stage, endpoint)
    chance = random.Random(7)  # noqa: S311  a repeatable walk
    clock = Turning()
    for _ in range(200):
        clock.moment += timedelta(seconds=chance.choice([0.1, 0.6]))
        tasks = [asyncio.create_task(step(stage, clock)) for _ in range(3)]
        await asyncio.sleep(chance.random() / 50)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        queued = await stage.pool.fetch(
            "update delivery set state = 'delivered', attempts = attempts + 1 where state = 'due' returning 1"
        )
        assert len(queued) <= 200
        if (await view(stage))["passed"] == 200:
            break
    counts = await stage.pool.fetch("select attempts, count(*) as n from delivery group by 1")
    assert {row["attempts"]: row["n"] for row in counts} == {1: 200}
    row = await view(stage)
    assert (row["passed"], row["queued"]) == (200, 200)


async def test_its_rate_is_kept_and_little_of_it_is_queued_at_once(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    for number in range(150):
        await stage.tell(f"con_{number}")
    await stage.pool.execute("update delivery set state = 'delivered'")
    await ask(stage, endpoint, per_second=10)
    clock = Turning()
    queued = []
    for _ in range(12):
        clock.moment += timedelta(seconds=1)
        await step(stage, clock)
        queued.append((await view(stage))["due"])
    assert [later - earlier for earlier, later in itertools.pairwise(queued)][:8] == [10] * 8
    assert max(queued) == 100


async def test_what_is_chosen_is_replayed_and_what_the_endpoint_never_had_too(stage: Stage) -> None:
    await stage.tell("con_1")
    await stage.tell("con_1", ReauthorizationRequired)
    await stage.tell("con_2", ReauthorizationRequired)
    endpoint = await stage.endpoint("/hooks", event_types=["connection.recovered"])
    await stage.handle(
        "commands", an_event(EndpointTestRequested(command_id="cmd_t", endpoint_id=endpoint), endpoint)
    )
    answer = await ask(
        stage,
        endpoint,
        event_types=["connection.reauthorization_required", "endpoint.test"],
        connection_ids=["con_2"],
    )
    assert answer["result"]["total"] == 1
    clock = Turning()
    clock.moment += timedelta(seconds=1)
    await step(stage, clock)
    rows = await stage.deliveries(endpoint)
    assert [row["connection_id"] for row in rows if row["replay_id"]] == ["con_2"]


async def test_only_the_undelivered_ones(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    for number in range(3):
        await stage.tell(f"con_{number}")
    await stage.pool.execute("update delivery set state = 'delivered' where connection_id <> 'con_1'")
    await stage.pool.execute("update delivery set state = 'given_up' where connection_id = 'con_1'")
    await ask(stage, endpoint, only="undelivered")
    clock = Turning()
    clock.moment += timedelta(seconds=1)
    await step(stage, clock)
    row = await view(stage)
    assert (row["passed"], row["queued"], row["due"]) == (3, 1, 1)


async def test_a_disabled_endpoint_waits_and_a_cancelled_or_deleted_one_ends(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    await stage.tell("con_1")
    await stage.pool.execute("update endpoint set disabled_at = now()")
    first = await ask(stage, endpoint)
    clock = Turning()
    clock.moment += timedelta(seconds=10)
    assert not await step(stage, clock)
    cancel = ReplayCancelRequested(command_id="cmd_c", replay_id=first["result"]["replay_id"])
    await stage.handle("commands", an_event(cancel, endpoint))
    assert (await last_answer(stage))["problem"] is None
    assert (await view(stage))["state"] == "cancelled"
    await ask(stage, endpoint)
    deleted = EndpointDescribed(endpoint_id=endpoint, url="x", deleted=True, revision=9, changed_at=now())
    await stage.handle("webhook-endpoints", an_event(deleted, endpoint))
    states = await stage.pool.fetch("select state from replay")
    assert [row["state"] for row in states] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"endpoint_id": "whe_none"}, "not_found"),
        ({"since": now() + timedelta(days=1)}, "validation_failed"),
        ({"connection_ids": ["con_9"]}, "validation_failed"),
    ],
)
async def test_what_cannot_be_replayed_is_said(stage: Stage, fields: dict[str, Any], code: str) -> None:
    endpoint = await stage.endpoint("/hooks", connection_ids=["con_1"])
    assert (await ask(stage, endpoint, **fields))["problem"]["code"] == code


async def test_a_message_that_fails_again_is_counted_when_it_is_given_up(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")

    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    await stage.tell("con_1")
    await stage.pool.execute("update delivery set state = 'delivered'")
    stage.receiver.answers["/hooks"] = refuse
    await ask(stage, endpoint)
    clock = Turning()
    async with stage.sending(retry_scale=0.000001):

        async def completed() -> bool:
            clock.moment += timedelta(seconds=1)
            await step(stage, clock)
            return (await view(stage))["state"] == "completed"

        await eventually(completed)
    assert (await view(stage))["given_up"] == 1
