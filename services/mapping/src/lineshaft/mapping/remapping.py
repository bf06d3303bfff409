"""Stored records follow a changed mapping, chunk by chunk, on the partition that owns them.

A chunk travels on `records.raw` with the key of its connection and object: pages before it are stored
when it is handled, pages after it see the new version, so none can slip through between them.
"""

from collections.abc import Sequence

from lineshaft.common.clock import Clock
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.records import RemapRequested
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres import outbox, tombstones
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.tracing import traceparent_of
from lineshaft.mapping.adapters import definitions, postgres, remaps
from lineshaft.mapping.domain.entity_events import SOURCE
from lineshaft.mapping.domain.labels import entity_label, field_label
from lineshaft.mapping.domain.mappings import Mappings, compile_effective
from lineshaft.mapping.domain.records import Effect
from lineshaft.mapping.domain.remaps import Behind, remap
from lineshaft.mapping.retiring import retirement

log = logger(__name__)


async def on_mappings_changed(tx: Connection, events: Sequence[Event[MappingChanged]]) -> None:
    """Put newer definitions in force and begin to map what is stored.

    Raises:
        DeadLetterError: a definition is not valid; the version before it stays in force.
    """
    for event in events:
        change = event.data
        compile_effective(change.entity, change.version, change.effective)
        replaced = await definitions.upsert(tx, change)
        if replaced is None:
            continue
        if replaced.object and replaced.object != change.object:
            await outbox.add_events(tx, [retirement(event, replaced.object)])
        if change.object:
            await remaps.start(tx, change)
            await outbox.add_events(tx, [_chunk(change, "", event)])
        log.info(
            "mapping_in_force",
            connection_id=change.connection_id,
            entity=change.entity,
            version=change.version,
            changed_by=change.changed_by,
        )


class Remapper:
    def __init__(
        self, pool: Pool, producer: Producer, mappings: Mappings, clock: Clock, chunk_records: int
    ) -> None:
        self._pool = pool
        self._producer = producer
        self._mappings = mappings
        self._clock = clock
        self._chunk_records = chunk_records

    async def chunk(self, event: Event[RemapRequested]) -> None:
        """Map the next stored records; then ask for the next chunk, or end where none is behind."""
        request = event.data
        async with self._pool.acquire() as connection, connection.transaction():
            if await tombstones.buried(connection, [request.connection_id]):
                return
            progress = await remaps.progress(connection, request.connection_id, request.entity)
            expected = (request.version, request.after, None)
            if progress != expected:
                log.info(
                    "remap_chunk_passed_over", connection_id=request.connection_id, entity=request.entity
                )
                return
            rows = await self._behind(connection, request, request.after)
            if not rows and request.after:
                rows = await self._behind(connection, request, "")
            await self._map(connection, event, rows)

    async def _behind(self, connection: Connection, request: RemapRequested, after: str) -> Sequence[Behind]:
        return await remaps.behind(
            connection,
            request.connection_id,
            request.entity,
            request.object,
            version=request.version,
            after=after,
            limit=self._chunk_records,
        )

    async def _map(
        self, connection: Connection, event: Event[RemapRequested], rows: Sequence[Behind]
    ) -> None:
        request = event.data
        in_force = await definitions.in_force(connection, [request.connection_id])
        row = in_force.get(request.connection_id, {}).get(request.entity)
        if row is None or row.version != request.version:
            return
        active = await definitions.compiled(connection, self._mappings, row)
        now = self._clock()
        trace = traceparent_of(event.traceparent).encode()
        result = remap(request.connection_id, rows, active, now, trace)
        await self._producer.publish_batches(result.messages)
        errors = result.errors.all()
        await remaps.write(connection, request.connection_id, active, result, now)
        await postgres.add_field_errors(connection, errors)
        await remaps.advance(
            connection,
            request.connection_id,
            request.entity,
            after=rows[-1].id if rows else request.after,
            mapped=len(rows),
            changed=len(result.changed),
            finished_at=None if rows else now,
        )
        if rows:
            await outbox.add_events(connection, [_chunk(request, rows[-1].id, event)])
        mapped = METRICS.records_mapped.labels
        mapped(request.system, entity_label(request.entity), Effect.CHANGED).inc(len(result.changed))
        mapped(request.system, entity_label(request.entity), Effect.UNCHANGED).inc(len(result.unchanged))
        for error in errors:
            METRICS.mapping_errors.labels(
                request.system, entity_label(error.entity), field_label(error.field)
            ).inc(error.count)
        if not rows:
            log.info(
                "remap_finished",
                connection_id=request.connection_id,
                entity=request.entity,
                version=request.version,
            )


def _chunk(
    of: MappingChanged | RemapRequested, after: str, cause: Event[MappingChanged] | Event[RemapRequested]
) -> Event[RemapRequested]:
    data = RemapRequested(
        connection_id=of.connection_id,
        system=of.system,
        object=of.object,
        entity=of.entity,
        version=of.version,
        after=after,
    )
    return new_event(data, source=SOURCE, key=f"{of.connection_id}/{of.object}", cause=cause)
