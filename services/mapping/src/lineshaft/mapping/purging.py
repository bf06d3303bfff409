"""Deletes all that is held of a connection, a chunk of records at a time.

1. The tombstone: whatever is being written is stored before it, whatever comes later is dropped.
2. A chunk of records: their keys are deleted on `entities.*`, then their rows. A crash in between repeats it.
3. When no record is left: everything else, and the receipt.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from lineshaft.common.clock import Clock
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.commands import MappingPurgeRequested
from lineshaft.common.events.envelope import Event
from lineshaft.common.events.purges import purged
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.logs import logger
from lineshaft.common.postgres import outbox
from lineshaft.common.postgres.pool import RETRYABLE, Connection, Pool
from lineshaft.common.topics import entity_topic_name
from lineshaft.common.tracing import span
from lineshaft.mapping.adapters import purges
from lineshaft.mapping.domain.entity_events import SOURCE

CHUNK = 1000
EVERY_SECONDS = 1.0

log = logger(__name__)


async def on_purges(tx: Connection, events: Sequence[Event[MappingPurgeRequested]]) -> None:
    for event in events:
        await purges.begin(tx, event.data.connection_id, event.data.command_id, event.traceparent)


class Purger:
    def __init__(self, pool: Pool, producer: Producer, clock: Clock) -> None:
        self._pool = pool
        self._producer = producer
        self._clock = clock

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                while await self.step() and not stopping.is_set():
                    pass
            except (*RETRYABLE, RetryableError) as error:
                log.warning("purging_retries", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)

    async def step(self) -> bool:
        """The next chunk of one purge, or its end; whether there was one."""
        async with self._pool.acquire() as tx, tx.transaction():
            purge = await purges.take(tx)
            if purge is None:
                return False
            with span("purge", purge.traceparent, connection_id=purge.connection_id):
                await self._go_on(tx, purge)
            return True

    async def _go_on(self, tx: Connection, purge: purges.Open) -> None:
        keys = await purges.keys(tx, purge.connection_id, CHUNK)
        if not keys:
            await self._complete(tx, purge)
            return
        await self._producer.publish_batches([_tombstone(purge.connection_id, key) for key in keys])
        await purges.delete_records(tx, purge.connection_id, keys)

    async def _complete(self, tx: Connection, purge: purges.Open) -> None:
        rows = await purges.complete(tx, purge.connection_id)
        command = MappingPurgeRequested(command_id=purge.command_id, connection_id=purge.connection_id)
        answer = purged(command, SOURCE, {"record": purge.records, **rows}, self._clock())
        await outbox.add_events(tx, [answer])
        log.info("purged", records=purge.records)


def _tombstone(connection_id: str, key: purges.Key) -> Message:
    return Message(entity_topic_name(key.entity), f"{connection_id}/{key.id}".encode(), None)
