"""Commands to other services, their answers, and the requests that wait for one.

The replica that holds a request is often not the one that consumes the answer: the answer is stored, a
trigger notifies every replica, and a poll covers what a lost notification would leave waiting.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.adapters.connections import SOURCE
from lineshaft.api.adapters.postgres import SQL, Executor, build_or_none
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.model import EventData
from lineshaft.common.logs import logger
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import RETRYABLE, Pool
from lineshaft.common.postgres.pool import Connection as Transaction

POLL_SECONDS = 1.0
LISTENER_CHECK_SECONDS = 5.0

NOT_MADE = ["connection_unavailable", "rate_limited", "reauthorization_required"]
"""Problems of commands that changed nothing and may succeed later."""

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredCommand:
    command_id: str
    kind: str
    connection_id: str | None
    session_id: str | None
    request: dict[str, Any]
    request_hash: str | None
    created_at: datetime
    completed_at: datetime | None
    result: dict[str, Any] | None
    problem: dict[str, Any] | None


async def ask(
    tx: Transaction,
    data: EventData,
    *,
    kind: str,
    key: str,
    session_id: str | None = None,
    request: dict[str, Any] | None = None,
    idempotency: tuple[str, str] | None = None,
) -> bool:
    """Remember the command and publish it when the transaction commits.

    `idempotency` is the caller's key and the hash of the request; False where the key was used before.
    """
    command_id: str = data.command_id  # type: ignore[attr-defined]  # every command has one
    connection_id = getattr(data, "connection_id", None)
    key_given, request_hash = idempotency or (None, None)
    inserted = await tx.fetchval(
        SQL["insert_command"],
        command_id,
        kind,
        connection_id,
        session_id,
        request or {},
        key_given,
        request_hash,
    )
    if inserted is None:
        return False
    await add_events(tx, [new_event(data, source=SOURCE, key=key)])
    return True


async def release_idempotency_key(
    pool: Pool, connection_id: str, idempotency_key: str, request_hash: str
) -> None:
    """An attempt that failed before it reached the source does not stand in the way of the next one."""
    await pool.execute(SQL["release_idempotency_key"], connection_id, idempotency_key, request_hash, NOT_MADE)


async def find_by_idempotency_key(
    pool: Pool, connection_id: str, idempotency_key: str
) -> StoredCommand | None:
    row = await pool.fetchrow(SQL["command_by_idempotency_key"], connection_id, idempotency_key)
    return build_or_none(StoredCommand, row)


async def find_command(pool: Executor, command_id: str) -> StoredCommand | None:
    row = await pool.fetchrow(SQL["command"], command_id)
    return build_or_none(StoredCommand, row)


async def complete_command(
    tx: Transaction,
    command_id: str,
    *,
    at: datetime,
    result: dict[str, Any] | None,
    problem: dict[str, Any] | None,
) -> StoredCommand | None:
    """The command, where this is its first answer."""
    row = await tx.fetchrow(SQL["complete_command"], command_id, at, result, problem)
    return build_or_none(StoredCommand, row)


async def progress_of(pool: Executor, command: StoredCommand) -> dict[str, Any] | None:
    """What is done of it, where the connector tells of that."""
    progress: dict[str, Any] | None = await pool.fetchval(
        SQL["command_progress"], command.connection_id, command.command_id
    )
    return progress


class Waiters:
    """Wakes the requests of this process when an answer was stored by any."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._stopping = False

    async def wait(self, command_id: str, seconds: float) -> StoredCommand | None:
        """The completed command, or what is known of it when the time is over or the process stops."""
        deadline = asyncio.get_running_loop().time() + seconds
        woken = asyncio.Event()
        self._waiting.setdefault(command_id, set()).add(woken)
        try:
            while True:
                command = await find_command(self._pool, command_id)
                left = deadline - asyncio.get_running_loop().time()
                if command is None or command.completed_at is not None or left <= 0 or self._stopping:
                    return command
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), min(left, POLL_SECONDS))
                woken.clear()
        finally:
            waiting = self._waiting[command_id]
            waiting.discard(woken)
            if not waiting:
                del self._waiting[command_id]

    async def listen(self, stopping: asyncio.Event) -> None:
        """Background task: LISTEN on a connection of its own, again whenever it is lost."""
        while not stopping.is_set():
            try:
                async with self._pool.acquire() as connection:
                    channel = f"command_{await connection.fetchval('select current_schema()')}"
                    await connection.add_listener(channel, self._on_notify)
                    try:
                        await self._hold(connection, stopping)
                    finally:
                        await connection.remove_listener(channel, self._on_notify)
            except RETRYABLE as error:
                log.warning("listener_retries", error=repr(error))
                await asyncio.sleep(POLL_SECONDS)
        self._stopping = True
        for command_id in list(self._waiting):
            self._wake(command_id)

    async def _hold(self, connection: Transaction, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LISTENER_CHECK_SECONDS)
            await connection.fetchval("select 1")

    def _on_notify(self, _: object, __: int, ___: str, payload: object) -> None:
        self._wake(str(payload))

    def _wake(self, command_id: str) -> None:
        for event in self._waiting.get(command_id, ()):
            event.set()
