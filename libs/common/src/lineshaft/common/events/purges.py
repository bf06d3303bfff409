"""Receipts of a purge: what each service has deleted, and what is left on topics until when."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lineshaft.common.events.commands import CommandCompleted, PurgeRequested
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.ids import derived_id
from lineshaft.common.topics import CONNECTION, CONNECTION_STATUS, CONNECTIONS, DEAD_LETTERS, TOPICS, Topic


class Ending(StrEnum):
    DELETED = "deleted"
    """By key: a tombstone for each."""
    EMPTIED = "emptied"
    """The last event of the key says only that the connection was."""
    EXPIRES = "expires"
    """The topic cannot delete by key; it forgets by time."""


class TopicReceipt(BaseModel):
    model_config = ConfigDict(frozen=True)

    topic: str = Field(description="Without the prefix.")
    ending: Ending = Field(
        description="deleted: by key. emptied: its last event says only that the connection was."
        " expires: the topic cannot delete by key, and forgets by time."
    )
    until: datetime | None = Field(description="When the last of it expires.")


class Receipt(BaseModel):
    model_config = ConfigDict(frozen=True)

    rows: dict[str, int] = Field(description="Rows that were deleted, by table.")
    topics: list[TopicReceipt]


def receipt_of(service: str, rows: Mapping[str, int], at: datetime) -> Receipt:
    """What a service has deleted by now, and what it had published."""
    published = [topic for topic in TOPICS if service in topic.producers and _is_about_connections(topic)]
    return Receipt(rows=dict(rows), topics=[_topic_receipt(topic, at) for topic in published])


def purged(
    command: PurgeRequested,
    service: str,
    rows: Mapping[str, int],
    at: datetime,
    cause: Event[Any] | None = None,
) -> Event[CommandCompleted]:
    """The answer of a service; given twice it counts once."""
    answer = CommandCompleted(
        command_id=command.command_id,
        connection_id=command.connection_id,
        at=at,
        result=receipt_of(service, rows, at).model_dump(mode="json"),
    )
    event_id = derived_id("evt", command.command_id, "completed")
    return new_event(answer, source=service, key=command.connection_id, event_id=event_id, cause=cause)


def _is_about_connections(topic: Topic) -> bool:
    return CONNECTION in topic.key or topic is DEAD_LETTERS


def _topic_receipt(topic: Topic, at: datetime) -> TopicReceipt:
    if topic.retention_days is not None:
        until = at + timedelta(days=topic.retention_days)
        return TopicReceipt(topic=topic.name, ending=Ending.EXPIRES, until=until)
    last_word = topic in {CONNECTIONS, CONNECTION_STATUS}
    return TopicReceipt(topic=topic.name, ending=Ending.EMPTIED if last_word else Ending.DELETED, until=None)
