"""The parts of `mapping` on the real Postgres and Kafka, driven by hand, and readers of what they publish.

A test module takes the fixtures that it needs by assigning them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from lineshaft.common import topics as registry
from lineshaft.common.clock import now
from lineshaft.common.events.envelope import Decoder, Event
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.syncs import SyncCompleted, SyncFailed
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.quarantine import Quarantine
from lineshaft.common.kafka.record import Message, Record
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.outbox import Relay
from lineshaft.common.postgres.pool import Pool
from lineshaft.mapping.completion import Completer
from lineshaft.mapping.deleting import Deleter
from lineshaft.mapping.domain.mappings import Mappings
from lineshaft.mapping.domain.messages import RawMessage, decode
from lineshaft.mapping.drifting import Drifts
from lineshaft.mapping.handlers import RawHandler
from lineshaft.mapping.recording import Recorder
from lineshaft.mapping.remapping import Remapper, on_mappings_changed
from lineshaft.mapping.retiring import Retirer

from .builders import SYSTEM, a_record, a_system

if TYPE_CHECKING:
    from lineshaft.tools.testing.infrastructure import Database, Topics


@dataclass
class Seen:
    """One message of a topic."""

    id: str
    type: str
    key: str
    data: dict[str, Any]


class Reader:
    """Reads all of a topic from where it was made to where the topic ends now."""

    def __init__(self, bootstrap_servers: str, partitions: Sequence[TopicPartition]) -> None:
        self._partitions = partitions
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers)

    async def start(self) -> None:
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        await self._consumer.seek_to_end()
        for partition in self._consumer.assignment():
            await self._consumer.position(partition)

    async def stop(self) -> None:
        await self._consumer.stop()

    async def new(self) -> list[Seen]:
        """Messages since the last time."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        found: list[Any] = []
        async with asyncio.timeout(20):
            for partition, end in ends.items():
                while await self._consumer.position(partition) < end:
                    found.append(await self._consumer.getone(partition))
        found.sort(key=lambda record: (record.timestamp, record.partition, record.offset))
        return [_seen(record) for record in found]

    async def wait_for(self, count: int) -> list[Seen]:
        found: list[Seen] = []
        async with asyncio.timeout(20):
            while len(found) < count:
                found += await self.new()
                await asyncio.sleep(0.01)
        return found


def _seen(record: Any) -> Seen:
    texts = {name: value.decode(errors="replace") for name, value in record.headers}
    try:
        data = orjson.loads(record.value or b"{}")
    except orjson.JSONDecodeError:
        data = {"undecoded": record.value, **texts}
    return Seen(texts.get("ce_id", ""), texts.get("ce_type", ""), (record.key or b"").decode(), data)


class Service:
    """One replica, with a new connection id for each test."""

    def __init__(self, pool: Pool, producer: Producer) -> None:
        self.pool = pool
        self.producer = producer
        self.connection_id = new_id("con")
        self.mappings = Mappings({SYSTEM: a_system()}, 100)
        recorder = Recorder(pool, producer, self.mappings, now, Quarantine())
        self.handler = RawHandler(
            recorder,
            deleter=Deleter(pool, recorder),
            completer=Completer(pool, now),
            remapper=Remapper(pool, producer, self.mappings, now, 3),
            retirer=Retirer(pool, producer, now, 3),
            drifts=Drifts(pool, self.mappings),
            batch_records=1_000,
        )
        self.on_mappings = transactional(pool, "mappings", on_mappings_changed)
        self.relay = Relay(pool, producer, "mapping")

    async def raw(self, *messages: Message) -> None:
        """Handle these as one batch."""
        decoded = [decode(a_record(message)) for message in messages]
        await self.handler([message for message in decoded if message is not None])

    async def change_mapping(self, event: Event[MappingChanged]) -> RawMessage:
        """Put a definition in force; the first chunk of the re-map, as it would come by Kafka."""
        await self.on_mappings([event])
        (chunk,) = await self.chunks()
        return chunk

    async def chunks(self) -> list[Event[Any]]:
        """Chunks that wait in the outbox, taken out."""
        rows = await self.pool.fetch(
            "delete from outbox where topic = 'records.raw' returning topic, key, value, headers"
        )
        found = []
        for row in rows:
            headers = tuple((name, value.encode()) for name, value in row["headers"].items())
            event = decode(Record(row["topic"], 0, 0, row["key"], row["value"], headers))
            assert isinstance(event, Event)
            found.append(event)
        return found

    async def stored(self, entity: str = "item") -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "select * from record where connection_id = $1 and entity = $2 order by source_id",
            self.connection_id,
            entity,
        )
        return [dict(row) for row in rows]


def sync_ends(seen: Sequence[Seen]) -> list[SyncCompleted]:
    types = {model.event_type: model for model in (SyncCompleted, SyncFailed)}
    assert Decoder(*types.values())
    return [types[one.type].model_validate(one.data) for one in seen]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(database: "Database") -> AsyncIterator[Pool]:
    pool = await database.pool("mapping")
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def service(pool: Pool, producer: Producer) -> Service:
    return Service(pool, producer)


@contextlib.asynccontextmanager
async def reading(topics: "Topics", topic: str) -> AsyncIterator[Reader]:
    (known,) = (one for one in registry.TOPICS if one.name == topic)
    partitions = [TopicPartition(topics.prefix + topic, number) for number in range(known.partitions)]
    reader = Reader(topics.bootstrap_servers, partitions)
    try:
        await reader.start()
        yield reader
    finally:
        await reader.stop()


@pytest_asyncio.fixture
async def items(topics: "Topics") -> AsyncIterator[Reader]:
    async with reading(topics, "entities.item") as reader:
        yield reader


@pytest_asyncio.fixture
async def sync_events(topics: "Topics") -> AsyncIterator[Reader]:
    async with reading(topics, "sync.events") as reader:
        yield reader


@pytest_asyncio.fixture
async def dead_letters(topics: "Topics") -> AsyncIterator[Reader]:
    async with reading(topics, "dead-letters") as reader:
        yield reader
