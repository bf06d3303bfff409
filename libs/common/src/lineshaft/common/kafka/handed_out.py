"""What a consumer was handed out, and how far each of its partitions has been finished."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord

from lineshaft.common.kafka.record import Record


@dataclass(slots=True, eq=False)
class PartitionProgress:
    """How far one assigned partition has been finished; a new assignment gets a new one."""

    finished: int
    given_up: bool = False


@dataclass(slots=True)
class Batch:
    """Records that were handed out together, and which of them need nothing more."""

    records: list[Record] = field(default_factory=list)
    partitions: list[TopicPartition] = field(default_factory=list)
    states: dict[TopicPartition, PartitionProgress] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def add(self, record: Record, partition: TopicPartition, state: PartitionProgress) -> None:
        self.records.append(record)
        self.partitions.append(partition)
        self.states[partition] = state

    def ends(self) -> dict[TopicPartition, int]:
        """Per partition the offset after the contiguous prefix of what is done."""
        ends: dict[TopicPartition, int] = {}
        open_partitions = set(self.states)
        for index, (record, partition) in enumerate(zip(self.records, self.partitions, strict=True)):
            if index not in self.done:
                open_partitions.discard(partition)
            elif partition in open_partitions:
                ends[partition] = record.offset + 1
        return ends

    def give_up(self) -> None:
        for state in self.states.values():
            state.given_up = True


def first_offsets(raw_batch: Sequence[ConsumerRecord[bytes, bytes]]) -> dict[TopicPartition, int]:
    firsts: dict[TopicPartition, int] = {}
    for raw in raw_batch:
        firsts.setdefault(TopicPartition(raw.topic, raw.partition), raw.offset)
    return firsts


async def position_of(consumer: Any, partition: TopicPartition) -> int | None:
    """The next offset to hand out; None where nothing was handed out yet."""
    try:
        return int(await asyncio.wait_for(consumer.position(partition), timeout=0.5))
    except (TimeoutError, IllegalStateError, KafkaError):
        return None
