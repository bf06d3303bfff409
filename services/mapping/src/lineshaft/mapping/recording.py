"""Pages of records: mapped, published, then stored.

1. Which connections were purged, which mappings are in force, which pages a later one has overtaken.
2. What the store holds of these records: one read for the whole batch.
3. Map what differs, in order.
4. Publish the events of new and changed records.
5. Write them and the keys of the pages.

One transaction spans it all, so that no purge comes between. A crash between 4 and 5 repeats the batch: the
store is as it was, so the events come again with the same revisions and ids.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from lineshaft.common.clock import Clock
from lineshaft.common.errors import RetryableError
from lineshaft.common.kafka.dead_letters import dead_letter
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.quarantine import Quarantine
from lineshaft.common.kafka.record import Message
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres import tombstones
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.mapping.adapters import definitions, postgres
from lineshaft.mapping.domain.batch import Batch, KeyedPage, Rejected, Result, key_page, late_pages
from lineshaft.mapping.domain.entity_events import SOURCE
from lineshaft.mapping.domain.field_errors import FieldErrorCount
from lineshaft.mapping.domain.labels import entity_label, field_label
from lineshaft.mapping.domain.mappings import ActiveMapping, InForce, Mappings, entities_of
from lineshaft.mapping.domain.messages import Page, alone

PATIENCE = timedelta(seconds=60)
"""With a definition that was sent before the page; one that was refused never comes."""

log = logger(__name__)


class DefinitionAwaitedError(RetryableError):
    """A page was read for a definition that has not come yet."""


class Recorder:
    def __init__(
        self, pool: Pool, producer: Producer, mappings: Mappings, clock: Clock, quarantine: Quarantine
    ) -> None:
        self._pool = pool
        self._producer = producer
        self._mappings = mappings
        self._clock = clock
        self._quarantine = quarantine
        self._awaited: dict[tuple[str, str, int], datetime] = {}
        """Definitions that pages were read for and that have not come yet, since when."""

    async def record(self, pages: Sequence[Page]) -> None:
        """Publish and store one batch; pages of one stream are in the order of their positions."""
        async with self._pool.acquire() as connection, connection.transaction():
            pages = await _of_living(connection, pages)
            if not pages:
                return
            result, keyed = await self._map(connection, pages)
            messages = [*result.messages, *(_set_aside(rejected) for rejected in result.rejected)]
            await self._producer.publish_batches(messages)
            errors = result.errors.all()
            await postgres.write_records(connection, result.rows.values(), result.based_on)
            await postgres.add_read_slices(connection, [(one.page, one.keys) for one in keyed])
            await postgres.add_field_errors(connection, errors)
        self._report(pages, result.rejected)
        _count(result, errors, {page.data.connection_id: page.data.system for page in pages})

    def _report(self, pages: Sequence[Page], rejected: Sequence[Rejected]) -> None:
        """A few records that cannot be mapped are nobody's trouble; most of a batch is."""
        if not rejected:
            return
        bad = Counter(one.page.data.connection_id for one in rejected)
        read = Counter[str]()
        for page in pages:
            read[page.data.connection_id] += len(page.data.records)
        for connection_id, count in bad.items():
            if 2 * count > read[connection_id] and self._quarantine.failed(connection_id, count):
                log.error("connection_paused", connection_id=connection_id, records=count)

    async def _map(self, connection: Connection, pages: Sequence[Page]) -> tuple[Result, list[KeyedPage]]:
        result = Result()
        connection_ids = {page.data.connection_id for page in pages}
        in_force = await definitions.in_force(connection, connection_ids)
        plans: dict[tuple[str, str], list[ActiveMapping]] = {}
        keyed = []
        for page in pages:
            system = self._mappings.system(page.data.system)
            rows = in_force.get(page.data.connection_id, {})
            self._wait_for_definitions(page, rows)
            if page.stream not in plans:
                plans[page.stream] = await self._plan(connection, page, rows)
            read_key = self._mappings.key_reader(system, page.data.object, plans[page.stream])
            keyed.append(key_page(page, read_key, plans[page.stream], result.rejected))

        # Slices first: folding moves positions from them into the records.
        last = await postgres.last_positions(connection, list(plans))
        overtaken = {
            index: await postgres.overtaken(connection, late.page, late.keys)
            for index, late in late_pages(keyed, last)
        }
        stored = await postgres.stored_records(connection, keyed)
        deleted = await postgres.documents(connection, keyed)
        batch = Batch(stored, self._clock(), result, deleted)
        for index, one in enumerate(keyed):
            batch.add(one, overtaken.get(index, frozenset()))
        return result, keyed

    def _wait_for_definitions(self, page: Page, rows: Mapping[str, InForce]) -> None:
        """A page that overtakes the definition it was read for would be lost for that custom object.

        Raises:
            DefinitionAwaitedError: it comes on another topic, in a moment.
        """
        now = self._clock()
        for entity, version in page.data.definitions.items():
            awaited = page.data.connection_id, entity, version
            if entity in rows and rows[entity].version >= version:
                self._awaited.pop(awaited, None)
            elif now - self._awaited.setdefault(awaited, now) < PATIENCE:
                raise DefinitionAwaitedError(f"{page.data.connection_id}: {entity}, version {version}")

    async def _plan(
        self, connection: Connection, page: Page, rows: Mapping[str, InForce]
    ) -> list[ActiveMapping]:
        system = self._mappings.system(page.data.system)
        plan = []
        for entity, row in entities_of(system, page.data.object, rows).items():
            if row is None:
                plan.append(self._mappings.default(system, entity))
            else:
                plan.append(await definitions.compiled(connection, self._mappings, row))
        if not plan:
            log.warning("object_not_mapped", connection_id=page.data.connection_id, object=page.data.object)
        return plan


async def _of_living(tx: Connection, pages: Sequence[Page]) -> Sequence[Page]:
    """Without those of purged connections, which nothing is published or stored of any more."""
    gone = await tombstones.buried(tx, {page.data.connection_id for page in pages})
    return [page for page in pages if page.data.connection_id not in gone] if gone else pages


def _set_aside(rejected: Rejected) -> Message:
    record = alone(rejected.page, rejected.raw)
    METRICS.dead_letters.labels(SOURCE, record.topic).inc()
    log.error(
        "record_set_aside",
        connection_id=rejected.page.data.connection_id,
        object=rejected.page.data.object,
        partition=record.partition,
        offset=record.offset,
        error=f"{type(rejected.error).__name__}: {rejected.error}",
    )
    return dead_letter(record, service=SOURCE, stage="handle", error=rejected.error, attempt=1)


def _count(result: Result, errors: Sequence[FieldErrorCount], systems: Mapping[str, str]) -> None:
    for (system, entity, effect), count in result.effects.items():
        if count:
            METRICS.records_mapped.labels(system, entity_label(entity), effect).inc(count)
    for error in errors:
        METRICS.mapping_errors.labels(
            systems[error.connection_id], entity_label(error.entity), field_label(error.field)
        ).inc(error.count)
