from dataclasses import dataclass

import asyncpg

from lineshaft.common.ids import new_id
from lineshaft.common.postgres.bootstrap import bootstrap
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import Pool, create_pool

ROLE_PASSWORD = "test-role-password"  # noqa: S105  lives as long as one test run


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one test module, with the roles and schemas of all services."""

    admin_dsn: str

    def dsn(self, service: str) -> str:
        """`service` as in the package name: `health_monitor`."""
        host = self.admin_dsn.rpartition("@")[2]
        return f"postgresql://lineshaft_{service}:{ROLE_PASSWORD}@{host}"

    async def pool(self, service: str, *, size: int = 8) -> Pool:
        """A pool of the service's own role, its migrations applied."""
        pool = await create_pool(self.dsn(service), size=size, service=service)
        await migrate(pool, f"lineshaft.{service}.adapters")
        return pool


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics under a prefix of one test."""

    bootstrap_servers: str
    prefix: str


async def create_database(superuser_dsn: str) -> Database:
    """A new database beside the one of the DSN, bootstrapped."""
    name = new_id("test")
    connection = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    dsn = f"{superuser_dsn.rpartition('/')[0]}/{name}"
    await bootstrap(dsn, ROLE_PASSWORD)
    return Database(dsn)
