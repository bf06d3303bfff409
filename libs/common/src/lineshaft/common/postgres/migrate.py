"""Plain SQL migrations, safe when many processes start at once.

Files `NNNN_name.sql` run once, in order, each in a transaction, under a lock that is polled: the blocking
form can deadlock with statements that wait for all transactions to end.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from importlib.resources import files

import asyncpg

from lineshaft.common.errors import ConfigurationError
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import Pool

LOCK = 0x11E5_4AF7
COMMON_PACKAGE = "lineshaft.common.postgres"

log = logger(__name__)


async def migrate(pool: Pool, package: str) -> list[str]:
    """Bring the schema up to date with the common migrations and those of `package`; the names that ran.

    Raises:
        ConfigurationError: a migration that already ran was changed since.
    """
    scripts = [*_scripts(COMMON_PACKAGE), *(_scripts(package) if package != COMMON_PACKAGE else ())]
    async with pool.acquire() as connection:
        while not await connection.fetchval(  # noqa: ASYNC110  another process holds the lock
            "select pg_try_advisory_lock($1, hashtext(current_schema()))",
            LOCK,
        ):
            await asyncio.sleep(0.1)
        try:
            return await _run(connection, scripts)
        finally:
            await connection.execute("select pg_advisory_unlock($1, hashtext(current_schema()))", LOCK)


def _scripts(package: str) -> Iterable[tuple[str, str]]:
    folder = files(package).joinpath("migrations")
    prefix = "common/" if package == COMMON_PACKAGE else ""
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            yield prefix + file.name, file.read_text(encoding="utf-8")


async def _run(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]",
    scripts: Iterable[tuple[str, str]],
) -> list[str]:
    await connection.execute(
        "create table if not exists schema_migration"
        " (name text primary key, checksum text not null, applied_at timestamptz not null default now())",
    )
    done = {row["name"]: row["checksum"] for row in await connection.fetch("select * from schema_migration")}
    ran = []
    for name, script in scripts:
        checksum = hashlib.sha256(script.encode()).hexdigest()
        if name in done:
            if done[name] != checksum:
                raise ConfigurationError(f"migration {name} was changed after it ran; add a new one instead")
            continue
        async with connection.transaction():
            await connection.execute(script)
            await connection.execute(
                "insert into schema_migration (name, checksum) values ($1, $2)", name, checksum
            )
        ran.append(name)
        log.info("migrated", migration=name)
    return ran
