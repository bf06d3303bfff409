"""One object's part of a sync, and the lease under which a worker reads it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lineshaft.common.events.records import ReadCompleted
from lineshaft.common.events.syncs import ObjectResult, SyncMode, SyncResult
from lineshaft.common.outcomes import Outcome
from lineshaft.connector.domain.gate import Decision, Passage, Reason, Standing, decide
from lineshaft.connector.domain.slices import Origin

MOST_STALLS = 5
"""Leases that ended without a word and without a page, as when a worker is killed."""

NO_PROGRESS = "reading this object ended its worker several times without a page"


@dataclass(frozen=True, slots=True)
class Job:
    sync_id: str
    connection_id: str
    system: str
    object: str
    mode: SyncMode
    sync_objects: tuple[str, ...]
    attempts: int
    stalls: int
    position: dict[str, Any] | None
    """Where the read goes on, in the middle of it."""
    cursor: dict[str, Any] | None
    """Where an incremental read begins."""
    read_fields: tuple[str, ...]
    """Mapped fields that the last complete read had."""
    lease_epoch: int
    read_sequence: int
    sync_created_at: datetime
    traceparent: str | None = None
    """Of the request that the sync was made for."""

    @property
    def start(self) -> dict[str, Any] | None:
        if self.position is not None:
            return self.position
        return None if self.mode is SyncMode.FULL else self.cursor

    @property
    def reads_all(self) -> bool:
        """Every record, changed or not."""
        return self.mode is SyncMode.FULL or self.cursor is None

    @property
    def is_stuck(self) -> bool:
        return self.stalls >= MOST_STALLS


@dataclass(frozen=True, slots=True)
class Lease:
    job: Job
    owner: str
    epoch: int
    started_at: datetime
    """When the sync began."""
    probe: bool = field(default=False)
    """This is the one call that may try while others wait."""

    @property
    def origin(self) -> Origin:
        job = self.job
        return Origin(job.connection_id, job.system, job.object, job.sync_id, self.epoch, job.traceparent)

    @property
    def key(self) -> tuple[str, str, int]:
        return self.job.connection_id, self.job.object, self.epoch


def admit(standing: Standing, probe_until: datetime | None, object_name: str, now: datetime) -> Decision:
    """The gate's answer for a new lease; behind a probe in flight all others wait."""
    decision = decide(standing, object_name, now)
    if decision.passage is Passage.PROBE and probe_until is not None and now < probe_until:
        return Decision(Passage.CLOSED, Reason.BREAKER_OPEN, probe_until)
    return decision


def read_completed(
    job: Job,
    *,
    epoch: int,
    read_sequence: int,
    started_at: datetime,
    ended_at: datetime,
    records: int,
    outcome: Outcome = Outcome.OK,
    message: str | None = None,
) -> ReadCompleted:
    """The marker behind the last record of this object in this sync."""
    return ReadCompleted(
        connection_id=job.connection_id,
        system=job.system,
        sync_id=job.sync_id,
        lease_epoch=epoch,
        read_sequence=read_sequence,
        mode=job.mode,
        started_at=started_at,
        ended_at=ended_at,
        result=ObjectResult(
            object=job.object,
            result=SyncResult.COMPLETED if outcome is Outcome.OK else SyncResult.FAILED,
            records=records,
            outcome=outcome,
            message=message,
        ),
        sync_objects=list(job.sync_objects),
    )
