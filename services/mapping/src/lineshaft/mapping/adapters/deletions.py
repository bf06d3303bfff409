"""What a complete read has shown to be gone, and deletions that are held until somebody approves them."""

from collections.abc import Sequence
from typing import NamedTuple

from lineshaft.common.events.records import ReadCompleted
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.mapping.adapters.postgres import QUERIES

SAMPLE = 10


class Missing(NamedTuple):
    keys: Sequence[str]
    known: int
    """Records of the object that were there before."""


async def missing(connection: Connection, marker: ReadCompleted) -> Missing:
    row = await connection.fetchrow(
        QUERIES["missing_records"],
        marker.connection_id,
        marker.result.object,
        marker.sync_id,
        marker.started_at,
    )
    return Missing(row["keys"] or (), row["known"]) if row is not None else Missing((), 0)


async def hold(tx: Connection, marker: ReadCompleted, found: Missing) -> bool:
    """Keep the deletions as a proposal; whether that is news."""
    news = await tx.fetchval(
        QUERIES["hold_deletions"],
        marker.connection_id,
        marker.result.object,
        marker.sync_id,
        len(found.keys),
        found.known,
        list(found.keys[:SAMPLE]),
    )
    return bool(news)


async def approved(tx: Connection, connection_id: str, object_name: str) -> bool:
    """Whether somebody has approved the deletions; it counts until a read has used it."""
    return bool(await tx.fetchval(QUERIES["deletions_approved"], connection_id, object_name))


async def approve(tx: Connection, connection_id: str, object_name: str, actor: str) -> bool:
    """False where nothing is held."""
    return bool(await tx.fetchval(QUERIES["approve_deletions"], connection_id, object_name, actor))


async def forget(pool: Pool, connection_id: str, object_name: str) -> None:
    """A read that holds nothing back makes the proposal void."""
    await pool.execute(QUERIES["forget_deletions"], connection_id, object_name)
