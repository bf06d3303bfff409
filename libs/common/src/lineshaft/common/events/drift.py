"""The source changes under a mapping: what has changed, where that hurts, and what is to follow."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from lineshaft.common import topics
from lineshaft.common.events.commands import Command
from lineshaft.common.events.model import EventData, event
from lineshaft.common.outcomes import Move


class DriftPolicy(StrEnum):
    """What follows when an object of the source changes."""

    OFFER = "offer"
    """It is told; reading goes on as far as nothing known would be emptied."""
    HOLD = "hold"
    """It is told; the object is not read until a change that the mapping feels was accepted."""
    IGNORE = "ignore"
    """Nothing is told; reading goes on, a field that is gone becomes empty."""


class ChangeKind(StrEnum):
    DROPPED = "dropped"
    RETYPED = "retyped"
    REQUIRED = "required"
    ADDED = "added"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FieldChange(_Part):
    """One field of a source object, against what was known of it."""

    field: str
    kind: ChangeKind
    type: str = Field(description="Now; of one that was dropped: before.")
    type_before: str | None = None
    renamed_to: str | None = Field(
        default=None, description="Of one that was dropped: a new field that may be it."
    )
    required: bool = Field(default=False, description="A record cannot be created without it.")


@event("schema.changed", topics.RECORDS_RAW.name)
class SchemaChanged(EventData):
    """In the partition of its object, so that it stands between the pages read before and after it."""

    connection_id: str
    system: str
    object: str
    at: datetime
    policy: DriftPolicy
    changes: list[FieldChange]


@event("schema.accepted", topics.CONNECTION_CALLS.name)
class SchemaAccepted(EventData):
    """Somebody has said that an object is as it is now: what failed for its changes is tried anew."""

    connection_id: str
    system: str
    object: str
    at: datetime
    actor: str
    accepted: int


class HurtField(_Part):
    """A change where it hurts."""

    field: str | None = Field(description="The unified field; null where none reads the source field.")
    source_field: str
    kind: ChangeKind
    renamed_to: str | None = None
    reason: str


class DriftedEntity(_Part):
    entity: str
    mapping_version: int
    fields: list[HurtField]


@event("mapping.drifted", topics.MAPPING_EVENTS.name)
class MappingDrifted(EventData):
    """The source's schema has changed: which unified fields it hurts, and whose move it is."""

    topic_name = topics.MAPPING_EVENTS.name

    connection_id: str
    system: str
    object: str
    at: datetime
    policy: DriftPolicy
    held: bool = Field(description="The object is not read until somebody accepts or maps anew.")
    changes: list[FieldChange]
    entities: list[DriftedEntity]
    offered: list[str] = Field(description="New source fields that no unified field reads.")
    move: Move
    summary: str
    action: str


@event("drift_policy.requested", topics.COMMANDS_CONNECTOR.name)
class DriftPolicyRequested(Command):
    """From now on this follows when the object changes."""

    topic_name = topics.COMMANDS_CONNECTOR.name

    object: str
    policy: DriftPolicy
    actor: str


@event("schema_changes.accepted", topics.COMMANDS_CONNECTOR.name)
class SchemaChangesAccepted(Command):
    """The object is as it is now; what is gone becomes empty, and reading goes on."""

    topic_name = topics.COMMANDS_CONNECTOR.name

    object: str
    actor: str
