"""Sync requests, jobs, leases and cursors.

Whoever needs the gate's row locks it before the rows of the sync.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lineshaft.common.errors import RetryableError
from lineshaft.common.events.syncs import SyncMode
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Outcome
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.tracing import traceparent_of
from lineshaft.connector.adapters.postgres import QUERIES, Database, standing_of
from lineshaft.connector.domain.gate import Standing
from lineshaft.connector.domain.jobs import Job, Lease

LEASE = timedelta(seconds=60)


async def place_after_write(pool: Pool, connection_id: str, object_name: str) -> int:
    """The lease epoch of what a write left behind.

    Raises:
        RetryableError: the connection was deleted meanwhile.
    """
    epoch = await pool.fetchval(QUERIES["stream_after_write"], connection_id, object_name)
    if epoch is None:
        raise RetryableError(f"{connection_id} was deleted")
    return int(epoch)


async def request(
    tx: Connection,
    connection_id: str,
    request_id: str,
    *,
    system: str,
    mode: SyncMode,
    objects: Sequence[str],
    requested_by: str,
    traceparent: str | None = None,
) -> str:
    """The sync that answers a request: the one of before, one that waits and covers it, or a new one."""
    known = await tx.fetchval(QUERIES["sync_known"], connection_id, request_id)
    if known is not None:
        return str(known)
    sync_id = await tx.fetchval(QUERIES["sync_pending"], connection_id, list(objects), mode)
    if sync_id is None:
        sync_id = new_id("syn")
        await tx.execute(
            QUERIES["sync_add"],
            sync_id,
            connection_id,
            system,
            mode,
            list(objects),
            traceparent_of(traceparent),
        )
        await tx.execute(QUERIES["stream_add"], connection_id, list(objects))
        await tx.execute(QUERIES["job_add"], sync_id, connection_id, list(objects))
    await tx.execute(QUERIES["sync_ask"], connection_id, request_id, sync_id, requested_by)
    return str(sync_id)


async def requesters(tx: Connection, sync_id: str) -> list[str]:
    return [row["requested_by"] for row in await tx.fetch(QUERIES["sync_requesters"], sync_id)]


@dataclass(frozen=True, slots=True)
class Picked:
    """A job whose stream is free, locked for this transaction."""

    job: Job
    state: str
    standing: Standing
    probe_until: datetime | None
    begun: bool
    """The sync has been working on some object before."""


async def pick(tx: Connection, concurrency: Mapping[str, int]) -> Picked | None:
    """The next due job, fair across connections; `concurrency` is per system."""
    row = await tx.fetchrow(QUERIES["job_pick"], dict(concurrency))
    if row is None:
        return None
    return Picked(
        _job(row), row["state"], standing_of(row), row["probe_until"], row["sync_started_at"] is not None
    )


async def lease(tx: Connection, job: Job, owner: str, *, probe: bool) -> Lease:
    row = await tx.fetchrow(
        QUERIES["job_lease"], job.sync_id, job.connection_id, job.object, owner, LEASE, probe
    )
    if row is None:
        raise LookupError(f"no job {job.sync_id}/{job.object}")
    return Lease(job, owner, row["lease_epoch"], row["sync_started_at"], probe)


async def park(tx: Connection, job: Job, until: datetime | None) -> None:
    await tx.execute(QUERIES["job_park"], job.connection_id, job.sync_id, job.object, until)


async def renew(pool: Pool, owner: str, held: Sequence[Lease]) -> set[tuple[str, str, int]]:
    """Heartbeat; the (connection, object, epoch) that the owner still holds."""
    rows = await pool.fetch(
        QUERIES["job_renew"],
        [lease.job.connection_id for lease in held],
        [lease.job.object for lease in held],
        owner,
        LEASE,
    )
    return {(row["connection_id"], row["object"], row["lease_epoch"]) for row in rows}


async def save_page(
    pool: Pool, held: Lease, *, read_sequence: int, position: Mapping[str, Any] | None, records: int
) -> Standing | None:
    """What decides about the next call; None where the lease is lost."""
    job = held.job
    row = await pool.fetchrow(
        QUERIES["page_save"],
        job.connection_id,
        job.object,
        held.epoch,
        held.owner,
        read_sequence,
        job.sync_id,
        position,
        records,
        LEASE,
    )
    return standing_of(row) if row is not None and row["ours"] else None


async def finish_stream(
    tx: Connection,
    held: Lease,
    *,
    cursor: Mapping[str, Any] | None,
    read_sequence: int,
    read_fields: Sequence[str],
    columns: Sequence[str] | None,
) -> bool:
    """Save where the next sync begins and give the stream back; whether it was still ours.

    `columns` are the fields that were asked for, where all records were read.
    """
    return bool(
        await tx.fetchval(
            QUERIES["stream_finish"],
            held.job.connection_id,
            held.job.object,
            held.epoch,
            held.owner,
            cursor,
            read_sequence,
            list(read_fields),
            None if columns is None else list(columns),
        )
    )


async def columns_read(tx: Connection, connection_id: str, object_name: str) -> set[str] | None:
    """What the last complete read of an object asked for; None where there was none."""
    columns = await tx.fetchval(QUERIES["stream_columns"], connection_id, object_name)
    return None if columns is None else set(columns)


async def read_fields(db: Database, connection_id: str) -> dict[str, Sequence[str]]:
    """Mapped fields that the last complete read of each object had."""
    rows = await db.fetch(QUERIES["stream_read_fields"], connection_id)
    return {row["object"]: row["read_fields"] for row in rows}


async def release_stream(tx: Connection, held: Lease) -> int | None:
    """The stream's last read sequence; None where it was not ours any more."""
    sequence: int | None = await tx.fetchval(
        QUERIES["stream_release"], held.job.connection_id, held.job.object, held.epoch, held.owner
    )
    return sequence


