"""`connection.status` and `connection.events`: one verdict per connection, and its changes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lineshaft.common import topics
from lineshaft.common.events.access import Permission
from lineshaft.common.events.model import EventData, event
from lineshaft.common.outcomes import ConnectionStatus, Fault, LadderRung, Move, Operation, Outcome, Scope


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Evidence(_Part):
    event_id: str
    at: datetime
    outcome: Outcome
    object: str | None = None
    operation: Operation
    message: str | None = None


class Verdict(_Part):
    """What is wrong, where, whose move it is and what to do."""

    scope: Scope
    fault: Fault
    objects: list[str] = Field(default_factory=list)
    fields: list[str] = Field(
        default_factory=list, description="`object.field`, where only these are at fault."
    )
    operations: list[Operation] = Field(default_factory=list)
    confidence: Literal["high", "medium", "low"] = "high"
    rung: LadderRung | None = Field(
        default=None, description="Of the network: the first rung on the way to the source that failed."
    )
    summary: str
    move: Move
    action: str
    evidence: list[Evidence] = Field(default_factory=list)


class ScopeStatus(_Part):
    """Health of one object, and whether it may be read and written."""

    object: str
    status: ConnectionStatus
    callable: bool = Field(default=True, description="Whether it may be read.")
    not_before: datetime | None = None
    writable: bool = Field(default=True, description="Whether it may be written.")
    writes_not_before: datetime | None = None
    last_ok_at: datetime | None = None
    last_error_at: datetime | None = None


class Breaker(_Part):
    state: Literal["closed", "open", "half_open"] = "closed"
    retry_at: datetime | None = None
    scopes: list[str] = Field(default_factory=list, description="Objects whose own breaker is open.")


@event("connection.status_described", topics.CONNECTION_STATUS.name)
class StatusDescribed(EventData):
    """The whole health of a connection; a later one replaces it. The gate of every connector obeys it."""

    connection_id: str
    system: str
    status: ConnectionStatus
    since: datetime
    verdict: Verdict | None = None
    objects: list[ScopeStatus] = Field(default_factory=list)
    breaker: Breaker = Breaker()
    permissions: list[Permission] = Field(
        default_factory=list, description="What is needed of the source, and whether it grants it."
    )
    credentials_expire_at: datetime | None = None
    credential_version: int
    revision: int = Field(description="Grows with each change; an older one is ignored.")
    at: datetime


class ConnectionEvent(EventData):
    """Something about a connection that somebody may want to hear of."""

    topic_name = topics.CONNECTION_EVENTS.name

    connection_id: str
    system: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    status: ConnectionStatus
    previous_status: ConnectionStatus | None = None
    verdict: Verdict | None = None
    credential_version: int
    issue_id: str | None = None
    at: datetime


@event("connection.created", topics.CONNECTION_EVENTS.name)
class ConnectionCreated(ConnectionEvent):
    pass


@event("connection.reauthorization_required", topics.CONNECTION_EVENTS.name)
class ReauthorizationRequired(ConnectionEvent):
    pass


@event("connection.recovered", topics.CONNECTION_EVENTS.name)
class ConnectionRecovered(ConnectionEvent):
    pass


@event("connection.status_changed", topics.CONNECTION_EVENTS.name)
class StatusChanged(ConnectionEvent):
    pass


@event("connection.disconnected", topics.CONNECTION_EVENTS.name)
class ConnectionDisconnected(ConnectionEvent):
    outlives_connection = True


class ConnectionWarning(ConnectionEvent):
    """Something that works today and will not; people hear of it, webhooks do not."""

    summary: str
    move: Move
    action: str


@event("connection.credentials_expiring", topics.CONNECTION_EVENTS.name)
class CredentialsExpiring(ConnectionWarning):
    expires_at: datetime


@event("connection.permissions_missing", topics.CONNECTION_EVENTS.name)
class PermissionsMissing(ConnectionWarning):
    permissions: list[Permission] = Field(description="Those that were not known to be missing before.")


class SystemEvent(EventData):
    """Something about a source that many connections share."""

    topic_name = topics.CONNECTION_EVENTS.name

    outage_id: str
    system: str = Field(description="Empty where our own network is at fault (`platform`).")
    host: str = Field(description="`host:port`; empty where connections of several hosts are concerned.")
    fault: Fault
    connections: int = Field(description="How many were out of reach at most.")
    connection_ids: list[str] = Field(default_factory=list, description="The first thousand of them.")
    summary: str
    move: Move
    action: str
    began_at: datetime
    at: datetime


@event("system.outage", topics.CONNECTION_EVENTS.name)
class SystemOutage(SystemEvent):
    pass


@event("system.recovered", topics.CONNECTION_EVENTS.name)
class SystemRecovered(SystemEvent):
    pass
