"""The at-least-once consumer on Apache Kafka."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream.kafka import KafkaBroker

from lineshaft.common import topics as registry
from lineshaft.common.errors import DeadLetterError, RetryableError
from lineshaft.common.events.envelope import Decoder, Event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.processing import Handle
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.tools.testing.infrastructure import Topics

pytestmark = pytest.mark.integration

DECODE = Decoder(SyncRequested, assume=SyncRequested)
SERVICE = "test"

Requested = Event[SyncRequested]


def request(connection_id: str, **headers: bytes) -> Message:
    return Message(
        registry.SYNC_REQUESTS.name,
        b"one-key",
        SyncRequested(connection_id=connection_id).model_dump_json().encode(),
        tuple(headers.items()),
    )


@contextlib.asynccontextmanager
async def consuming(
    topics: Topics, producer: Producer, name: str, handle: Handle[Requested]
) -> AsyncIterator[Subscription[Requested]]:
    broker = KafkaBroker(topics.bootstrap_servers, apply_types=False, allow_auto_create_topics=False)
    subscription: Subscription[Requested] = Subscription(
        name, [registry.SYNC_REQUESTS], decode=DECODE, handle=handle
    )
    subscription.attach(broker, producer, service=SERVICE, topic_prefix=topics.prefix)
    await broker.start()
    try:
        yield subscription
    finally:
        subscription.stop()
        await broker.stop()


async def committed(topics: Topics, name: str) -> int:
    """Offsets committed by the group, over all partitions."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=topics.bootstrap_servers, group_id=f"{topics.prefix}{SERVICE}.{name}"
    )
    await consumer.start()
    try:
        offsets = [
            await consumer.committed(TopicPartition(topics.prefix + registry.SYNC_REQUESTS.name, partition))
            for partition in range(registry.SYNC_REQUESTS.partitions)
        ]
    finally:
        await consumer.stop()
    return sum(offset or 0 for offset in offsets)


async def dead_letters(topics: Topics, expected: int) -> list[dict[str, bytes]]:
    consumer = AIOKafkaConsumer(
        topics.prefix + registry.DEAD_LETTERS.name,
        bootstrap_servers=topics.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            return [dict((await consumer.getone()).headers) for _ in range(expected)]
    finally:
        await consumer.stop()


class Seen:
    def __init__(self) -> None:
        self.connections: list[str] = []
        self._changed = asyncio.Event()

    async def __call__(self, events: Sequence[Requested]) -> None:
        self.connections += [event.data.connection_id for event in events]
        self._changed.set()

    async def wait_for(self, last: str) -> None:
        async with asyncio.timeout(30):
            while last not in self.connections:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def name() -> str:
    return new_id("group")


@pytest.fixture
async def fresh(bootstrap_servers: str) -> AsyncIterator[tuple[Topics, Producer]]:
    """Topics of this test alone."""
    from lineshaft.common.kafka.create_topics import create_topics  # noqa: PLC0415

    topics = Topics(bootstrap_servers, f"{new_id('test')}.")
    await create_topics(topics.bootstrap_servers, topics.prefix, 1)
    producer = Producer(topics.bootstrap_servers, topics.prefix, "test")
    await producer.start()
    yield topics, producer
    await producer.stop()


async def test_bad_records_are_set_aside_and_their_neighbours_go_on_in_order(
    fresh: tuple[Topics, Producer], name: str
) -> None:
    topics, producer = fresh
    seen = Seen()
    sync_requests = registry.SYNC_REQUESTS.name
    raw = producer._client
    await producer.publish([request("first")])
    await producer.publish([Message(sync_requests, b"one-key", b"{no json")])
    await producer.publish([request("not-utf8-header", ce_type=b"\xff\xfe")])
    future = await raw.send(
        topics.prefix + sync_requests,
        b'{"connection_id": "null-header"}',
        b"one-key",
        headers=[("ce_type", None)],
    )
    await future
    await producer.publish([Message(sync_requests, b"one-key", b'{"entities": ["asset"]}')])
    await producer.publish([Message(sync_requests, b"one-key", None)])
    await producer.publish([request("last")])

    async with consuming(topics, producer, name, seen):
        await seen.wait_for("last")
        letters = await dead_letters(topics, 4)

    assert seen.connections == ["first", "last"]
    assert [letter["dlq_message"].decode() for letter in letters] == [
        "the value is not JSON: JSON is malformed: object keys must be strings (byte 1)",
        "header 'ce_type' is not UTF-8",
        "header 'ce_type' is null; send text or leave it out",
        "connection_id: Field required",
    ]
    assert {letter["dlq_topic"] for letter in letters} == {sync_requests.encode()}
    assert await committed(topics, name) == 7


async def test_a_retryable_error_is_tried_again_until_it_works(
    fresh: tuple[Topics, Producer], name: str
) -> None:
    topics, producer = fresh
    seen = Seen()
    failures = 3

    async def handle(events: Sequence[Requested]) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise RetryableError("not yet")
        await seen(events)

    await producer.publish([request("a"), request("b")])
    async with consuming(topics, producer, name, handle):
        await seen.wait_for("b")

    assert seen.connections == ["a", "b"]
    assert failures == 0


@pytest.mark.parametrize("error", [DeadLetterError("can never work"), ZeroDivisionError("a fault of ours")])
async def test_one_record_that_cannot_be_handled_is_set_aside(
    fresh: tuple[Topics, Producer], name: str, error: Exception
) -> None:
    topics, producer = fresh
    seen = Seen()

    async def handle(events: Sequence[Requested]) -> None:
        if any(event.data.connection_id == "poison" for event in events):
            raise error
        await seen(events)

    await producer.publish([request("before"), request("poison"), request("after")])
    async with consuming(topics, producer, name, handle):
        await seen.wait_for("after")
        [letter] = await dead_letters(topics, 1)

    assert seen.connections == ["before", "after"]
    assert letter["dlq_error"].decode() == type(error).__name__
    assert letter["dlq_message"].decode() == str(error)
    assert letter["dlq_stage"] == b"handle"


async def test_what_was_not_finished_is_delivered_again(fresh: tuple[Topics, Producer], name: str) -> None:
    topics, producer = fresh
    entered = asyncio.Event()

    async def never_works(events: Sequence[Requested]) -> None:
        entered.set()
        raise RetryableError("down")

    await producer.publish([request("kept")])
    async with consuming(topics, producer, name, never_works):
        await asyncio.wait_for(entered.wait(), 30)
    assert await committed(topics, name) == 0

    seen = Seen()
    async with consuming(topics, producer, name, seen):
        await seen.wait_for("kept")
    assert seen.connections == ["kept"]
