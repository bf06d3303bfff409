"""An emptied database of the notifier and a stage on it, for each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from lineshaft.common.postgres.pool import Pool
from lineshaft.tools.testing.infrastructure import Database

from .stage import Stage, a_receiver

TABLES = (
    "endpoint, event, delivery, attempt, webhook_secret, connection, tombstone, outbox, replay,"
    " alert_channel, alert_secret, alert_message, alert"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(database: Database) -> AsyncIterator[Pool]:
    pool = await database.pool("notifier", size=12)
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def pool(filled: Pool) -> Pool:
    await filled.execute(f"truncate {TABLES}")
    return filled


@pytest_asyncio.fixture
async def stage(pool: Pool) -> AsyncIterator[Stage]:
    async with a_receiver() as receiver:
        yield Stage(pool, receiver)
