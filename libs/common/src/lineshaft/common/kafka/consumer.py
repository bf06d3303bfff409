"""The at-least-once consumer that every service uses.

1. FastStream hands over a batch as raw bytes: its parser is replaced by one that cannot raise.
2. Records are decoded and handled inside our own try (see `processing`); what cannot be read or handled goes
   to the dead letters.
3. The offsets of what is finished are committed, explicitly, per partition: never past a record that is not.
4. Before partitions are given up, what was handed out is finished: aiokafka moves a partition's position
   at the moment it hands records out, so `position > finished` means work in flight, with no gap
   between the hand-over and our own mark.
5. A connection that sends mostly what cannot be processed is paused, and bad data of several connections at
   once stops the consumer (see `quarantine`).
6. What only fails is given up at once when its partition is asked back or the process stops: the next
   owner begins with it. Until then nothing behind it is handled here.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage

from lineshaft.common.errors import StoppedError
from lineshaft.common.kafka.handed_out import Batch, PartitionProgress, first_offsets, position_of
from lineshaft.common.kafka.processing import Decode, Handle, Processing
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.quarantine import Quarantine
from lineshaft.common.kafka.record import Record
from lineshaft.common.logs import logger
from lineshaft.common.topics import USERS, Topic

MAX_RECORDS = 100
"""Handled together. More saves no CPU, and by what a step holds of them memory grows under a backlog."""
POLL_MS = 20
FETCH_BYTES = 2 * 1024 * 1024
"""Of one answer of a broker, all partitions together; a record that is larger comes alone. A backlog fills
the client's buffers to about twice this, and to 1 MB per partition without it."""
HEARTBEAT_MS = 3_000
REBALANCE_TIMEOUT_MS = 60_000
MAX_POLL_INTERVAL_MS = 300_000
DRAIN_SECONDS = 50.0
TICK_SECONDS = 0.01
IDLE_TICKS = 10
BROKER_SECONDS = 5.0

log = logger(__name__)

