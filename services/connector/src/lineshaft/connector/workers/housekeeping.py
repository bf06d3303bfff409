"""Forgets what nobody needs any more."""

import asyncio
import contextlib
from datetime import timedelta

from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import RETRYABLE, Pool
from lineshaft.connector.adapters import credentials
from lineshaft.connector.adapters.networks import KEEP_UNCONNECTED
from lineshaft.connector.adapters.postgres import QUERIES

EVERY_SECONDS = 600.0
KEEP_CANDIDATES = timedelta(hours=1)
KEEP_COMMANDS = timedelta(days=8)
KEEP_SYNCS = timedelta(days=30)

log = logger(__name__)


class Housekeeping:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await credentials.drop_forgotten(self._pool, KEEP_CANDIDATES)
                await self._pool.execute(QUERIES["oauth_clients_forget"])
                await self._pool.execute(QUERIES["forget_late_credentials"])
                await self._pool.execute(QUERIES["networks_forget"], KEEP_UNCONNECTED)
                await self._pool.execute(QUERIES["budgets_forget"])
                await self._pool.execute(QUERIES["forget_commands"], KEEP_COMMANDS)
                await self._pool.execute(QUERIES["forget_syncs"], KEEP_SYNCS)
            except RETRYABLE as error:
                log.warning("housekeeping_failed", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)
