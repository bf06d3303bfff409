"""Background loops beside the sender: figures, and the end of old history."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres.pool import RETRYABLE, Connection, Pool
from lineshaft.common.service import Background
from lineshaft.notifier.adapters import alerts, postgres
from lineshaft.notifier.adapters.signing import forget_replaced
from lineshaft.notifier.alerting import AlertSender

COUNT_SECONDS = 5.0
FORGET_SECONDS = 3600.0
ENDURANCE_SECONDS = 30.0
LAST_WORD_SECONDS = 10.0
REPLAY_SECONDS = 0.5
RETRY_SECONDS = 1.0

log = logger(__name__)


def count_worker(pool: Pool) -> Background:
    async def work() -> float:
        deliveries, oldest = await postgres.count_due(pool)
        METRICS.deliveries_due.set(deliveries)
        METRICS.deliveries_oldest.set(oldest)
        return COUNT_SECONDS

    return _every(work)


def endurance_worker(pool: Pool, look: Callable[[Connection], Awaitable[None]]) -> Background:
    async def work() -> float:
        async with pool.acquire() as connection, connection.transaction():
            await look(connection)
        return ENDURANCE_SECONDS

    return _every(work)


def replay_worker(pool: Pool, step: Callable[[Connection], Awaitable[bool]]) -> Background:
    async def work() -> float:
        async with pool.acquire() as connection, connection.transaction():
            return 0.0 if await step(connection) else REPLAY_SECONDS

    return _every(work)


def alert_worker(sender: AlertSender) -> Background:
    look = _every(sender.turn)

    async def run(stopping: asyncio.Event) -> None:
        """Until `stopping`; then finish what is on its way."""
        await look(stopping)
        await sender.finish()

    return run


def last_word_worker(pool: Pool) -> Background:
    async def work() -> float:
        await postgres.purge_last_words(pool)
        return LAST_WORD_SECONDS

    return _every(work)


def forget_worker(pool: Pool, history_days: float, secret_overlap: timedelta) -> Background:
    async def work() -> float:
        await postgres.forget(pool, timedelta(days=history_days))
        await forget_replaced(pool, secret_overlap)
        await alerts.forget(pool, timedelta(days=history_days))
        return FORGET_SECONDS

    return _every(work)


def _every(work: Callable[[], Awaitable[float]]) -> Background:
    async def run(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                pause = await work()
            except RETRYABLE as error:
                log.warning("background_retries", error=repr(error))
                pause = RETRY_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause or 0.001)

    return run
