"""Ends a process that is stuck, so that its supervisor starts a fresh one."""

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS

EXIT_CODE = 70
TICK_SECONDS = 1.0

log = logger(__name__)


class Watchdog:
    """Two ways to be stuck: the event loop does not turn, or records wait and none is finished."""

    def __init__(self, service: str, subscriptions: Sequence[Subscription[Any]], seconds: float) -> None:
        self._service = service
        self._subscriptions = subscriptions
        self._seconds = seconds
        self._last_turn = time.monotonic()
        self._stopped = threading.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        thread = threading.Thread(target=self._watch_loop, name="watchdog", daemon=True)
        thread.start()
        waiting_since: dict[str, float] = {}
        try:
            while not stopping.is_set():
                self._last_turn = time.monotonic()
                for subscription in self._subscriptions:
                    self._check(subscription, waiting_since)
                await asyncio.sleep(TICK_SECONDS)
        finally:
            self._stopped.set()

    def _check(self, subscription: Subscription[Any], waiting_since: dict[str, float]) -> None:
        lag = subscription.lag()
        METRICS.consumer_lag.labels(self._service, subscription.name).set(lag)
        if lag == 0:
            waiting_since.pop(subscription.name, None)
            return
        since = max(waiting_since.setdefault(subscription.name, time.monotonic()), subscription.last_progress)
        if time.monotonic() - since > self._seconds:
            self._end(f"{subscription.name}: {lag} records wait and none was finished")

    def _watch_loop(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            if time.monotonic() - self._last_turn > self._seconds:
                self._end("the event loop does not turn")

    def _end(self, why: str) -> None:
        log.critical("watchdog", why=why, seconds=self._seconds)
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        sys.stdout.flush()
        os._exit(EXIT_CODE)
