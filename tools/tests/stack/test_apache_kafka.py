import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from lineshaft.tools.stack.apache_kafka import ApacheKafka
from lineshaft.tools.stack.kafka_jars import java_and_maven_found
from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.testing.needs import needs

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def kafka(shared_supervisor: Supervisor) -> Iterator[ApacheKafka]:
    needs("Java 17 or later and Maven", found=java_and_maven_found())
    kafka = ApacheKafka(shared_supervisor)
    kafka.start()
    yield kafka
    kafka.stop()


async def create_topic(kafka: ApacheKafka, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 3, 1)])
    await admin.close()


async def read(kafka: ApacheKafka, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap_servers,
        group_id=f"read-{topic}",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    values = [(await consumer.getone()).value for _ in range(count)]
    await consumer.stop()
    return sorted(values)


def a_producer(kafka: ApacheKafka) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, enable_idempotence=True, acks="all")


async def test_round_trip_over_a_kill(kafka: ApacheKafka) -> None:
    await create_topic(kafka, "round-trip")
    async with a_producer(kafka) as producer:
        await producer.send_and_wait("round-trip", b"before", key=b"k")
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.start)
    async with a_producer(kafka) as producer:
        await producer.send_and_wait("round-trip", b"later", key=b"k")
    assert await asyncio.wait_for(read(kafka, "round-trip", 2), 30) == [b"before", b"later"]


async def test_a_frozen_broker_answers_nothing_until_it_thaws(kafka: ApacheKafka) -> None:
    await create_topic(kafka, "frozen")
    async with a_producer(kafka) as producer:
        await producer.send_and_wait("frozen", b"1")
        kafka.freeze()
        pending = asyncio.create_task(producer.send_and_wait("frozen", b"2"))
        await asyncio.sleep(2)
        assert not pending.done()
        kafka.thaw()
        await asyncio.wait_for(pending, 30)
    assert await asyncio.wait_for(read(kafka, "frozen", 2), 30) == [b"1", b"2"]
