"""Keeps the keys of read slices from piling up."""

import asyncio
import contextlib
from datetime import timedelta

from lineshaft.common.clock import Clock
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import RETRYABLE, Pool
from lineshaft.common.service import Background
from lineshaft.mapping.adapters.postgres import fold_old_slices

EVERY_SECONDS = 600.0

log = logger(__name__)


def fold_slices(pool: Pool, keep: timedelta, clock: Clock) -> Background:
    async def work(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                while await fold_old_slices(pool, clock(), keep) and not stopping.is_set():
                    pass
            except RETRYABLE as error:
                log.warning("fold_slices_retries", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)

    return work
