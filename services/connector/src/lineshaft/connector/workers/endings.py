"""How a slice ends: each in one transaction, fenced by the lease, with all that is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.common.events.calls import Call
from lineshaft.common.events.envelope import Event
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection
from lineshaft.connector.adapters import gates, schemas, syncs
from lineshaft.connector.domain.aftermath import Aftermath, Step
from lineshaft.connector.domain.evidence import Evidence, succeeded_calls
from lineshaft.connector.domain.fields import Selection, note_on
from lineshaft.connector.domain.jobs import Job, Lease, read_completed
from lineshaft.connector.domain.protocol import Cursor
from lineshaft.connector.workers.settling import settle
from lineshaft.connector.workers.tools import OpenSource, Tools, call_events, event_about


@dataclass(slots=True)
class Tally:
    """What one slice has read."""

    read_sequence: int
    pages: int = 0
    records: int = 0
    milliseconds: float = 0.0

    def add(self, records: int, milliseconds: float) -> None:
        self.pages += 1
        self.records += records
        self.milliseconds += milliseconds


async def paused(tools: Tools, lease: Lease, source: OpenSource | None, tally: Tally) -> None:
    """The job goes on from its saved cursor as soon as it is its turn and the gate lets it."""
    async with tools.pool.acquire() as connection, connection.transaction():
        await _probe_succeeded(connection, lease, tally)
        if await syncs.release_stream(connection, lease) is not None:
            await _again(connection, lease.job, tools.clock(), _attempts(lease, tally))
        await add_events(connection, call_events(_successes(tools, lease, source, tally)))


async def postponed(
    tools: Tools,
    lease: Lease,
    source: OpenSource | None,
    tally: Tally,
    until: datetime,
    *,
    attempts: int | None = None,
) -> None:
    """Nothing is wrong with the source; we could not do our part."""
    async with tools.pool.acquire() as connection, connection.transaction():
        if await syncs.release_stream(connection, lease) is not None:
            counted = _attempts(lease, tally) if attempts is None else attempts
            await _again(connection, lease.job, until, counted)
        await add_events(connection, call_events(_successes(tools, lease, source, tally)))


async def finished(
    tools: Tools,
    lease: Lease,
    source: OpenSource,
    tally: Tally,
    *,
    cursor: Cursor | None,
    records: int,
    selection: Selection,
) -> bool:
    """After the last page, which held `records`; False where the lease was lost meanwhile."""
    async with tools.pool.acquire() as connection, connection.transaction():
        await _probe_succeeded(connection, lease, tally)
        ours = await syncs.finish_stream(
            connection,
            lease,
            cursor=cursor,
            read_sequence=tally.read_sequence,
            read_fields=selection.mapped,
            columns=selection.fields if lease.job.reads_all else None,
        )
        if not ours:
            return False
        note = note_on(selection)
        total = await syncs.end(connection, lease.job, message=note, records=records, pages=1)
        await add_events(
            connection,
            [
                *call_events(_successes(tools, lease, source, tally)),
                marker(tools, lease, tally.read_sequence, records=total or 0, message=note),
            ],
        )
    return True


async def failed(
    tools: Tools, lease: Lease, source: OpenSource, tally: Tally, evidence: Evidence
) -> Aftermath:
    """The source did not answer as it should: what follows is decided by the outcome."""
    aftermath = tools.after(evidence, _attempts(lease, tally))
    async with tools.pool.acquire() as connection, connection.transaction():
        failures = await settle(
            connection, source, evidence, aftermath, tools.clock, sync_id=lease.job.sync_id
        )
        told = call_events([*_successes(tools, lease, source, tally), *failures])
        sequence = await syncs.release_stream(connection, lease)
        if sequence is not None:
            told += await _consequence(
                connection, tools, lease, sequence, aftermath=aftermath, evidence=evidence
            )
        await add_events(connection, told)
    return aftermath


async def given_up(tools: Tools, lease: Lease, message: str) -> None:
    """We ourselves cannot read this object."""
    async with tools.pool.acquire() as connection, connection.transaction():
        sequence = await syncs.release_stream(connection, lease)
        if sequence is not None:
            events = await end_failed(
                connection, tools, lease, sequence, outcome=Outcome.SOURCE_ERROR, message=message
            )
            await add_events(connection, events)


async def end_failed(
    tx: Connection,
    tools: Tools,
    lease: Lease,
    read_sequence: int,
    *,
    outcome: Outcome,
    message: str | None,
) -> list[Event[Any]]:
    total = await syncs.end(tx, lease.job, outcome=outcome, message=message)
    if total is None:
        return []
    return [marker(tools, lease, read_sequence, records=total, outcome=outcome, message=message)]


def marker(
    tools: Tools,
    lease: Lease,
    read_sequence: int,
    *,
    records: int,
    outcome: Outcome = Outcome.OK,
    message: str | None = None,
) -> Event[Any]:
    job = lease.job
    completed = read_completed(
        job,
        epoch=lease.epoch,
        read_sequence=read_sequence,
        started_at=lease.started_at,
        ended_at=tools.clock(),
        records=records,
        outcome=outcome,
        message=message,
    )
    return event_about(completed, lease.origin.key, job.sync_id, job.object, "read_completed")


async def _consequence(
    tx: Connection,
    tools: Tools,
    lease: Lease,
    read_sequence: int,
    *,
    aftermath: Aftermath,
    evidence: Evidence,
) -> list[Event[Any]]:
    if evidence.outcome in {Outcome.PERMISSION_DENIED, Outcome.CONFIGURATION_ERROR}:
        await schemas.doubt(tx, lease.job.connection_id, lease.job.object)
    if aftermath.step is Step.FAIL:
        return await end_failed(
            tx, tools, lease, read_sequence, outcome=evidence.outcome, message=evidence.message
        )
    # a job that waits for the gate is parked when it is picked again, under the gate's lock
    due_at = aftermath.due_at if aftermath.step is Step.RETRY else None
    await _again(tx, lease.job, due_at or tools.clock(), aftermath.attempts)
    return []


async def _again(tx: Connection, job: Job, due_at: datetime, attempts: int) -> None:
    await syncs.requeue(tx, job, state="queued", due_at=due_at, attempts=attempts)


async def _probe_succeeded(tx: Connection, lease: Lease, tally: Tally) -> None:
    if lease.probe:
        await gates.lock(tx, lease.job.connection_id)
        if tally.pages:
            await syncs.probe_over(tx, lease.job.connection_id)
            await syncs.unpark(tx, lease.job.connection_id)


def _attempts(lease: Lease, tally: Tally) -> int:
    return 0 if tally.pages else lease.job.attempts


def _successes(tools: Tools, lease: Lease, source: OpenSource | None, tally: Tally) -> Sequence[Call]:
    if source is None or not tally.pages:
        return []
    return [
        succeeded_calls(
            source.caller,
            Operation.READ,
            at=tools.clock(),
            object_name=lease.job.object,
            count=tally.pages,
            records=tally.records,
            duration_ms=tally.milliseconds / tally.pages,
            sync_id=lease.job.sync_id,
        )
    ]
