"""Background work: forget what nobody can use any more."""

import asyncio
import contextlib

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.adapters.visits import give_up_choices
from lineshaft.common.clock import Clock
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import RETRYABLE, Pool

FORGET_SECONDS = 3600.0

log = logger(__name__)


async def forget_old(pool: Pool, clock: Clock, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            async with pool.acquire() as tx, tx.transaction():
                await give_up_choices(tx, clock())
            await pool.execute(SQL["forget_link_sessions"])
            await pool.execute(SQL["forget_consents"])
            await pool.execute(SQL["forget_commands"])
            await pool.execute(SQL["forget_console_sessions"])
        except RETRYABLE as error:
            log.warning("forgetting_retries", error=repr(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), FORGET_SECONDS)
