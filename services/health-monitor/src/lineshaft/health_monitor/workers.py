"""Background loops: what time alone changes, the fleet's figures, the end of old history."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres.pool import RETRYABLE, Connection, Pool
from lineshaft.common.service import Background
from lineshaft.health_monitor.adapters import postgres

DUE_BATCH = 200
SET_ASIDE_FOR = timedelta(minutes=5)
COUNT_SECONDS = 10.0
FORGET_SECONDS = 3600.0

FIGURES = (
    (METRICS.connections, "count_states"),
    (METRICS.connections_by_age, "count_ages"),
    (METRICS.open_issues, "count_issues"),
    (METRICS.reauthorization_oldest, "oldest_reauthorizations"),
    (METRICS.open_breakers, "count_breakers"),
)
"""Gauges of the fleet, and the queries that give their labels and value."""

Work = Callable[[], Awaitable[float]]
"""One round; the seconds until the next."""

log = logger(__name__)


class DueWork(Protocol):
    async def find_due(self, connection: Connection, limit: int) -> list[str]:
        """Connections that time alone changes."""

    async def on_due(self, tx: Connection, connection_ids: Sequence[str]) -> int:
        """Work those of them that nobody else is at; how many."""

    async def set_aside(self, tx: Connection, connection_id: str, pause: timedelta) -> None: ...


def due_worker(pool: Pool, due_work: DueWork, poll_seconds: float) -> Background:
    """Any number of replicas may run it: a connection that one is at is passed over by the others."""

    async def work() -> float:
        async with pool.acquire() as connection:
            due = await due_work.find_due(connection, DUE_BATCH)
        if not due:
            return poll_seconds
        try:
            async with pool.acquire() as connection, connection.transaction():
                worked = await due_work.on_due(connection, due)
        except RETRYABLE:
            raise
        except Exception:
            log.exception("due_batch_failed", connections=len(due))
            await _one_by_one(pool, due_work, due)
            worked = len(due)
        return 0.0 if worked else poll_seconds

    return _every(work, poll_seconds)


async def _one_by_one(pool: Pool, due_work: DueWork, due: Sequence[str]) -> None:
    """The connection that fails is set aside for a while, so that it stops no other."""
    for connection_id in due:
        try:
            async with pool.acquire() as connection, connection.transaction():
                await due_work.on_due(connection, [connection_id])
        except RETRYABLE:
            raise
        except Exception:
            log.exception("due_connection_failed", connection_id=connection_id)
            async with pool.acquire() as connection:
                await due_work.set_aside(connection, connection_id, SET_ASIDE_FOR)


def outage_worker(
    pool: Pool, look: Callable[[Connection], Awaitable[bool]], poll_seconds: float
) -> Background:
    """Any number of replicas may run it; the one that has the lock looks."""

    async def work() -> float:
        async with pool.acquire() as connection, connection.transaction():
            await look(connection)
        return poll_seconds

    return _every(work, poll_seconds)


def count_worker(pool: Pool) -> Background:
    async def work() -> float:
        for gauge, name in FIGURES:
            figures = await postgres.figures(pool, name)
            gauge.clear()
            for *labels, number in figures:
                gauge.labels(*labels).set(number)
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
