"""The at-least-once consumer that every service uses.

1. FastStream hands over a batch as raw bytes: its parser is replaced by one that cannot raise.
2. Records are decoded inside our own try; what cannot be read goes to the dead letters.
3. The handler gets the batch. A retryable error is tried again in place, with growing pauses, until it
   works or the partition is taken away. Any other error splits the batch to find the one bad record.
4. The offsets of the finished batch are committed, explicitly, per partition.
5. Before partitions are given up, what was handed out is finished: aiokafka moves a partition's position
   at the moment it hands records out, so `position > finished` means work in flight, with no gap
   between the hand-over and our own mark.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage

from lineshaft.common.errors import DeadLetterError, RetryableError, StoppedError, UndecodableError
from lineshaft.common.kafka.dead_letters import dead_letter
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Record
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.topics import Topic

MAX_RECORDS = 500
POLL_MS = 20
HEARTBEAT_MS = 3_000
REBALANCE_TIMEOUT_MS = 60_000
MAX_POLL_INTERVAL_MS = 300_000
DRAIN_SECONDS = 50.0
IDLE_TICKS = 5
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
UNEXPECTED_ATTEMPTS = 3

log = logger(__name__)

E = TypeVar("E")
Decode = Callable[[Record], E | None]
Handle = Callable[[Sequence[E]], Awaitable[None]]


@dataclass(slots=True)
class _Partition:
    """How far one assigned partition has been finished."""

    finished: int


class Subscription(Generic[E]):
    """One consumer group's reading of some topics by one handler.

    `decode` gives None for a record to pass over. `handle` gets the decoded records in order and returns
    when their effect is durable; it must bear to see a record twice.
    """

    def __init__(
        self,
        name: str,
        topics: Iterable[Topic],
        *,
        decode: Decode[E],
        handle: Handle[E],
        max_records: int = MAX_RECORDS,
        broadcast_group: str | None = None,
    ) -> None:
        self.name = name
        self.topics = tuple(topics)
        self.last_progress = time.monotonic()
        self._decode = decode
        self._handle = handle
        self._max_records = max_records
        self._group_suffix = broadcast_group
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._stopping = asyncio.Event()
        self._service = ""
        self._prefix = ""
        self._producer: Producer | None = None
        self._subscriber: Any = None
        self._joined = False

    def attach(
        self,
        broker: KafkaBroker,
        producer: Producer,
        *,
        service: str,
        topic_prefix: str,
        session_seconds: float = 15.0,
        fetch_wait_ms: int = 250,
    ) -> None:
        """Declare the subscriber on the broker; it starts with it."""
        self._service, self._prefix, self._producer = service, topic_prefix, producer
        group = f"{topic_prefix}{service}.{self.name}"
        self._subscriber = broker.subscriber(
            *(topic_prefix + topic.name for topic in self.topics),
            batch=True,
            group_id=f"{group}.{self._group_suffix}" if self._group_suffix else group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            listener=_Drain(self),
            max_records=self._max_records,
            batch_timeout_ms=POLL_MS,
            fetch_max_wait_ms=fetch_wait_ms,
            session_timeout_ms=int(session_seconds * 1000),
            heartbeat_interval_ms=min(HEARTBEAT_MS, int(session_seconds * 1000 / 4)),
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            parser=_parse,
            decoder=_no_decoding,
        )
        self._subscriber(self._on_batch)

    def stop(self) -> None:
        """End retries in place; what is unfinished stays uncommitted."""
        self._stopping.set()

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer if self._subscriber is not None else None

    def assigned(self) -> set[TopicPartition]:
        return self.consumer.assignment() if self.consumer is not None else set()

    def joined(self) -> bool:
        """The group has given this member its share, be it empty."""
        return self._joined

    def lag(self) -> int:
        """Records of our partitions that are on the broker and not finished here."""
        consumer = self.consumer
        if consumer is None:
            return 0
        total = 0
        for partition in self.assigned():
            end = consumer.highwater(partition)
            state = self._partitions.get(partition)
            if end is not None and state is not None:
                total += max(0, end - state.finished)
        return total

    async def _on_batch(self, batch: tuple[ConsumerRecord[bytes, bytes], ...]) -> None:
        """Never raises but for cancellation: an exception here would let the position run ahead."""
        if not batch:
            return
        ends: dict[TopicPartition, int] = {}
        for raw in batch:
            partition = TopicPartition(raw.topic, raw.partition)
            self._partitions.setdefault(partition, _Partition(raw.offset))
            ends[partition] = raw.offset + 1
        try:
            await self._process([self._record(raw) for raw in batch])
        except StoppedError:
            log.info("batch_given_up", subscription=self.name, records=len(batch))
            return
        for partition, end in ends.items():
            self._partitions[partition].finished = end
        self.last_progress = time.monotonic()
        await self._commit(ends)

    async def _process(self, records: Sequence[Record]) -> None:
        started = time.perf_counter()
        decoded: list[tuple[Record, E]] = []
        for record in records:
            try:
                event = self._decode(record)
            except UndecodableError as error:
                await self._set_aside(record, "decode", error)
            except Exception as error:  # noqa: BLE001  a decoder's own fault must not lose the record
                await self._set_aside(record, "decode", error)
            else:
                if event is not None:
                    decoded.append((record, event))
        if decoded:
            await self._handle_or_split(decoded)
        METRICS.consumed_records.labels(self._service, self.name).inc(len(records))
        METRICS.batch_seconds.labels(self._service, self.name).observe(time.perf_counter() - started)

    async def _handle_or_split(self, decoded: Sequence[tuple[Record, E]]) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._handle([event for _, event in decoded])
            except RetryableError as error:
                log.warning("retry_in_place", subscription=self.name, attempt=attempt, error=str(error))
                await self._pause(attempt)
            except Exception as error:
                if len(decoded) > 1:
                    for one in decoded:
                        await self._handle_or_split([one])
                    return
                if isinstance(error, DeadLetterError) or attempt >= UNEXPECTED_ATTEMPTS:
                    log.exception("handler_failed", subscription=self.name, attempt=attempt)
                    await self._set_aside(decoded[0][0], "handle", error, attempt)
                    return
                await self._pause(attempt)
            else:
                return

    async def _set_aside(self, record: Record, stage: str, error: BaseException, attempt: int = 1) -> None:
        if self._producer is None:
            raise StoppedError
        letter = dead_letter(record, service=self._service, stage=stage, error=error, attempt=attempt)
        publishing = 0
        while True:
            publishing += 1
            try:
                await self._producer.publish([letter])
            except RetryableError:
                await self._pause(publishing)
            else:
                break
        METRICS.dead_letters.labels(self._service, record.topic).inc()
        log.error(
            "dead_letter",
            subscription=self.name,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            stage=stage,
            error=f"{type(error).__name__}: {error}",
        )

    async def _pause(self, attempt: int) -> None:
        METRICS.retries.labels(self._service, self.name).inc()
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 10))
        try:
            await asyncio.wait_for(self._stopping.wait(), timeout=random.uniform(longest / 2, longest))  # noqa: S311
        except TimeoutError:
            return
        raise StoppedError

    async def _commit(self, ends: dict[TopicPartition, int]) -> None:
        consumer = self.consumer
        if consumer is None:
            return
        still_ours = {partition: end for partition, end in ends.items() if partition in consumer.assignment()}
        if not still_ours:
            return
        try:
            await consumer.commit(still_ours)
        except (KafkaError, IllegalStateError) as error:
            log.warning("commit_failed", subscription=self.name, error=repr(error))

    def on_assigned(self, partitions: int) -> None:
        self._joined = True
        log.info("assigned", subscription=self.name, partitions=partitions)

    async def drain(self, revoked: Iterable[TopicPartition]) -> None:
        """Wait until everything that was handed out of these partitions is finished and committed."""
        consumer = self.consumer
        deadline = time.monotonic() + DRAIN_SECONDS
        for partition in revoked:
            idle_ticks = 0
            while consumer is not None and time.monotonic() < deadline and not self._stopping.is_set():
                state = self._partitions.get(partition)
                position = await _position(consumer, partition)
                if position is None or (state is not None and state.finished >= position):
                    break
                await asyncio.sleep(0.01)
                idle_ticks = idle_ticks + 1 if state is None else 0
                if idle_ticks >= IDLE_TICKS:
                    break
            self._partitions.pop(partition, None)

    def _record(self, raw: ConsumerRecord[bytes, bytes]) -> Record:
        return Record(
            topic=raw.topic.removeprefix(self._prefix),
            partition=raw.partition,
            offset=raw.offset,
            key=raw.key,
            value=raw.value,
            headers=tuple(raw.headers),
            timestamp=raw.timestamp,
        )


class _Drain(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, subscription: Subscription[Any]) -> None:
        self._subscription = subscription

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._subscription.drain(revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._subscription.on_assigned(len(assigned))


async def _position(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """The next offset to hand out; None where nothing was handed out yet."""
    try:
        return await asyncio.wait_for(consumer.position(partition), timeout=0.5)
    except (TimeoutError, IllegalStateError, KafkaError):
        return None


async def _parse(raw: tuple[ConsumerRecord[bytes, bytes], ...]) -> StreamMessage[Any]:
    return StreamMessage(raw_message=raw, body=b"")


async def _no_decoding(message: StreamMessage[Any]) -> Any:
    return message.raw_message
