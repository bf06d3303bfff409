"""What is remembered of one connection: facts from its calls, and what has been told of them."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from lineshaft.common.events.access import Permission
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.health import Evidence
from lineshaft.common.outcomes import ConnectionStatus, Fault, LadderRung, Operation, Rung
from lineshaft.health_monitor.domain.breaker import BreakerState

Confidence = Literal["high", "medium", "low"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ScopeState(_Part):
    """One object in one direction (read or write), or the connection as a whole.

    `fault` is what its failures are about; it counts only while the breaker is not closed.
    """

    object: str | None = None
    operation: Operation = Operation.READ
    fault: Fault | None = None
    confidence: Confidence = "high"
    rung: Rung | None = None
    host: str = ""
    code: str | None = None
    field: str | None = None
    breaker: BreakerState = BreakerState()
    failing: tuple[str, ...] = ()
    """Objects that failed since the last success; kept for the whole connection only."""
    refused: tuple[str, ...] = ()
    """Records whose writes were refused since the last success: none counts twice."""
    failing_since: datetime | None = None
    last_ok_at: datetime | None = None
    last_error_at: datetime | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def broken(self) -> bool:
        return self.breaker.tripped and self.fault is not None

    def tried_anew(self) -> Self:
        """As if nothing had failed."""
        return self.model_copy(
            update={
                "breaker": BreakerState(),
                "fault": None,
                "failing": (),
                "refused": (),
                "failing_since": None,
                "evidence": (),
            }
        )


class Rejection(_Part):
    """The credentials in force were refused."""

    since: datetime
    evidence: tuple[Evidence, ...]
    confidence: Confidence = "high"
    code: str | None = None
    confirms: int = 0
    """Times that we looked whether to try them once more."""
    confirm_asked_at: datetime | None = None


class Limit(_Part):
    """The source asked not to be called before `until`."""

    since: datetime
    until: datetime
    evidence: tuple[Evidence, ...]
    code: str | None = None


class Stop(_Part):
    """An operator stopped the calls."""

    order_id: str
    since: datetime
    until: datetime
    actor: str
    reason: str


class LadderFinding(_Part):
    """Where the network ladder stops since the source is out of reach."""

    at: datetime
    rung: LadderRung
    seen: str
    ask: str


class Access(_Part):
    """What the source grants, as of the last check."""

    asked_at: datetime | None = None
    asked_version: int = 0
    """Of the credentials that a check was asked for."""
    answered: bool = False
    """That check has told something."""
    doubted: bool = False
    """Something happened since that may have changed it."""
    checked_at: datetime | None = None
    permissions: tuple[Permission, ...] = ()
    missing: tuple[Permission, ...] = ()
    """What was found to be denied last; a source that does not tell for once changes nothing."""
    expires_at: datetime | None = None
    warned: tuple[float, ...] = ()
    """Days before that end of which has been warned."""


class Issue(_Part):
    """One fault of one connection from its first failure until it has been quiet for long enough."""

    issue_id: str
    fault: Fault
    opened_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    count: int = 1
    announced_at: datetime | None = None
    cleared_at: datetime | None = None
    """Set while the fault is gone, but not yet for long enough."""
    resolved_at: datetime | None = None
    muted_until: datetime | None = None


class ConnectionState(_Part):
    connection_id: str
    system: str = ""
    label: str = ""
    """The system's name as people know it."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    lifecycle: Lifecycle | None = None
    """None until `connections` has told of it; nothing is published before."""
    connection_revision: int = 0
    credential_version: int = 0

    known_objects: tuple[str, ...] = ()
    whole: ScopeState = ScopeState()
    scopes: dict[str, ScopeState] = Field(default_factory=dict)
    rejection: Rejection | None = None
    limit: Limit | None = None
    issues: dict[Fault, Issue] = Field(default_factory=dict)
    """The open ones."""
    stops: dict[str, Stop] = Field(default_factory=dict)
    """By object; the empty name is the whole connection."""
    mutes: dict[Fault, datetime] = Field(default_factory=dict)
    """Until when nothing new of a fault is announced."""
    last_sync_at: datetime | None = None
    requesters: dict[str, str] = Field(default_factory=dict)
    """Who asked for the syncs that are under way, by their ids."""
    host: str = ""
    """Where its calls went last."""
    heard_ok_at: datetime | None = None
    heard_error_at: datetime | None = None
    """By our clock: a call that worked, a call that did not reach a working source."""
    outage_mark: str = ""
    """Of the outage of its source as it was last taken notice of."""
    own_outage_since: datetime | None = None
    """While our own network is out."""
    quiet_probed_at: datetime | None = None
    ladder: LadderFinding | None = None
    ladder_asked_at: datetime | None = None
    access: Access = Access()
    exempt_outage: str = ""
    """An outage that an operator told this connection not to heed."""
    held_until: datetime | None = None
    """Another connection probes their common host; this one is not to be called before."""
    released_at: datetime | None = None
    """The end of the last such outage."""

    status: ConnectionStatus = ConnectionStatus.PENDING
    since: datetime | None = None
    told_status: ConnectionStatus | None = None
    """The status of the last event on `connection.events`."""
    fingerprint: str = ""
    """Of the last published description."""
    revision: int = 0
    probes: int = 0
    probed_at: datetime | None = None
    """While half open and nothing has been heard since."""

    @property
    def called(self) -> str:
        return self.label or self.system

    @property
    def active(self) -> bool:
        return self.lifecycle is Lifecycle.ACTIVE

    @property
    def deleted(self) -> bool:
        """For ever; nothing is kept but that it was."""
        return self.lifecycle is Lifecycle.DELETED

    @property
    def ended(self) -> bool:
        return self.lifecycle in {Lifecycle.DISCONNECTED, Lifecycle.DELETED}


def tombstone(state: ConnectionState) -> ConnectionState:
    """What is kept of a deleted connection, so that late events leave nothing."""
    return ConnectionState(
        connection_id=state.connection_id,
        lifecycle=state.lifecycle,
        connection_revision=state.connection_revision,
        credential_version=state.credential_version,
        status=state.status,
        since=state.since,
        told_status=state.told_status,
        revision=state.revision,
        fingerprint=state.fingerprint,
    )


def scope_key(name: str, operation: Operation) -> str:
    return f"{operation}:{name}"
