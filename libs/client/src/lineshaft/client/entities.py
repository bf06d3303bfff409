"""Entities from Kafka, as they change (extra `kafka`)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer

from lineshaft.client import exact_json

PREFIX = "lineshaft."
DELETED = "lineshaft.entity.deleted"


@dataclass(frozen=True, slots=True)
class EntityEvent:
    """One entity as it is now; of a deleted one, what there was last."""

    id: str
    connection_id: str
    entity_id: str
    revision: int
    deleted: bool
    document: dict[str, Any]


class EntityConsumer:
    """At least once: store `revision` with the entity, and skip an event that is not above it."""

    def __init__(self, consumer: AIOKafkaConsumer, *, commits: bool) -> None:
        self._consumer = consumer
        self._commits = commits

    async def batches(self, *, max_records: int = 500) -> AsyncIterator[list[EntityEvent]]:
        """What has come since; a batch is committed when the next one is asked for."""
        while True:
            found = await self._consumer.getmany(timeout_ms=1000, max_records=max_records)
            events = [_event(record) for records in found.values() for record in records if record.value]
            if events:
                yield events
            if found and self._commits:
                await self._consumer.commit()


@asynccontextmanager
async def consume(
    entities: Sequence[str],
    *,
    bootstrap_servers: str,
    group_id: str | None,
    prefix: str = PREFIX,
    from_beginning: bool = True,
    **options: Any,
) -> AsyncIterator[EntityConsumer]:
    """A consumer of `entities.<name>`; options are aiokafka's, for TLS and SASL.

    The topics keep the latest of each entity, so a new group that begins at the beginning gets all of them.
    Without a group nothing is committed: the next consumer begins where this one did.
    """
    consumer = AIOKafkaConsumer(
        *(f"{prefix}entities.{name}" for name in entities),
        bootstrap_servers=bootstrap_servers,
        group_id=group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest" if from_beginning else "latest",
        **options,
    )
    try:
        await consumer.start()
        yield EntityConsumer(consumer, commits=group_id is not None)
    finally:
        await consumer.stop()


def _event(record: Any) -> EntityEvent:
    headers = dict(record.headers)
    document = exact_json.decode(record.value)
    connection_id, _, entity_id = record.key.decode().partition("/")
    return EntityEvent(
        id=headers["ce_id"].decode(),
        connection_id=connection_id,
        entity_id=entity_id,
        revision=document["revision"],
        deleted=headers["ce_type"].decode() == DELETED,
        document=document,
    )
