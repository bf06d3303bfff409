"""Leases jobs of syncs and reads them, a slice at a time."""

import asyncio
import contextlib

from lineshaft.common.events.syncs import SyncStarted
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.outcomes import Outcome
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import RETRYABLE, Connection
from lineshaft.common.tracing import span
from lineshaft.connector.adapters import syncs
from lineshaft.connector.adapters.syncs import Picked
from lineshaft.connector.domain.gate import Passage
from lineshaft.connector.domain.jobs import NO_PROGRESS, Lease, admit
from lineshaft.connector.workers import endings
from lineshaft.connector.workers.slice import Slice
from lineshaft.connector.workers.tools import Tools, event_about

HEARTBEAT_SECONDS = 15.0

_STATES = ("queued", "running", "waiting")

log = logger(__name__)


class Syncing:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._slices: dict[tuple[str, str, int], tuple[Lease, Slice]] = {}
        self._concurrency = {
            name: system.manifest.limits.concurrency for name, system in tools.catalog.systems.items()
        }

    async def take(self) -> Lease | None:
        """The next lease; jobs whose gate is closed are parked on the way."""
        while True:
            async with self._tools.pool.acquire() as connection, connection.transaction():
                picked = await syncs.pick(connection, self._concurrency)
                if picked is None:
                    return None
                lease = await self._admit(connection, picked)
            if lease is not None:
                return lease

    async def work(self, lease: Lease, stopping: asyncio.Event) -> None:
        job, piece = lease.job, Slice(self._tools, lease)
        self._slices[lease.key] = lease, piece
        try:
            if stopping.is_set():
                piece.halt()
            with span("sync slice", job.traceparent, connection_id=job.connection_id, object=job.object):
                await piece.run()
        finally:
            del self._slices[lease.key]

    async def heartbeat(self, stopping: asyncio.Event) -> None:
        """Keeps leases while their slices run; slices whose lease is lost end, and all when stopping."""
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), HEARTBEAT_SECONDS)
            try:
                await self._renew()
                await self._count()
            except RETRYABLE as error:
                log.warning("heartbeat_failed", error=repr(error))
        for _, piece in list(self._slices.values()):
            piece.halt()

    async def _admit(self, tx: Connection, picked: Picked) -> Lease | None:
        job = picked.job
        now = self._tools.clock()
        decision = admit(picked.standing, picked.probe_until, job.object, now)
        if decision.closed:
            await syncs.park(tx, job, decision.until)
            if picked.state != "waiting":
                log.info(
                    "job_waits", connection_id=job.connection_id, object=job.object, reason=decision.reason
                )
            return None
        if job.is_stuck:
            await self._give_up(tx, picked)
            return None
        lease = await syncs.lease(tx, job, self._tools.owner, probe=decision.passage is Passage.PROBE)
        if not picked.begun:
            started = SyncStarted(
                connection_id=job.connection_id,
                system=job.system,
                sync_id=job.sync_id,
                at=now,
                objects=list(job.sync_objects),
                mode=job.mode,
                requested_by=await syncs.requesters(tx, job.sync_id),
            )
            await add_events(tx, [event_about(started, job.connection_id, job.sync_id, "started")])
        return lease

    async def _give_up(self, tx: Connection, picked: Picked) -> None:
        job = picked.job
        log.error("job_stuck", connection_id=job.connection_id, object=job.object, sync_id=job.sync_id)
        lease = Lease(job, self._tools.owner, job.lease_epoch, job.sync_created_at)
        events = await endings.end_failed(
            tx, self._tools, lease, job.read_sequence, outcome=Outcome.SOURCE_ERROR, message=NO_PROGRESS
        )
        await add_events(tx, events)

    async def _renew(self) -> None:
        held = list(self._slices.values())
        if not held:
            return
        kept = await syncs.renew(self._tools.pool, self._tools.owner, [lease for lease, _ in held])
        for lease, piece in held:
            if lease.key not in kept:
                log.warning("lease_lost", connection_id=lease.job.connection_id, object=lease.job.object)
                piece.lose()

    async def _count(self) -> None:
        counts = await syncs.counts(self._tools.pool)
        for state in _STATES:
            METRICS.sync_jobs.labels(state).set(counts.get(state, 0))
        METRICS.sync_oldest.set(await syncs.oldest_due(self._tools.pool))
