"""How many requests a connection may make, on a real Postgres."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lineshaft.common.clock import now
from lineshaft.common.errors import RetryableError
from lineshaft.common.ids import new_id
from lineshaft.connector.adapters import budgets
from lineshaft.connector.adapters.budgets import LOT_SECONDS, MINUTE, Bucket, SharedBudget
from lineshaft.connector.adapters.http import Answer, SourceHttp
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.adapters.rate_headers import no_requests_before
from lineshaft.connector.domain.sessions import Sessions

from . import rig as fixtures
from .fake_source import FakeSource
from .rig import Rig, a_connection_id

pools, rig = fixtures.pools, fixtures.rig

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


class WaitedError(Exception):
    pass


def budget(rig: Rig, connection_id: str, per_minute: int | None) -> SharedBudget:
    return SharedBudget(rig.pool, connection_id, per_minute, None, now)


@pytest.mark.parametrize("per_minute", [2, 3, 10, 30, 60, 99, 600, 6_000])
def test_no_minute_has_more_than_the_budget_and_little_is_wasted(per_minute: int) -> None:
    bucket = Bucket.of(per_minute)
    assert bucket.capacity + bucket.rate * (MINUTE + LOT_SECONDS) <= per_minute
    assert 1 <= bucket.lot <= bucket.capacity
    assert bucket.rate * MINUTE >= per_minute * 0.45


async def test_replicas_share_one_budget_in_a_few_statements(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait(_: float) -> None:
        raise WaitedError

    monkeypatch.setattr(budgets.asyncio, "sleep", wait)
    connection_id = a_connection_id()
    replicas = [budget(rig, connection_id, 600) for _ in range(3)]
    lots = 0
    take_lot = SharedBudget._take_lot

    async def counted(self: SharedBudget, bucket: Bucket) -> float | None:
        nonlocal lots
        lots += 1
        return await take_lot(self, bucket)

    monkeypatch.setattr(SharedBudget, "_take_lot", counted)
    started, taken = time.monotonic(), 0
    open_ones = list(replicas)
    while open_ones:
        for replica in list(open_ones):
            try:
                await replica.take()
                taken += 1
            except WaitedError:
                open_ones.remove(replica)
    bucket = Bucket.of(600)
    refilled = bucket.rate * (time.monotonic() - started)
    assert bucket.capacity - bucket.lot < taken <= bucket.capacity + refilled
    assert lots <= taken / bucket.lot + len(replicas)
    other = budget(rig, a_connection_id(), 600)
    await other.take()


async def test_a_lot_that_is_not_used_is_lost(rig: Rig) -> None:
    connection_id = a_connection_id()
    one = budget(rig, connection_id, 600)
    await one.take()
    assert one._left == Bucket.of(600).lot - 1
    one._ends = time.monotonic()
    await one.take()
    assert one._left == Bucket.of(600).lot - 1


async def test_a_long_wait_gives_the_place_to_others(rig: Rig) -> None:
    connection_id = a_connection_id()
    await budget(rig, connection_id, 2).take()
    with pytest.raises(RetryableError):
        await budget(rig, connection_id, 2).take()
    await budget(rig, connection_id, None).take()


async def allow(rig: Rig, connection_id: str, per_minute: int) -> None:
    await rig.api_pool.execute(
        "insert into connector.network (network_id, connection_id, requests_per_minute, created_by)"
        " values ($1, $2, $3, 'test')",
        new_id("net"),
        connection_id,
        per_minute,
    )


async def test_a_sync_goes_on_when_the_budget_lets_it_and_nobody_calls_that_a_failure(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await allow(rig, connection_id, 2)
    counted: list[SourceHttp] = []

    def open_counted(target: Target, http: SourceHttp, sessions: Sessions) -> FakeSource:
        counted.append(http)
        return rig.plant.open(target, http, sessions)

    async def call(_: str) -> None:
        budget = counted[-1]._budget
        assert budget is not None
        await budget.take()

    rig.tools = replace(rig.tools, opener=open_counted)
    rig.plant.before_read = call
    await rig.request_sync(connection_id, entities=["item"])
    await rig.read_all()
    assert [position for _, position in rig.plant.reads] == [0, 10], "the second page of three has to wait"
    assert await rig.job_states(connection_id) == {"product.product": "queued"}
    await allow(rig, connection_id, 6_000)
    await rig.pool.execute("delete from budget")
    await rig.due_now()
    await rig.read_all()
    assert [position for _, position in rig.plant.reads] == [0, 10, 10, 20]
    assert (await rig.sync(connection_id))["status"] == "read"
    assert {call["outcome"] for call in await rig.calls(connection_id)} == {"ok"}


async def test_a_source_that_says_none_are_left_is_left_alone(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    until = now() + timedelta(minutes=20)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(until.timestamp()))}
    await budget(rig, connection_id, None).heed(Answer(200, headers, b"", 1.0))
    held = await rig.pool.fetchval("select not_before from gate where connection_id = $1", connection_id)
    assert held == until.replace(microsecond=0)
    await rig.request_sync(connection_id, entities=["item"])
    assert await rig.read_all() == 0
    assert await rig.calls(connection_id, "rate_limited") == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "40"}, 40),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOW.timestamp()) + 40)}, 40),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "40"}, 40),
        ({"x-ratelimit-remaining": "0", "x-window-ends": "7", "x-ratelimit-reset": "40"}, 7),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "40"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}, None),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "40"}, None),
        ({}, None),
    ],
)
def test_headers_of_limits(headers: dict[str, str], seconds: int | None) -> None:
    until = no_requests_before(Answer(200, headers, b"", 1.0), NOW, "X-Window-Ends")
    assert until == (None if seconds is None else NOW + timedelta(seconds=seconds))
