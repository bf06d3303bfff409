"""Messages in batches go where single ones go, in order."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from lineshaft.common import topics as registry
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.tools.testing.infrastructure import Topics

pytestmark = pytest.mark.integration

ITEMS = registry.entity_topic_name("item")
ASSETS = registry.entity_topic_name("asset")


def messages(topic: str, keys: int, rounds: int) -> list[Message]:
    return [
        Message(topic, f"con_1/{key}".encode(), str(number).encode(), (("ce_id", b"x"),))
        for number in range(rounds)
        for key in range(keys)
    ]


async def consumed(topics: Topics, topic: str, count: int) -> dict[bytes, list[tuple[int, bytes]]]:
    """Key to partition and value of each message, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=topics.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topics.prefix + topic, number) for number in range(6)])
    found: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    try:
        async with asyncio.timeout(30):
            for _ in range(count):
                record = await consumer.getone()
                found[record.key].append((record.partition, record.value))
    finally:
        await consumer.stop()
    return found


def values(found: Sequence[tuple[int, bytes]]) -> list[bytes]:
    return [value for _, value in found]


async def test_batches_and_single_messages_share_partitions_and_order(
    topics: Topics, producer: Producer
) -> None:
    await producer.publish(messages(ITEMS, 40, 1))
    await producer.publish_batches(messages(ITEMS, 40, 3) + messages(ASSETS, 5, 1))
    found = await consumed(topics, ITEMS, 160)
    assert len(found) == 40
    assert all(len({partition for partition, _ in some}) == 1 for some in found.values())
    assert all(values(some) == [b"0", b"0", b"1", b"2"] for some in found.values())
    assert len(await consumed(topics, ASSETS, 5)) == 5


async def test_more_than_a_batch_holds_and_one_larger_than_a_batch(
    topics: Topics, producer: Producer
) -> None:
    topic = registry.entity_topic_name("site")
    many = [Message(topic, b"one-key", b"%06d" % number + b"x" * 2_000) for number in range(500)]
    await producer.publish_batches([*many, Message(topic, b"one-key", b"y" * 1_500_000)])
    found = values((await consumed(topics, topic, 501))[b"one-key"])
    assert [int(value[:6]) for value in found[:-1]] == list(range(500))
    assert len(found[-1]) == 1_500_000


async def test_nothing_to_publish(producer: Producer) -> None:
    await producer.publish_batches([])


async def test_topics_are_made_with_more_partitions_once(bootstrap_servers: str) -> None:
    prefix = f"{new_id('test')}."
    wider = [registry.DEAD_LETTERS]
    assert await create_topics(bootstrap_servers, prefix, 1, wider, partition_factor=3)
    assert await create_topics(bootstrap_servers, prefix, 1, wider) == []
    async with AIOKafkaConsumer(prefix + wider[0].name, bootstrap_servers=bootstrap_servers) as consumer:
        assert len(consumer.assignment()) == 3 * registry.DEAD_LETTERS.partitions
