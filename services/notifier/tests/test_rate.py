"""How often an endpoint may be asked, all replicas together."""

import asyncio
from datetime import datetime, timedelta

import pytest

from lineshaft.common.clock import now
from lineshaft.notifier.adapters import postgres

from .stage import Stage, eventually

pytestmark = pytest.mark.integration


async def leased(stage: Stage, moment: datetime, endpoint: str) -> int:
    found = await postgres.lease(
        stage.pool, {}, per_endpoint=50, limit=500, now=moment, until=moment + timedelta(hours=1)
    )
    return sum(lease.endpoint_id == endpoint for lease in found)


async def test_an_endpoint_is_asked_as_often_as_it_bears_and_others_at_once(stage: Stage) -> None:
    slow = await stage.endpoint("/slow", max_per_second=2)
    other = await stage.endpoint("/other")
    for number in range(9):
        await stage.tell(f"con_{number}")
    moment = now() + timedelta(seconds=1)
    assert await leased(stage, moment, slow) == 2
    assert await leased(stage, moment, slow) == 0
    assert await leased(stage, moment + timedelta(seconds=0.4), slow) == 0
    assert await leased(stage, moment + timedelta(seconds=0.6), slow) == 1
    later = moment + timedelta(seconds=60)
    assert sum(await asyncio.gather(*(leased(stage, later, slow) for _ in range(4)))) == 2
    assert (
        await stage.pool.fetchval(
            "select count(*) from delivery where endpoint_id = $1 and lease_epoch = 1", other
        )
        == 9
    )


async def test_what_is_above_the_rate_arrives_later(stage: Stage) -> None:
    endpoint = await stage.endpoint("/slow", max_per_second=50)
    for number in range(60):
        await stage.tell(f"con_{number}")

    async def all_arrived() -> bool:
        return set(await stage.states(endpoint)) == {"delivered"}

    async with stage.sending(2):
        await eventually(all_arrived)
    assert len(stage.receiver.ids("/slow")) == 60
