"""Puts the input of a benchmark into Kafka, before anything is measured."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import orjson
from aiokafka import AIOKafkaProducer
from harness.records import records

from lineshaft.common import topics
from lineshaft.common.events.envelope import headers
from lineshaft.common.events.records import RecordsRead
from lineshaft.common.kafka.partitions import partitions_of
from lineshaft.common.topics import Topic

PAGE = 500
OBJECT = "work_order"
SYSTEM = "plant"
ENTITIES = next(topic for topic in topics.ENTITY_TOPICS if topic.name == "entities.work_order")
RECORDS = Topic("records", "the record's id", 6, 1, (), (), "One record of the source per message.")
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it waits for the leaders of new topics aloud
MAPPED = Topic("mapped", "the record's id", 6, 1, (), (), "One mapped record per message.")


def connections() -> list[str]:
    """As many connections as `records.raw` has partitions, each on a partition of its own."""
    every = list(range(topics.RECORDS_RAW.partitions))
    found: dict[int, str] = {}
    number = 0
    while len(found) < len(every):
        name = f"con_bench{number:04}"
        (partition,) = partitions_of([f"{name}/{OBJECT}".encode()], every)
        found.setdefault(partition, name)
        number += 1
    return [found[partition] for partition in every]


async def fill_pages(
    bootstrap_servers: str, prefix: str, count: int, *, epoch: int = 1, version: int = 1
) -> None:
    """`records.raw` as the connector writes it: pages of 500 records, spread evenly over the partitions."""
    names = connections()
    share = count // len(names)
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, acks="all", max_request_size=4_000_000
    ) as producer:
        for place, name in enumerate(names):
            pending = [
                await producer.send(
                    prefix + topics.RECORDS_RAW.name,
                    value,
                    key=f"{name}/{OBJECT}".encode(),
                    partition=place,
                    headers=page_headers(name, sequence),
                )
                for sequence, value in _pages(name, share, epoch, version)
            ]
            await asyncio.gather(*pending)


def page_headers(connection_id: str, sequence: int) -> list[tuple[str, bytes]]:
    key = f"{connection_id}/{OBJECT}"
    at = datetime.now(UTC).isoformat()
    return headers(f"evt_{sequence}", RecordsRead.event_type, "connector", at, key, key)


def _pages(connection_id: str, count: int, epoch: int, version: int) -> Iterator[tuple[int, bytes]]:
    for sequence, first in enumerate(range(0, count, PAGE), 1):
        page = {
            "connection_id": connection_id,
            "system": SYSTEM,
            "object": OBJECT,
            "sync_id": f"syn_{connection_id}_{epoch}",
            "lease_epoch": epoch,
            "read_sequence": sequence,
            "read_at": datetime.now(UTC),
            "records": list(records(first, min(PAGE, count - first), version=version)),
        }
        yield sequence, orjson.dumps(page)


async def fill_records(bootstrap_servers: str, prefix: str, count: int) -> None:
    """The same records, one in a message, as a source connector of Kafka would write them."""
    partitions = list(range(RECORDS.partitions))
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all") as producer:
        for first in range(0, count, 6_000):
            some = list(records(first, min(6_000, count - first)))
            await _send_batches(producer, prefix + RECORDS.name, partitions, some)


async def _send_batches(
    producer: AIOKafkaProducer, topic: str, partitions: Sequence[int], some: Sequence[dict[str, object]]
) -> None:
    keys = [str(record["id"]).encode() for record in some]
    by_partition: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
    for key, record, partition in zip(keys, some, partitions_of(keys, partitions), strict=True):
        by_partition[partition].append((key, orjson.dumps(record)))
    pending = []
    for partition, messages in by_partition.items():
        batch = producer.create_batch()
        for key, value in messages:
            if batch.append(key=key, value=value, timestamp=None) is None:
                pending.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        pending.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*pending)
