"""Exactly-once effect: an event id is claimed in the same transaction as what the event does."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from lineshaft.common.errors import RetryableError
from lineshaft.common.events.envelope import Event
from lineshaft.common.events.model import EventData
from lineshaft.common.postgres import tombstones
from lineshaft.common.postgres.pool import RETRYABLE, Connection, Pool

KEEP = timedelta(days=8)

_CLAIM = (
    "insert into inbox (subscription, event_id) select $1, unnest($2::text[])"
    " on conflict do nothing returning event_id"
)
_PRUNE = "delete from inbox where received_at < now() - $1::interval"

D = TypeVar("D", bound=EventData)


def transactional(
    pool: Pool,
    subscription: str,
    effect: Callable[[Connection, Sequence[Event[D]]], Awaitable[None]],
) -> Callable[[Sequence[Event[D]]], Awaitable[None]]:
    """A handler whose effect, inbox rows and outbox rows commit together.

    Left out are events that were seen before, and what comes late about a connection that was purged.
    """

    async def handle(events: Sequence[Event[D]]) -> None:
        try:
            async with pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(_CLAIM, subscription, [event.id for event in events])
                new = {row["event_id"] for row in rows}
                fresh = []
                for event in events:
                    if event.id in new:
                        new.discard(event.id)
                        fresh.append(event)
                fresh = await _of_living(connection, fresh)
                if fresh:
                    await effect(connection, fresh)
        except RETRYABLE as error:
            raise RetryableError(f"Postgres: {error!r}") from error

    return handle


async def _of_living(tx: Connection, events: Sequence[Event[D]]) -> list[Event[D]]:
    named = {
        event.id: getattr(event.data, "connection_id", None)
        for event in events
        if not event.data.outlives_connection
    }
    gone = await tombstones.buried(tx, {name for name in named.values() if name is not None})
    return [event for event in events if named.get(event.id) not in gone]


async def prune(pool: Pool) -> int:
    """Forget events older than `KEEP`, which an offset set back further brings again; how many rows."""
    status: Any = await pool.execute(_PRUNE, KEEP)
    return int(status.split()[-1])
