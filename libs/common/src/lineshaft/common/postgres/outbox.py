"""Events leave a service through its outbox: written in the transaction of the effect, sent by one relay."""

import asyncio
from collections.abc import Sequence
from typing import Any

from lineshaft.common.errors import DeadLetterError, RetryableError
from lineshaft.common.events.envelope import Event, encode
from lineshaft.common.kafka.producer import MAX_REQUEST_BYTES, Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres.pool import RETRYABLE, Connection, Pool

BATCH = 500
POLL_SECONDS = 1.0
MAX_MESSAGE_BYTES = MAX_REQUEST_BYTES - 64 * 1024

_INSERT = (
    "insert into outbox (topic, key, value, headers)"
    " select * from unnest($1::text[], $2::bytea[], $3::bytea[], $4::jsonb[])"
)
_LOCK = "select pg_try_advisory_xact_lock(hashtext(current_schema() || '.outbox'))"
_TAKE = (
    "select id, topic, key, value, headers, extract(epoch from now() - created_at) as age"
    " from outbox order by id limit $1"
)
_DELETE = "delete from outbox where id = any($1::bigint[])"

log = logger(__name__)


async def add_messages(tx: Connection, messages: Sequence[Message]) -> None:
    """Publish these when the transaction commits.

    Raises:
        DeadLetterError: one is larger than the broker takes; it would hold up all that come after it.
    """
    for message in messages:
        if (size := _size(message)) > MAX_MESSAGE_BYTES:
            raise DeadLetterError(
                f"a message for {message.topic} has {size} bytes; at most {MAX_MESSAGE_BYTES} can be sent"
            )
    if messages:
        await tx.execute(
            _INSERT,
            [message.topic for message in messages],
            [message.key for message in messages],
            [message.value for message in messages],
            [{name: value.decode() for name, value in message.headers} for message in messages],
        )


async def add_events(tx: Connection, events: Sequence[Event[Any]]) -> None:
    """Publish these when the transaction commits."""
    await add_messages(tx, [encode(event) for event in events])


def _size(message: Message) -> int:
    headers = sum(len(name) + len(content) for name, content in message.headers)
    return len(message.value or b"") + len(message.key or b"") + headers


class Relay:
    """Sends the outbox in order. Any number may run; a lock lets one work at a time.

    A crash between the broker's acknowledgement and the delete sends the same events again, with the
    same ids.
    """

    def __init__(self, pool: Pool, producer: Producer, service: str) -> None:
        self._pool = pool
        self._producer = producer
        self._service = service
        self._wake = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`; then once more, so that what was committed last leaves too."""
        while not stopping.is_set():
            try:
                async with self._pool.acquire() as listener:
                    schema = await listener.fetchval("select current_schema()")
                    await listener.add_listener(f"outbox_{schema}", self._on_notify)
                    try:
                        await self._work(stopping, listener)
                    finally:
                        await listener.remove_listener(f"outbox_{schema}", self._on_notify)
            except (*RETRYABLE, RetryableError) as error:
                log.warning("relay_retries", error=repr(error))
                await asyncio.sleep(POLL_SECONDS)
        try:
            await self.send_all()
        except (*RETRYABLE, RetryableError) as error:
            log.warning("outbox_left_for_the_next_start", error=repr(error))

    async def _work(self, stopping: asyncio.Event, listener: Connection) -> None:
        """As long as somebody would wake us: a connection that ends by itself raises nothing."""
        while not stopping.is_set() and not listener.is_closed():
            self._wake.clear()
            await self.send_all()
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def send_all(self) -> None:
        while await self._send_batch():
            pass

    async def _send_batch(self) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(_LOCK):
                return 0
            rows = await connection.fetch(_TAKE, BATCH)
            METRICS.outbox_age.labels(self._service).set(float(rows[0]["age"]) if rows else 0.0)
            if not rows:
                return 0
            await self._producer.publish(
                [
                    Message(
                        row["topic"],
                        row["key"],
                        row["value"],
                        tuple((name, value.encode()) for name, value in row["headers"].items()),
                    )
                    for row in rows
                ],
            )
            await connection.execute(_DELETE, [row["id"] for row in rows])
        METRICS.outbox_published.labels(self._service).inc(len(rows))
        return len(rows)

    def _on_notify(self, *_: object) -> None:
        self._wake.set()