E = TypeVar("E")


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
        quarantine: Quarantine | None = None,
    ) -> None:
        self.name = name
        self.topics = tuple(topics)
        self.last_progress = time.monotonic()
        self.out_since: float | None = time.monotonic()
        """Since when the group has given this member nothing, not even an empty share."""
        self._decode = decode
        self._handle = handle
        self._max_records = max_records
        self._group_suffix = broadcast_group
        # Anybody may send bad data to the topics of users: it costs little, and stops nobody else's.
        trusted = not any(USERS in topic.producers for topic in self.topics)
        self._quarantine = quarantine or (Quarantine() if trusted else None)
        self._processing: Processing[E] | None = None
        self._partitions: dict[TopicPartition, PartitionProgress] = {}
        self._revoked: set[TopicPartition] = set()
        self._busy = False
        self._stopping = False
        self._prefix = ""
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
        self._prefix = topic_prefix
        self._processing = Processing(
            service,
            self.name,
            decode=self._decode,
            handle=self._handle,
            producer=producer,
            quarantine=self._quarantine,
            on_halt=lambda: self._hold_still(self.assigned()),
        )
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
            fetch_max_bytes=FETCH_BYTES,
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
        self._stopping = True
        self._end_retries()

    @property
    def halted(self) -> bool:
        """Stopped for good, because what fails is not the data of one connection."""
        return self._processing is not None and self._processing.halted

    @property
    def last_life(self) -> float:
        """When the handler last returned, be it with an error."""
        return self._processing.last_life if self._processing is not None else self.last_progress

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer if self._subscriber is not None else None

    def assigned(self) -> set[TopicPartition]:
        return self.consumer.assignment() if self.consumer is not None else set()

    def joined(self) -> bool:
        """The group has given this member its share, be it empty."""
        return self._joined

    async def lag(self) -> int | None:
        """Records of our partitions that the broker has and we have not finished; None: it does not answer.

        The broker is asked, because what the client knows of the ends is as old as its last fetch.
        """
        consumer = self.consumer
        if consumer is None:
            return None
        assigned = self.assigned()
        asked = assigned or {TopicPartition(self._prefix + topic.name, 0) for topic in self.topics}
        try:
            async with asyncio.timeout(BROKER_SECONDS):
                ends = await consumer.end_offsets(asked)
                reached = {partition: await self._reached(partition) for partition in assigned}
        except (TimeoutError, KafkaError, IllegalStateError):
            return None
        return sum(max(0, int(ends[partition]) - offset) for partition, offset in reached.items())

    async def _reached(self, partition: TopicPartition) -> int:
        consumer, state = self.consumer, self._partitions.get(partition)
        if state is not None and self._busy:
            return state.finished
        position = await position_of(consumer, partition)
        if position is not None:
            return position
        beginnings: dict[TopicPartition, int] = await consumer.beginning_offsets([partition])  # type: ignore[union-attr]  # lag() has asked it
        return beginnings[partition]

    async def _on_batch(self, raw_batch: tuple[ConsumerRecord[bytes, bytes], ...]) -> None:
        """Never raises but for cancellation: an exception here would let the position run ahead."""
        batch = await self._held(raw_batch)
        if not batch.records:
            return
        self._busy = True
        try:
            await self._work(batch)
        except BaseException:
            batch.give_up()
            raise
        finally:
            self._busy = False

    async def _work(self, batch: Batch) -> None:
        try:
            await self._attached().process(batch)
        except StoppedError:
            batch.give_up()
            log.info("batch_given_up", subscription=self.name, records=len(batch.records) - len(batch.done))
        else:
            self.last_progress = time.monotonic()
        if self.halted:
            batch.give_up()
        await self._settle(batch)

    async def _held(self, raw_batch: Sequence[ConsumerRecord[bytes, bytes]]) -> Batch:
        """What may be handled here.

        Not what was asked back, nothing behind what was given up, and nothing a second time where the
        partition went and came back while FastStream held the records.
        """
        states = {
            partition: await self._state(partition, offset)
            for partition, offset in first_offsets(raw_batch).items()
        }
        batch = Batch()
        if self.halted:
            return batch
        for raw in raw_batch:
            partition = TopicPartition(raw.topic, raw.partition)
            state = states[partition]
            if state is not None and not state.given_up and raw.offset >= state.finished:
                batch.add(self._record(raw), partition, state)
        return batch

    async def _state(self, partition: TopicPartition, offset: int) -> PartitionProgress | None:
        if partition in self._revoked or partition not in self.assigned():
            return None
        state = self._partitions.setdefault(partition, PartitionProgress(offset))
        position = await position_of(self.consumer, partition)
        if position is not None and position < state.finished:
            # The topic was made anew: its offsets begin again.
            state.finished = offset
        return state

    def _attached(self) -> Processing[E]:
        if self._processing is None:
            raise StoppedError
        return self._processing

    def _end_retries(self) -> None:
        if self._processing is not None:
            self._processing.hurry.set()

    def _hold_still(self, partitions: Iterable[TopicPartition]) -> None:
        """Keep the place in the group, so that no other member begins with the same."""
        if self.consumer is not None:
            self.consumer.pause(*partitions)

    async def _settle(self, batch: Batch) -> None:
        """Commit, then let `drain` see it: whoever gets the partition next must find the commit."""
        ends = batch.ends()
        await self._commit(
            {partition: end for partition, end in ends.items() if self._is_ours(batch, partition)}
        )
        for partition, end in ends.items():
            batch.states[partition].finished = end

    def _is_ours(self, batch: Batch, partition: TopicPartition) -> bool:
        """Assigned, and not lost and assigned again since the records were handed out."""
        return self._partitions.get(partition) is batch.states[partition] and partition in self.assigned()

    async def _commit(self, ends: dict[TopicPartition, int]) -> None:
        consumer = self.consumer
        if consumer is None or not ends:
            return
        try:
            await consumer.commit(ends)
        except (KafkaError, IllegalStateError) as error:
            log.warning("commit_failed", subscription=self.name, error=repr(error))

    def on_assigned(self, partitions: set[TopicPartition]) -> None:
        self._joined = True
        self.out_since = None
        self._revoked.clear()
        if not self._stopping and self._processing is not None:
            self._processing.hurry.clear()
        if self.halted:
            self._hold_still(partitions)
        log.info("assigned", subscription=self.name, partitions=len(partitions))

    async def drain(self, revoked: Iterable[TopicPartition]) -> None:
        """Wait until everything that was handed out of these partitions is finished and committed.

        What fails is not tried again. What is not finished at the end of DRAIN_SECONDS is left to the next
        owner.
        """
        revoked = set(revoked)
        self.out_since = time.monotonic()
        self._end_retries()
        deadline = time.monotonic() + DRAIN_SECONDS
        await asyncio.gather(*(self._drain_one(partition, deadline) for partition in revoked))
        for partition in revoked:
            self._partitions.pop(partition, None)
        self._revoked |= revoked

    async def _drain_one(self, partition: TopicPartition, deadline: float) -> None:
        consumer = self.consumer
        idle_ticks = 0
        while consumer is not None and time.monotonic() < deadline:
            state = self._partitions.get(partition)
            position = await position_of(consumer, partition)
            if position is None or (state is not None and (state.given_up or state.finished >= position)):
                return
            # Handed out and not on its way to us: _held() refuses it if it comes after all.
            idle_ticks = 0 if self._busy else idle_ticks + 1
            if idle_ticks >= IDLE_TICKS:
                return
            await asyncio.sleep(TICK_SECONDS)

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
        self._subscription.on_assigned(assigned)


async def _parse(raw: tuple[ConsumerRecord[bytes, bytes], ...]) -> StreamMessage[Any]:
    return StreamMessage(raw_message=raw, body=b"")


async def _no_decoding(message: StreamMessage[Any]) -> Any:
    return message.raw_message
