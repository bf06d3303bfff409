import asyncio

import pytest

from lineshaft.common.errors import ConfigurationError
from lineshaft.common.postgres.migrate import COMMON_PACKAGE, migrate
from lineshaft.common.postgres.pool import create_pool
from lineshaft.tools.testing.infrastructure import Database

pytestmark = pytest.mark.integration


async def test_many_starters_migrate_once(database: Database) -> None:
    pools = [await create_pool(database.dsn("api"), size=2, service="test") for _ in range(5)]
    ran = await asyncio.gather(*(migrate(pool, COMMON_PACKAGE) for pool in pools))
    assert sorted(map(len, ran)) == [0, 0, 0, 0, 2]
    for pool in pools:
        await pool.close()


async def test_a_migration_that_was_changed_after_it_ran_is_refused(database: Database) -> None:
    pool = await create_pool(database.dsn("notifier"), size=2, service="test")
    await migrate(pool, COMMON_PACKAGE)
    await pool.execute("update schema_migration set checksum = 'another'")
    with pytest.raises(ConfigurationError, match="0001_outbox_inbox"):
        await migrate(pool, COMMON_PACKAGE)
    await pool.close()
