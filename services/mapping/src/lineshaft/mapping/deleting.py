"""After a complete read: what it did not find is gone at the source.

Only behind the marker of a read of everything that came to its end, and in the partition of its object, so
that every page of it has been stored. Very many at once are held until somebody approves them.
"""

from collections.abc import Iterator, Sequence

from lineshaft.common.clock import now
from lineshaft.common.events.commands import CommandCompleted, CommandProblem, DeletionsApproved
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.mappings import DeletionsHeld
from lineshaft.common.events.records import ReadCompleted
from lineshaft.common.events.syncs import SyncMode, SyncResult
from lineshaft.common.ids import derived_id
from lineshaft.common.kafka.record import Record
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres import outbox, tombstones
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.topics import RECORDS_RAW
from lineshaft.common.tracing import traceparent_of
from lineshaft.mapping.adapters import deletions, syncs
from lineshaft.mapping.domain.deletions import LONGEST_READ, is_suspicious
from lineshaft.mapping.domain.entity_events import SOURCE
from lineshaft.mapping.domain.messages import Page, Slice
from lineshaft.mapping.recording import Recorder

PAGE = 500
NOTHING_HELD = CommandProblem(code="not_found", message="No deletions of this object are held.")

log = logger(__name__)


class Deleter:
    def __init__(self, pool: Pool, recorder: Recorder) -> None:
        self._pool = pool
        self._recorder = recorder

    async def read_completed(self, event: Event[ReadCompleted]) -> None:
        marker = event.data
        if marker.mode is not SyncMode.FULL or marker.result.result is not SyncResult.COMPLETED:
            return
        if marker.ended_at - marker.started_at > LONGEST_READ:
            log.warning(
                "read_too_long_for_deletions", connection_id=marker.connection_id, sync_id=marker.sync_id
            )
            return
        name = marker.result.object
        async with self._pool.acquire() as connection, connection.transaction():
            if await tombstones.buried(connection, [marker.connection_id]):
                return
            if await syncs.has_ended(connection, marker):
                # It comes again, and the keys of its pages may be folded by now.
                return
            found = await deletions.missing(connection, marker)
            suspicious = is_suspicious(len(found.keys), found.known)
            if suspicious and not await deletions.approved(connection, marker.connection_id, name):
                if await deletions.hold(connection, marker, found):
                    await outbox.add_events(connection, [_held(event, found)])
                    METRICS.deletions_held.labels(marker.system).inc()
                log.warning(
                    "deletions_held",
                    connection_id=marker.connection_id,
                    object=name,
                    missing=len(found.keys),
                    known=found.known,
                )
                return
        for page in _pages(event, found.keys):
            await self._recorder.record([page])
        await deletions.forget(self._pool, marker.connection_id, name)
        if found.keys:
            log.info("records_gone", connection_id=marker.connection_id, object=name, records=len(found.keys))


def _held(event: Event[ReadCompleted], found: deletions.Missing) -> Event[DeletionsHeld]:
    marker = event.data
    held = DeletionsHeld(
        connection_id=marker.connection_id,
        system=marker.system,
        object=marker.result.object,
        sync_id=marker.sync_id,
        missing=len(found.keys),
        known=found.known,
        at=marker.ended_at,
    )
    event_id = derived_id("evt", "deletions", marker.sync_id, marker.result.object)
    return new_event(held, source=SOURCE, key=marker.connection_id, event_id=event_id, cause=event)


def _pages(event: Event[ReadCompleted], keys: Sequence[str]) -> Iterator[Page]:
    marker, trace = event.data, traceparent_of(event.traceparent).encode()
    for start in range(0, len(keys), PAGE):
        data = Slice(
            connection_id=marker.connection_id,
            system=marker.system,
            object=marker.result.object,
            sync_id=marker.sync_id,
            lease_epoch=marker.lease_epoch,
            read_sequence=marker.read_sequence,
            read_at=marker.ended_at,
            records=[],
            deleted=list(keys[start : start + PAGE]),
        )
        yield Page(data, Record(RECORDS_RAW.name, 0, 0, None, None), trace, deletion_kind="absent")


async def on_approvals(tx: Connection, events: Sequence[Event[DeletionsApproved]]) -> None:
    """Noted for the next complete read, which the asker starts."""
    for event in events:
        asked = event.data
        held = await deletions.approve(tx, asked.connection_id, asked.object, asked.actor)
        answer = CommandCompleted(
            command_id=asked.command_id,
            connection_id=asked.connection_id,
            at=now(),
            result={"object": asked.object} if held else None,
            problem=None if held else NOTHING_HELD,
        )
        event_id = derived_id("evt", asked.command_id, "completed")
        await outbox.add_events(
            tx, [new_event(answer, source=SOURCE, key=asked.connection_id, event_id=event_id, cause=event)]
        )
