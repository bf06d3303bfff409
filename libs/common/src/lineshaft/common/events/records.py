"""`records.raw`: the hot path. `mapping` decodes these without pydantic; the models document the form.

All kinds of one connection and object travel in one partition, so that its owner sees them in order.
"""

from datetime import datetime
from typing import Any

from pydantic import Field

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event
from lineshaft.common.events.syncs import ObjectResult, SyncMode


@event("records.read", topics.RECORDS_RAW.name)
class RecordsRead(EventData):
    """A slice of records, each as the source gave it."""

    connection_id: str
    system: str
    object: str
    sync_id: str
    lease_epoch: int = Field(description="Grows with each lease of this connection and object.")
    read_sequence: int = Field(description="Grows with each slice of this connection and object.")
    read_at: datetime
    records: list[dict[str, Any]]
    deleted: list[str] = Field(default=[], description="Keys of records that the source no longer has.")
    definitions: dict[str, int] = Field(
        default={}, description="Custom objects that this was read for, with the version of their definition."
    )


@event("records.read_completed", topics.RECORDS_RAW.name)
class ReadCompleted(EventData):
    """Nothing more of this object comes in this sync."""

    connection_id: str
    system: str
    sync_id: str
    lease_epoch: int
    read_sequence: int
    mode: SyncMode
    started_at: datetime
    ended_at: datetime
    result: ObjectResult
    sync_objects: list[str] = Field(
        description="All objects of the sync; it is complete when each has ended."
    )


@event("records.remap_requested", topics.RECORDS_RAW.name)
class RemapRequested(EventData):
    """Map the next stored records of this object that are behind the active mapping version."""

    connection_id: str
    system: str
    object: str
    entity: str
    version: int = Field(default=0, description="The version that this re-map was started for.")
    after: str = Field(default="", description="The entity id where the chunk before this one ended.")


@event("records.retirement_requested", topics.RECORDS_RAW.name)
class RetirementRequested(EventData):
    """End the next stored records that an entity has from this object: it comes from there no more."""

    connection_id: str
    system: str
    object: str
    entity: str
    version: int = Field(description="The version of the mapping that left the object.")
    after: str = Field(default="", description="The entity id where the chunk before this one ended.")
