"""A sync is complete when the ends of all its objects have come by: then all its records are readable."""

from lineshaft.common.clock import Clock
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.records import ReadCompleted
from lineshaft.common.events.syncs import SyncCompleted, SyncFailed, SyncResult
from lineshaft.common.ids import derived_id
from lineshaft.common.logs import logger
from lineshaft.common.postgres import outbox, tombstones
from lineshaft.common.postgres.pool import Pool
from lineshaft.mapping.adapters import syncs
from lineshaft.mapping.domain.entity_events import SOURCE
from lineshaft.mapping.domain.syncs import complete, overall

log = logger(__name__)


class Completer:
    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def read_completed(self, event: Event[ReadCompleted]) -> None:
        """Note the end of one object; the last one ends the sync, once."""
        marker = event.data
        async with self._pool.acquire() as connection, connection.transaction():
            if await tombstones.buried(connection, [marker.connection_id]):
                return
            ended = await syncs.add_end(connection, marker)
            if ended is None or not complete(ended.expected_objects, ended.objects):
                return
            now = self._clock()
            result = overall(ended.objects)
            records = sum(one.records for one in ended.objects)
            await syncs.complete(
                connection,
                marker,
                result,
                records=records,
                data_as_of=ended.last_read_at,
                now=now,
            )
            model = SyncFailed if result is SyncResult.FAILED else SyncCompleted
            data = model(
                connection_id=marker.connection_id,
                system=marker.system,
                sync_id=marker.sync_id,
                at=now,
                result=result,
                mode=marker.mode,
                started_at=ended.started_at,
                records=records,
                objects=list(ended.objects),
            )
            completed = new_event(
                data,
                source=SOURCE,
                key=marker.connection_id,
                event_id=derived_id("evt", "sync", marker.sync_id),
                cause=event,
            )
            await outbox.add_events(connection, [completed])
        log.info("sync_ended", connection_id=marker.connection_id, sync_id=marker.sync_id, result=result)
