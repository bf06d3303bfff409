"""Background loops: what time alone changes, the fleet's figures, the end of old history."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres.pool import RETRYABLE, Connection, Pool
from lineshaft.common.service import Background
from lineshaft.health_monitor.adapters import postgres

COUNT_SECONDS = 10.0
FORGET_SECONDS = 3600.0

Work = Callable[[], Awaitable[float]]
"""One round; the seconds until the next."""

log = logger(__name__)


def due_worker(
    pool: Pool, work_due: Callable[[Connection], Awaitable[int]], poll_seconds: float
) -> Background:
    """Any number of replicas may run it: a connection that one is at is passed over by the others."""

    async def work() -> float:
        async with pool.acquire() as connection, connection.transaction():
            worked = await work_due(connection)
        return 0.0 if worked else poll_seconds

    return _every(work, poll_seconds)


def count_worker(pool: Pool) -> Background:
    async def work() -> float:
        counts = await postgres.count_states(pool)
        METRICS.connections.clear()
        for system, status, number in counts:
            METRICS.connections.labels(system, status).set(number)
        return COUNT_SECONDS

    return _every(work, COUNT_SECONDS)


def forget_worker(pool: Pool, history_days: float) -> Background:
    async def work() -> float:
        await postgres.forget(pool, timedelta(days=history_days))
        return FORGET_SECONDS

    return _every(work, FORGET_SECONDS)


def _every(work: Work, after_error: float) -> Background:
    async def run(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                pause = await work()
            except RETRYABLE as error:
                log.warning("background_retries", error=repr(error))
                pause = max(after_error, 1.0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause or 0.001)

    return run
