"""Ends a process that is stuck, so that its supervisor starts a fresh one.

Three ways to be stuck:
1. The event loop does not turn.
2. Records wait and the handler does not return. A handler that returns with an error that may pass, because
   its database is away, is not stuck; but after PATIENCE times as long a fresh process is worth a try.
3. The group has given this member no share for longer than any rebalance takes.

Nobody is ended while the broker does not answer: a fresh process would not reach it either. Nor is a consumer
that has stopped by itself: a fresh process would set aside the next records before it stopped.
"""

import asyncio
import contextlib
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from lineshaft.common.kafka.consumer import REBALANCE_TIMEOUT_MS, Subscription
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS

EXIT_CODE = 70
TICK_SECONDS = 1.0
LONGEST_BETWEEN_CHECKS = 10.0
PATIENCE = 10

log = logger(__name__)


class Watchdog:
    def __init__(self, service: str, subscriptions: Sequence[Subscription[Any]], seconds: float) -> None:
        self._service = service
        self._subscriptions = subscriptions
        self._seconds = seconds
        self._last_turn = time.monotonic()
        self._stopped = threading.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        thread = threading.Thread(target=self._watch_loop, name="watchdog", daemon=True)
        self._last_turn = time.monotonic()
        thread.start()
        checks = [asyncio.create_task(self._check_again(one)) for one in self._subscriptions]
        try:
            while not stopping.is_set():
                late = time.monotonic() - self._last_turn - TICK_SECONDS
                METRICS.loop_delay.labels(self._service).set(max(0.0, late))
                self._last_turn = time.monotonic()
                for check in checks:
                    if check.done():
                        check.result()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), TICK_SECONDS)
        finally:
            self._stopped.set()
            for check in checks:
                check.cancel()
            await asyncio.gather(*checks, return_exceptions=True)

    async def _check_again(self, subscription: Subscription[Any]) -> None:
        waiting_since: float | None = None
        while True:
            waiting_since = await self._check(subscription, waiting_since)
            await asyncio.sleep(min(LONGEST_BETWEEN_CHECKS, self._seconds / 4))

    async def _check(self, subscription: Subscription[Any], waiting_since: float | None) -> float | None:
        """Since when records wait, as seen from here; None where none does."""
        lag = await subscription.lag()
        now = time.monotonic()
        if lag is None:
            return None
        METRICS.consumer_lag.labels(self._service, subscription.name).set(lag)
        out_since = subscription.out_since
        if out_since is not None and now - out_since > self._seconds + REBALANCE_TIMEOUT_MS / 1000:
            self._end(f"{subscription.name}: no share of the group for {now - out_since:.0f} s")
        if lag == 0 or subscription.halted:
            METRICS.waiting_seconds.labels(self._service, subscription.name).set(0)
            return None
        since = now if waiting_since is None else waiting_since
        quiet = now - max(since, subscription.last_life)
        idle = now - max(since, subscription.last_progress)
        METRICS.waiting_seconds.labels(self._service, subscription.name).set(idle)
        if quiet > self._seconds or idle > self._seconds * PATIENCE:
            self._end(f"{subscription.name}: {lag} records wait and none was finished for {idle:.0f} s")
        return since

    def _watch_loop(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            if time.monotonic() - self._last_turn > self._seconds:
                self._end("the event loop does not turn")

    def _end(self, why: str) -> None:
        log.critical("watchdog", why=why, seconds=self._seconds)
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        sys.stdout.flush()
        os._exit(EXIT_CODE)
