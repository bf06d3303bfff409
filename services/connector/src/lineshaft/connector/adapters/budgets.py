"""Requests of one connection per minute, counted for all replicas together.

A bucket in Postgres fills steadily. A worker takes a small lot out of it, which it has to use within seconds:
so one statement is enough for many requests, and in no minute are there more of them than the budget has.
"""

import asyncio
import math
import random
import time
from dataclasses import dataclass

from lineshaft.common.clock import Clock
from lineshaft.common.errors import RetryableError
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.adapters.postgres import QUERIES
from lineshaft.connector.adapters.rate_headers import no_requests_before

MINUTE = 60.0
LOT_SECONDS = 5.0
"""A lot that was not used is lost after this long."""
LONGEST_WAIT_SECONDS = 30.0
SHORTEST_WAIT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Bucket:
    """At most `capacity` at once and `rate` a second, which in no minute is more than the budget."""

    capacity: float
    rate: float
    lot: int

    @classmethod
    def of(cls, per_minute: int) -> "Bucket":
        capacity = max(1.0, per_minute / 10)
        rate = max(per_minute - capacity, per_minute / 2) / (MINUTE + LOT_SECONDS)
        return cls(capacity, rate, max(1, min(int(capacity), math.ceil(rate))))


class SharedBudget:
    """`per_minute` None: only what the source says of itself is heeded."""

    def __init__(
        self, pool: Pool, connection_id: str, per_minute: int | None, reset_header: str | None, clock: Clock
    ) -> None:
        self._pool = pool
        self._connection_id = connection_id
        self._bucket = Bucket.of(per_minute) if per_minute is not None else None
        self._reset_header = reset_header
        self._clock = clock
        self._left = 0
        self._ends = 0.0

    async def take(self) -> None:
        if self._bucket is None:
            return
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not self._left or time.monotonic() >= self._ends:
            wait = await self._take_lot(self._bucket)
            if wait is None:
                self._left, self._ends = self._bucket.lot, time.monotonic() + LOT_SECONDS
                break
            if time.monotonic() + wait > deadline:
                raise RetryableError("the connection's requests of this minute are used up")
            await asyncio.sleep(wait * random.uniform(1.0, 1.2))  # noqa: S311  spreads those who wait
        self._left -= 1

    async def heed(self, answer: Answer) -> None:
        """Where the source says that none are left, the gate holds until there are."""
        until = no_requests_before(answer, self._clock(), self._reset_header)
        if until is not None:
            await self._pool.execute(QUERIES["gate_hold"], self._connection_id, until)

    async def _take_lot(self, bucket: Bucket) -> float | None:
        """None where the lot is ours, else the seconds until there may be one."""
        row = await self._pool.fetchrow(
            QUERIES["budget_take"], self._connection_id, bucket.capacity, bucket.rate, float(bucket.lot)
        )
        if row is not None:
            return None
        filled = await self._pool.fetchval(
            QUERIES["budget_filled"], self._connection_id, bucket.capacity, bucket.rate
        )
        return max((bucket.lot - float(filled or 0.0)) / bucket.rate, SHORTEST_WAIT_SECONDS)
