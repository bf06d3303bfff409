import asyncio
import contextlib
import io
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaClient
from faststream.kafka import KafkaBroker

from lineshaft.common import topics
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.processing import Handle
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message, Record
from lineshaft.common.topics import TOPICS, Topic
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.embedded_kafka import EmbeddedKafka
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.process_state import alive, wait_until
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack
from lineshaft.tools.stack.supervisor import Supervisor

STAND_IN = Path(__file__).with_name("stand_in_service.py")
PREFIX = "test."
FETCH_WAIT_MS = int(EmbeddedKafka.client_environment["LINESHAFT_FETCH_WAIT_MS"])
# A member that comes back waits for a second less than this.
SESSION_SECONDS = 2.0

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def kafka(shared_supervisor: Supervisor) -> Iterator[EmbeddedKafka]:
    kafka = EmbeddedKafka(shared_supervisor, topic_prefix=PREFIX)
    kafka.start()
    yield kafka
    kafka.stop()


@pytest.fixture
async def producer(kafka: EmbeddedKafka) -> AsyncIterator[Producer]:
    producer = Producer(kafka.bootstrap_servers, PREFIX, "test")
    await producer.start()
    yield producer
    await producer.stop()


class Seen:
    """A handler that keeps what it got."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def __call__(self, records: Sequence[Record]) -> None:
        self.records += records

    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.records) < count:
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def consuming(
    kafka: EmbeddedKafka, producer: Producer, topic: Topic, handle: Handle[Record], group: str = "group"
) -> AsyncIterator[None]:
    broker = KafkaBroker(kafka.bootstrap_servers, apply_types=False, allow_auto_create_topics=False)
    subscription: Subscription[Record] = Subscription(
        f"{topic.name}.{group}", [topic], decode=lambda record: record, handle=handle
    )
    subscription.attach(
        broker,
        producer,
        service="test",
        topic_prefix=PREFIX,
        session_seconds=SESSION_SECONDS,
        fetch_wait_ms=FETCH_WAIT_MS,
    )
    await broker.start()
    try:
        yield
    finally:
        subscription.stop()
        await broker.stop()


def partitions_by_topic(bootstrap_servers: str) -> dict[str, int]:
    async def ask() -> dict[str, int]:
        client = AIOKafkaClient(bootstrap_servers=bootstrap_servers)
        await client.bootstrap()
        try:
            cluster = await client.fetch_all_metadata()
        finally:
            await client.close()
        return {name: len(cluster.partitions_for_topic(name)) for name in cluster.topics()}

    return run_blocking(ask())


def test_it_made_every_topic_with_its_partitions(kafka: EmbeddedKafka) -> None:
    expected = {PREFIX + topic.name: topic.partitions for topic in TOPICS}
    assert partitions_by_topic(kafka.bootstrap_servers) == expected


async def test_a_record_arrives_as_it_was_sent(kafka: EmbeddedKafka, producer: Producer) -> None:
    topic, seen = topics.CONNECTIONS, Seen()
    headers = (("ce_type", b"one"), ("traceparent", b"\xff"))
    await producer.publish([Message(topic.name, b"key", b"value", headers)])
    await producer.publish([Message(topic.name, b"key", None)])
    async with consuming(kafka, producer, topic, seen):
        await seen.wait_for(2)
    value, tombstone = seen.records
    assert (value.key, value.value, value.headers) == (b"key", b"value", headers)
    assert (tombstone.key, tombstone.value, tombstone.offset) == (b"key", None, value.offset + 1)


async def test_a_key_keeps_its_partition_and_order(kafka: EmbeddedKafka, producer: Producer) -> None:
    topic, seen = topics.SYNC_EVENTS, Seen()
    keys = [f"connection-{number}".encode() for number in range(20)]
    messages = [[Message(topic.name, key, b"%d" % turn) for key in keys] for turn in range(6)]
    async with consuming(kafka, producer, topic, seen):
        for turn, some in enumerate(messages):
            await (producer.publish_batches(some) if turn % 2 else producer.publish(some))
        await seen.wait_for(120)
    by_key: dict[bytes | None, list[Record]] = defaultdict(list)
    for record in seen.records:
        by_key[record.key].append(record)
    for records in by_key.values():
        assert [record.value for record in records] == [b"0", b"1", b"2", b"3", b"4", b"5"]
        assert len({record.partition for record in records}) == 1


async def test_every_group_gets_every_record(kafka: EmbeddedKafka, producer: Producer) -> None:
    topic, groups = topics.CONNECTION_EVENTS, [Seen() for _ in range(4)]
    async with contextlib.AsyncExitStack() as stack:
        for number, seen in enumerate(groups):
            await stack.enter_async_context(consuming(kafka, producer, topic, seen, f"group-{number}"))
        await producer.publish([Message(topic.name, b"key", b"%d" % number) for number in range(50)])
        for seen in groups:
            await seen.wait_for(50)
    assert all(seen.values() == [b"%d" % number for number in range(50)] for seen in groups)


async def test_a_consumer_goes_on_where_it_stopped(kafka: EmbeddedKafka, producer: Producer) -> None:
    topic, before, after = topics.SYNC_REQUESTS, Seen(), Seen()
    await producer.publish([Message(topic.name, b"key", b"before")])
    async with consuming(kafka, producer, topic, before):
        await before.wait_for(1)
    await producer.publish([Message(topic.name, b"key", b"while it was away")])
    async with consuming(kafka, producer, topic, after):
        await producer.publish([Message(topic.name, b"key", b"after")])
        await after.wait_for(2)
    assert before.values() == [b"before"]
    assert after.values() == [b"while it was away", b"after"]


async def test_2000_records_over_two_hops(kafka: EmbeddedKafka, producer: Producer) -> None:
    seen = Seen()

    async def send_on(records: Sequence[Record]) -> None:
        await producer.publish_batches(
            [Message(topics.MAPPING_EVENTS.name, record.key, record.value) for record in records]
        )

    sent = [b"%04d" % number + b"x" * 1000 for number in range(2000)]
    async with (
        consuming(kafka, producer, topics.RECORDS_RAW, send_on),
        consuming(kafka, producer, topics.MAPPING_EVENTS, seen),
    ):
        for start in range(0, len(sent), 100):
            await producer.publish_batches(
                [Message(topics.RECORDS_RAW.name, b"connection/part", value) for value in sent[start:][:100]]
            )
        await seen.wait_for(len(sent))
    assert seen.values() == sent


async def test_a_hop_takes_a_fraction_of_a_second(kafka: EmbeddedKafka, producer: Producer) -> None:
    latencies: list[float] = []

    async def measure(records: Sequence[Record]) -> None:
        now = time.perf_counter()
        latencies.extend(now - float(record.value or b"") for record in records)

    async with consuming(kafka, producer, topics.CONNECTION_CALLS, measure):
        for _ in range(40):
            sent = str(time.perf_counter()).encode()
            await producer.publish([Message(topics.CONNECTION_CALLS.name, b"key", sent)])
            await asyncio.sleep(0.03)
    assert statistics.median(latencies) < 0.1


def test_after_a_kill_it_starts_as_a_new_empty_broker(supervisor: Supervisor) -> None:
    kafka = EmbeddedKafka(supervisor, topic_prefix=PREFIX)
    assert kafka.bootstrap_servers == ""
    kafka.start()
    first = kafka.bootstrap_servers
    kafka.kill()
    kafka.start()
    assert kafka.bootstrap_servers not in {"", first}
    assert len(partitions_by_topic(kafka.bootstrap_servers)) == len(TOPICS)
    kafka.stop()
    assert kafka.child.exit_code == 0


def test_a_stack_on_it(private_layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("KAFKA", "embedded")
    output = io.StringIO()
    with Stack(
        private_layout,
        durable=False,
        progress=Progress(output),
        topic_prefix="another.",
        command_of=lambda _service: (sys.executable, str(STAND_IN)),
    ) as stack:
        assert stack.kafka.kind == "embedded"
        assert "for the demo only" in output.getvalue()
        expected = {"another." + topic.name for topic in TOPICS}
        assert set(partitions_by_topic(stack.kafka.bootstrap_servers)) == expected
        environment = httpx.get(f"{stack.services.urls['mapping']}/environment").json()
        assert environment["KAFKA_BOOTSTRAP_SERVERS"] == stack.kafka.bootstrap_servers
        assert environment["LINESHAFT_FETCH_WAIT_MS"] == str(FETCH_WAIT_MS)
        pid = stack.supervisor.pids()["kafka"]
    assert wait_until(lambda: not alive(pid), 5)
