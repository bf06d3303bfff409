"""Ends of syncs, object by object."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from lineshaft.common.events.records import ReadCompleted
from lineshaft.common.events.syncs import ObjectResult, SyncResult
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.mapping.adapters.postgres import QUERIES


class Ended(NamedTuple):
    expected_objects: Sequence[str]
    started_at: datetime
    objects: Sequence[ObjectResult]
    last_read_at: datetime


async def has_ended(connection: Connection, marker: ReadCompleted) -> bool:
    """Whether this end, or a later one of the object, has been noted."""
    return bool(
        await connection.fetchval(
            QUERIES["has_ended"],
            marker.sync_id,
            marker.result.object,
            marker.lease_epoch,
            marker.read_sequence,
        )
    )


async def add_end(tx: Connection, marker: ReadCompleted) -> Ended | None:
    """Note the end of one object; what has ended so far, None for a sync that was complete before."""
    await tx.execute(
        QUERIES["ensure_sync"],
        marker.sync_id,
        marker.connection_id,
        marker.system,
        marker.mode,
        marker.sync_objects,
        marker.started_at,
    )
    sync = await tx.fetchrow(QUERIES["lock_sync"], marker.connection_id, marker.sync_id)
    if sync is None or sync["completed_at"] is not None:
        return None
    await tx.execute(
        QUERIES["add_sync_object"],
        marker.sync_id,
        marker.result.object,
        marker.lease_epoch,
        marker.read_sequence,
        marker.result.model_dump(mode="json"),
        marker.started_at,
        marker.ended_at,
    )
    rows = await tx.fetch(QUERIES["sync_objects"], marker.sync_id)
    return Ended(
        sync["expected_objects"],
        sync["started_at"],
        [ObjectResult.model_validate(row["result"]) for row in rows],
        max(row["ended_at"] for row in rows),
    )


async def complete(
    tx: Connection,
    marker: ReadCompleted,
    result: SyncResult,
    *,
    records: int,
    data_as_of: datetime,
    now: datetime,
) -> None:
    await tx.execute(
        QUERIES["complete_sync"], marker.connection_id, marker.sync_id, result, records, data_as_of, now
    )


async def forget(pool: Pool, now: datetime, keep: timedelta) -> int:
    """Forget syncs older than `keep` that a later one of their connection has followed."""
    status = await pool.execute(QUERIES["forget_syncs"], now - keep)
    return int(status.rsplit(" ", 1)[1])
