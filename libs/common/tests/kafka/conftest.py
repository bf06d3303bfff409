from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lineshaft.common.postgres.pool import Pool
from lineshaft.tools.testing.infrastructure import Database

from .members import Group, Kind, Raw, Transactional, effect_pool, new_group


@pytest.fixture
async def group(bootstrap_servers: str) -> AsyncIterator[Group]:
    group = await new_group(bootstrap_servers)
    yield group
    await group.producer.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def effects(database: Database) -> AsyncIterator[Pool]:
    pool = await effect_pool(database)
    yield pool
    await pool.close()


@pytest.fixture(params=["raw", "transactional"])
def kind(request: pytest.FixtureRequest, effects: Pool) -> Kind:
    return Raw() if request.param == "raw" else Transactional(effects)
