"""Members of a consumer group for the tests, with a handler of each kind that the services have."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faststream.kafka import KafkaBroker

from lineshaft.common import topics as registry
from lineshaft.common.events.envelope import Decoder, Event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.processing import Decode, Handle
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.quarantine import Quarantine
from lineshaft.common.kafka.record import Message
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import COMMON_PACKAGE, migrate
from lineshaft.common.postgres.pool import Connection, Pool, create_pool
from lineshaft.tools.testing.infrastructure import Database, Topics

SERVICE = "test"
TOPIC = registry.SYNC_REQUESTS
DECODE = Decoder(SyncRequested, assume=SyncRequested)
SESSION_SECONDS = 6.0

Requested = Event[SyncRequested]
Step = Callable[[Sequence[Requested]], Awaitable[None]]


def request(connection_id: str, key: str = "one-key", **headers: bytes) -> Message:
    return Message(
        TOPIC.name,
        key.encode(),
        SyncRequested(connection_id=connection_id).model_dump_json().encode(),
        tuple(headers.items()),
    )


def names(events: Sequence[Requested]) -> list[str]:
    return [event.data.connection_id for event in events]


async def nothing(_: Sequence[Requested]) -> None:
    return


@dataclass(slots=True)
class Handling:
    """One call of a handler that came to its end."""

    member: str
    names: list[str]
    started: float
    ended: float


@dataclass(slots=True)
class Raw:
    """Publish, persist, return: what `mapping` does. Here the effect is a list."""

    handled: list[Handling] = field(default_factory=list)

    def handler(self, member: str = "", step: Step = nothing) -> Handle[Requested]:
        async def handle(events: Sequence[Requested]) -> None:
            started = time.monotonic()
            await step(events)
            self.handled.append(Handling(member, names(events), started, time.monotonic()))

        return handle

    async def effects(self) -> list[str]:
        return [name for one in self.handled for name in one.names]


@dataclass(slots=True)
class Transactional:
    """Effect and inbox row in one transaction: what the other services do."""

    pool: Pool
    subscription: str = field(default_factory=lambda: new_id("sub"))
    handled: list[Handling] = field(default_factory=list)

    def handler(self, member: str = "", step: Step = nothing) -> Handle[Requested]:
        async def effect(tx: Connection, events: Sequence[Requested]) -> None:
            await tx.executemany(
                "insert into effect (subscription, name) values ($1, $2)",
                [(self.subscription, name) for name in names(events)],
            )
            await step(events)

        recorded = transactional(self.pool, self.subscription, effect)

        async def handle(events: Sequence[Requested]) -> None:
            started = time.monotonic()
            await recorded(events)
            self.handled.append(Handling(member, names(events), started, time.monotonic()))

        return handle

    async def effects(self) -> list[str]:
        rows = await self.pool.fetch(
            "select name from effect where subscription = $1 order by id", self.subscription
        )
        return [row["name"] for row in rows]


Kind = Raw | Transactional


async def effect_pool(database: Database) -> Pool:
    pool = await create_pool(database.dsn("connector"), size=8, service=SERVICE)
    await migrate(pool, COMMON_PACKAGE)
    await pool.execute(
        "create table if not exists effect"
        " (id bigint generated always as identity, subscription text, name text)"
    )
    return pool


@dataclass(slots=True)
class Group:
    """One consumer group on topics of its own."""

    topics: Topics
    producer: Producer
    name: str = field(default_factory=lambda: new_id("group"))

    @property
    def topic(self) -> str:
        return self.topics.prefix + TOPIC.name

    @contextlib.asynccontextmanager
    async def member(
        self,
        handle: Handle[Requested],
        *,
        decode: Decode[Requested] = DECODE,
        max_records: int = 500,
        producer: Producer | None = None,
        quarantine: Quarantine | None = None,
    ) -> AsyncIterator[Subscription[Requested]]:
        subscription: Subscription[Requested] = Subscription(
            self.name,
            [TOPIC],
            decode=decode,
            handle=handle,
            max_records=max_records,
            quarantine=quarantine,
        )
        broker = KafkaBroker(
            self.topics.bootstrap_servers,
            apply_types=False,
            allow_auto_create_topics=False,
            graceful_timeout=15,
        )
        subscription.attach(
            broker,
            producer or self.producer,
            service=SERVICE,
            topic_prefix=self.topics.prefix,
            session_seconds=SESSION_SECONDS,
        )
        await broker.start()
        try:
            yield subscription
        finally:
            subscription.stop()
            await broker.stop()

    async def committed(self) -> dict[int, int]:
        """Committed offset per partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.topics.bootstrap_servers,
            group_id=f"{self.topics.prefix}{SERVICE}.{self.name}",
        )
        await consumer.start()
        try:
            offsets = {
                partition: await consumer.committed(TopicPartition(self.topic, partition))
                for partition in range(TOPIC.partitions)
            }
        finally:
            await consumer.stop()
        return {partition: offset for partition, offset in offsets.items() if offset}

    async def dead_letters(self, expected: int) -> list[Any]:
        """The first `expected` records of the dead letters."""
        consumer = AIOKafkaConsumer(
            self.topics.prefix + registry.DEAD_LETTERS.name,
            bootstrap_servers=self.topics.bootstrap_servers,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            async with asyncio.timeout(20):
                return [await consumer.getone() for _ in range(expected)]
        finally:
            await consumer.stop()

    async def send_raw(
        self,
        value: bytes | None,
        *,
        headers: Sequence[tuple[str, bytes | None]] = (),
        key: bytes = b"one-key",
    ) -> None:
        """Bytes that our own producer would not send."""
        client = AIOKafkaProducer(
            bootstrap_servers=self.topics.bootstrap_servers, max_request_size=16 * 1024 * 1024
        )
        await client.start()
        try:
            await client.send_and_wait(self.topic, value, key, headers=list(headers))
        finally:
            await client.stop()


async def new_group(bootstrap_servers: str) -> Group:
    topics = Topics(bootstrap_servers, f"{new_id('test')}.")
    await create_topics(topics.bootstrap_servers, topics.prefix, 1, [TOPIC, registry.DEAD_LETTERS])
    producer = Producer(topics.bootstrap_servers, topics.prefix, "test")
    await producer.start()
    return Group(topics, producer)


async def until(what: str, check: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not await check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.05)


async def until_effects(kind: Kind, wanted: set[str], seconds: float = 30) -> None:
    async def check() -> bool:
        return wanted <= set(await kind.effects())

    await until(f"effects of {len(wanted)} records", check, seconds)
