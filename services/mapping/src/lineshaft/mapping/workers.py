"""Keeps what only recent reads need from piling up."""

import asyncio
import contextlib
from datetime import timedelta

from lineshaft.common.clock import Clock
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import RETRYABLE, Pool
from lineshaft.common.service import Background
from lineshaft.mapping.adapters import syncs
from lineshaft.mapping.adapters.postgres import fold_old_slices

EVERY_SECONDS = 600.0

log = logger(__name__)


def housekeeping(pool: Pool, clock: Clock, *, slices: timedelta, results: timedelta) -> Background:
    """Fold keys of slices older than `slices`, forget results of syncs older than `results`."""

    async def work(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                while await fold_old_slices(pool, clock(), slices) and not stopping.is_set():
                    pass
                await syncs.forget(pool, clock(), results)
            except RETRYABLE as error:
                log.warning("housekeeping_retries", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)

    return work
