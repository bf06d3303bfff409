"""`sync.requests` and `sync.events`."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event
from lineshaft.common.outcomes import Outcome


class SyncMode(StrEnum):
    INCREMENTAL = "incremental"
    FULL = "full"


class SyncResult(StrEnum):
    COMPLETED = "completed"
    PARTIALLY_COMPLETED = "partially_completed"
    FAILED = "failed"


@event("sync.requested", topics.SYNC_REQUESTS.name)
class SyncRequested(EventData):
    """Anyone may publish this as plain JSON; all but `connection_id` may be left out."""

    connection_id: str = Field(min_length=1, max_length=200)
    entities: list[str] | None = Field(
        default=None, description="Unified entities; all of the connection if absent."
    )
    objects: list[str] | None = Field(
        default=None, description="Source objects, beside or instead of entities."
    )
    mode: SyncMode = SyncMode.INCREMENTAL
    request_id: str | None = Field(default=None, max_length=200, description="Makes the request idempotent.")
    on_demand: bool = Field(
        default=False,
        description="Somebody waits for it: what is left alone because it failed is tried once more at once.",
    )
    requested_by: str = Field(
        default="",
        max_length=200,
        description="Who or what asks: a key's id, `connected`, `write`, `schedule`.",
    )


class SyncEvent(EventData):
    topic_name = topics.SYNC_EVENTS.name

    connection_id: str
    system: str
    sync_id: str
    at: datetime


@event("sync.started", topics.SYNC_EVENTS.name)
class SyncStarted(SyncEvent):
    objects: list[str]
    mode: SyncMode
    requested_by: list[str] = Field(default_factory=list, description="All whose requests it answers.")


class ObjectResult(EventData):
    """How the read of one object ended."""

    object: str
    result: SyncResult
    records: int = 0
    outcome: Outcome = Outcome.OK
    message: str | None = None


@event("sync.completed", topics.SYNC_EVENTS.name)
class SyncCompleted(SyncEvent):
    """Every object's records are readable, or `objects` says which are not."""

    result: SyncResult
    mode: SyncMode
    started_at: datetime
    records: int
    objects: list[ObjectResult]


@event("sync.failed", topics.SYNC_EVENTS.name)
class SyncFailed(SyncCompleted):
    """No object could be read."""