async def requeue(tx: Connection, job: Job, *, state: str, due_at: datetime | None, attempts: int) -> None:
    await tx.execute(
        QUERIES["job_requeue"], job.connection_id, job.sync_id, job.object, state, due_at, attempts
    )


async def end(
    tx: Connection,
    job: Job,
    *,
    outcome: Outcome = Outcome.OK,
    message: str | None = None,
    records: int = 0,
    pages: int = 0,
) -> int | None:
    """End the job, and its sync where it was the last one; all records of the job, None if it had ended."""
    row = await tx.fetchrow(
        QUERIES["job_end"],
        job.connection_id,
        job.sync_id,
        job.object,
        "read" if outcome is Outcome.OK else "failed",
        outcome,
        message,
        records,
        pages,
    )
    if row is None:
        return None
    await tx.execute(QUERIES["sync_end"], job.connection_id, job.sync_id)
    return int(row["records"])


async def unpark(tx: Connection, connection_id: str) -> None:
    """Jobs that wait for the gate look again."""
    await tx.execute(QUERIES["job_unpark"], connection_id)


async def hasten(tx: Connection, connection_id: str) -> None:
    """Jobs that wait for anything look again."""
    await tx.execute(QUERIES["job_hasten"], connection_id)


async def probe_over(tx: Connection, connection_id: str) -> None:
    await tx.execute(QUERIES["probe_over"], connection_id)


async def counts(pool: Pool) -> dict[str, int]:
    return {row["state"]: row["count"] for row in await pool.fetch(QUERIES["job_counts"])}


async def oldest_due(pool: Pool) -> float:
    """For how many seconds the job that should have begun first has waited."""
    return float(await pool.fetchval(QUERIES["oldest_due_job"]))


def _job(row: Any) -> Job:
    return Job(
        sync_id=row["sync_id"],
        connection_id=row["connection_id"],
        system=row["system"],
        object=row["object"],
        mode=SyncMode(row["mode"]),
        sync_objects=tuple(row["objects"]),
        attempts=row["attempts"],
        stalls=row["stalls"],
        position=row["position"],
        cursor=row["cursor"],
        read_fields=tuple(row["read_fields"]),
        lease_epoch=row["lease_epoch"],
        read_sequence=row["read_sequence"],
        sync_created_at=row["sync_created_at"],
        traceparent=row["traceparent"],
    )
