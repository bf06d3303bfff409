"""Records of a custom object that was removed, or is made from another object now, end chunk by chunk.

A chunk travels on `records.raw` with the key of the object that they came from, so that their partition's
owner alone writes them, behind all pages that were read for them.
"""

from lineshaft.common.clock import Clock
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.records import RetirementRequested
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres import outbox, tombstones
from lineshaft.common.postgres.pool import Pool
from lineshaft.common.tracing import traceparent_of
from lineshaft.mapping.adapters import definitions, retirements
from lineshaft.mapping.domain.entity_events import SOURCE
from lineshaft.mapping.domain.labels import entity_label
from lineshaft.mapping.domain.records import Effect
from lineshaft.mapping.domain.retirements import retire

log = logger(__name__)


class Retirer:
    def __init__(self, pool: Pool, producer: Producer, clock: Clock, chunk_records: int) -> None:
        self._pool = pool
        self._producer = producer
        self._clock = clock
        self._chunk_records = chunk_records

    async def chunk(self, event: Event[RetirementRequested]) -> None:
        """End the next living records and ask for the next chunk; one that comes again ends those after."""
        request = event.data
        async with self._pool.acquire() as tx, tx.transaction():
            if await tombstones.buried(tx, [request.connection_id]):
                return
            in_force = await definitions.in_force(tx, [request.connection_id])
            row = in_force.get(request.connection_id, {}).get(request.entity)
            if row is not None and row.object == request.object:
                log.info("retirement_ended", connection_id=request.connection_id, entity=request.entity)
                return
            living = await retirements.living(
                tx,
                request.connection_id,
                request.entity,
                request.object,
                after=request.after,
                limit=self._chunk_records,
            )
            if not living:
                log.info("records_retired", connection_id=request.connection_id, entity=request.entity)
                return
            now = self._clock()
            trace = traceparent_of(event.traceparent).encode()
            ended, messages = retire(request.connection_id, request.entity, living, now, trace)
            await self._producer.publish_batches(messages)
            await retirements.write(tx, request.connection_id, request.entity, ended, now)
            following = request.model_copy(update={"after": ended[-1].id})
            await outbox.add_events(tx, [_chunk(following, event)])
        METRICS.records_mapped.labels(request.system, entity_label(request.entity), Effect.DELETED).inc(
            len(ended)
        )


def retirement(change: Event[MappingChanged], left: str) -> Event[RetirementRequested]:
    """The first chunk, where a change has left an object."""
    data = change.data
    begin = RetirementRequested(
        connection_id=data.connection_id,
        system=data.system,
        object=left,
        entity=data.entity,
        version=data.version,
    )
    return _chunk(begin, change)


def _chunk(
    data: RetirementRequested, cause: Event[MappingChanged] | Event[RetirementRequested]
) -> Event[RetirementRequested]:
    return new_event(data, source=SOURCE, key=f"{data.connection_id}/{data.object}", cause=cause)
