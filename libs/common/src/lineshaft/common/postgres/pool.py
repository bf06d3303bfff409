"""The pool of one service: its own role, whose search path is its own schema."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from lineshaft.common import exact_json
from lineshaft.common.logs import logger

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    # asyncpg's classes take no parameters at run time
    Connection = asyncpg.Connection | PoolConnectionProxy
    Pool = asyncpg.Pool

CONNECT_SECONDS = 60.0
COMMAND_SECONDS = 60.0

RETRYABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    OSError,
    TimeoutError,
)
"""What Postgres says when the same statement may work a moment later."""

log = logger(__name__)


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: b"\x01" + exact_json.encode(value),
        decoder=lambda data: exact_json.decode(data[1:]),
        schema="pg_catalog",
        format="binary",
    )


class _LastingSession(asyncpg.Connection):
    """Comes back as it is, but for an open transaction, which ends: no statement of ours changes a session.

    That saves a round trip for each use.
    """

    def get_reset_query(self) -> str:
        return ""


async def create_pool(
    dsn: str,
    *,
    size: int,
    service: str,
    server_settings: Mapping[str, str] | None = None,
) -> Pool:
    """A pool whose `jsonb` columns are Python values. Waits up to a minute for the server to come up."""
    deadline = asyncio.get_running_loop().time() + CONNECT_SECONDS
    while True:
        try:
            return await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                init=_prepare,
                connection_class=_LastingSession,
                command_timeout=COMMAND_SECONDS,
                server_settings={"application_name": f"lineshaft-{service}", **(server_settings or {})},
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            log.info("waiting_for_postgres", error=repr(error))
            await asyncio.sleep(0.5)
