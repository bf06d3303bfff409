"""`lineshaft offsets` on a real Kafka."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from typer.testing import CliRunner, Result

from lineshaft.cli.main import app
from lineshaft.cli.offsets import PASSED_OVER, TOLD_AGAIN
from lineshaft.common import topics as registry
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.topics import Topic
from lineshaft.tools.testing.infrastructure import Topics

pytestmark = pytest.mark.integration


async def restored(topics: Topics, moment: str) -> Result:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "LINESHAFT_TOPIC_PREFIX": topics.prefix,
    }
    return await asyncio.to_thread(
        CliRunner(env=environment).invoke, app, ["offsets", "after-restore", moment]
    )


async def committed(topics: Topics, group: str) -> int:
    """Over all partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=topics.bootstrap_servers)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(topics.prefix + group)
    finally:
        await admin.close()
    return sum(max(0, one.offset) for one in offsets.values())


async def publish(producer: Producer, some: Iterable[Topic], name: str) -> None:
    keys = range(12)
    await producer.publish(
        [Message(topic.name, f"{name}{key}".encode(), b"{}") for topic in some for key in keys]
    )


async def test_health_is_told_again_and_records_are_passed_over(topics: Topics, producer: Producer) -> None:
    concerned = {topic for _, topic in (*PASSED_OVER, *TOLD_AGAIN)}
    await publish(producer, concerned, "before")
    await asyncio.sleep(0.05)
    moment = datetime.now(UTC).isoformat()
    await publish(producer, concerned, "after")
    done = await restored(topics, moment)
    assert done.exit_code == 0, done.output
    assert {group: await committed(topics, group) for group, _ in PASSED_OVER} == {"mapping.records": 24}
    assert {await committed(topics, group) for group, _ in TOLD_AGAIN} == {12}


async def test_a_running_service_is_left_alone(topics: Topics) -> None:
    consumer = AIOKafkaConsumer(
        topics.prefix + registry.RECORDS_RAW.name,
        bootstrap_servers=topics.bootstrap_servers,
        group_id=f"{topics.prefix}mapping.records",
    )
    await consumer.start()
    try:
        await consumer.getmany(timeout_ms=1000)
        refused = await restored(topics, datetime.now(UTC).isoformat())
    finally:
        await consumer.stop()
    assert refused.exit_code == 2
    assert "are all services stopped?" in refused.output


@pytest.mark.parametrize("moment", ["yesterday", "2026-01-31T04:00:00"])
async def test_a_moment_without_a_zone_is_refused(topics: Topics, moment: str) -> None:
    refused = await restored(topics, moment)
    assert refused.exit_code == 2
    assert "a time with its zone" in refused.output
