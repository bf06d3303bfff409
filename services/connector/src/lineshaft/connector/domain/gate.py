"""May this connection's source be called now?

A verdict about old credentials does not bind new ones: what the monitor says, and what a worker saw
refused, counts only if it is about the version in force or a later one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from lineshaft.common.breakers import left_alone
from lineshaft.common.errors import ActionRequiredError
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.health import Breaker, ScopeStatus, StatusDescribed
from lineshaft.common.outcomes import ConnectionStatus, Operation


class Passage(StrEnum):
    OPEN = "open"
    PROBE = "probe"
    """One call may try; all others wait for what it finds."""
    CLOSED = "closed"


class Reason(StrEnum):
    NONE = "none"
    NO_CREDENTIALS = "no_credentials"
    CREDENTIALS_REJECTED = "credentials_rejected"
    PAUSED = "paused"
    DISCONNECTED = "disconnected"
    RATE_LIMITED = "rate_limited"
    BREAKER_OPEN = "breaker_open"
    OBJECT_CLOSED = "object_closed"


class Obedience(StrEnum):
    """How much of the gate a call obeys. Pause, disconnection and rate limits bind every call."""

    ALL = "all"
    NOT_THE_BREAKER = "not_the_breaker"
    """The monitor's own probe, which judges the breaker."""
    NOT_THE_REFUSAL = "not_the_refusal"
    """The one login by which the monitor finds out whether a refusal still holds."""


@dataclass(frozen=True, slots=True)
class Decision:
    passage: Passage
    reason: Reason = Reason.NONE
    until: datetime | None = None
    """When to ask again; without it, when something about the connection changes."""

    @property
    def closed(self) -> bool:
        return self.passage is Passage.CLOSED


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the monitor says of the connection as far as it concerns calls."""

    status: ConnectionStatus
    credential_version: int
    breaker: Breaker = field(default_factory=Breaker)
    objects: Mapping[str, ScopeStatus] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything the decision needs, read in one query."""

    lifecycle: Lifecycle
    credential_version: int
    """In force; 0 where there is none."""
    rejected_version: int = 0
    not_before: datetime | None = None
    verdict: Verdict | None = None


class GateClosedError(ActionRequiredError):
    """The source must not be called now."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(f"the source must not be called now: {decision.reason}")
        self.decision = decision


class CredentialsReplacedError(ActionRequiredError):
    """Other credentials came into force while these were in use."""


OPEN = Decision(Passage.OPEN)


def verdict_of(status: StatusDescribed) -> Verdict:
    return Verdict(
        status=status.status,
        credential_version=status.credential_version,
        breaker=status.breaker,
        objects={scope.object: scope for scope in status.objects if not (scope.callable and scope.writable)},
    )


def decide(
    standing: Standing,
    object_name: str | None,
    now: datetime,
    obeys: Obedience = Obedience.ALL,
    *,
    operation: Operation = Operation.READ,
) -> Decision:
    """The gate's answer for one call to `object_name`, or to none in particular."""
    for decision in (
        _lifecycle(standing.lifecycle),
        _credentials(standing, obeys),
        _until(standing.not_before, Reason.RATE_LIMITED, now),
    ):
        if decision.closed:
            return decision
    if standing.verdict is None:
        return OPEN
    bound = standing.verdict.credential_version >= standing.credential_version
    decision = _status(standing.verdict.status, obeys) if bound else OPEN
    if decision.closed or not bound or obeys is not Obedience.ALL:
        return decision
    return _breaker(standing.verdict, object_name, operation, now)


def left_alone_of(standing: Standing, objects: Iterable[str], now: datetime) -> list[str]:
    """Those that only a breaker keeps from being read or written."""

    def by_breaker(name: str, operation: Operation) -> bool:
        decision = decide(standing, name, now, operation=operation)
        return decision.closed and decision.reason in {Reason.BREAKER_OPEN, Reason.OBJECT_CLOSED}

    return [
        name for name in objects if any(by_breaker(name, one) for one in (Operation.READ, Operation.WRITE))
    ]


def _lifecycle(lifecycle: Lifecycle) -> Decision:
    match lifecycle:
        case Lifecycle.ACTIVE:
            return OPEN
        case Lifecycle.PAUSED:
            return Decision(Passage.CLOSED, Reason.PAUSED)
        case Lifecycle.DISCONNECTED | Lifecycle.DELETED:
            return Decision(Passage.CLOSED, Reason.DISCONNECTED)
        case _:
            assert_never(lifecycle)


def _credentials(standing: Standing, obeys: Obedience) -> Decision:
    if standing.credential_version == 0:
        return Decision(Passage.CLOSED, Reason.NO_CREDENTIALS)
    refused = standing.rejected_version >= standing.credential_version
    if refused and obeys is not Obedience.NOT_THE_REFUSAL:
        return Decision(Passage.CLOSED, Reason.CREDENTIALS_REJECTED)
    return OPEN


def _status(status: ConnectionStatus, obeys: Obedience) -> Decision:
    match status:
        case ConnectionStatus.REAUTHORIZATION_REQUIRED:
            if obeys is Obedience.NOT_THE_REFUSAL:
                return OPEN
            return Decision(Passage.CLOSED, Reason.CREDENTIALS_REJECTED)
        case ConnectionStatus.PAUSED:
            return Decision(Passage.CLOSED, Reason.PAUSED)
        case ConnectionStatus.DISCONNECTED:
            return Decision(Passage.CLOSED, Reason.DISCONNECTED)
        case (
            ConnectionStatus.PENDING
            | ConnectionStatus.HEALTHY
            | ConnectionStatus.DEGRADED
            | ConnectionStatus.UNREACHABLE
            | ConnectionStatus.RATE_LIMITED
        ):
            return OPEN
        case _:
            assert_never(status)


def _breaker(verdict: Verdict, object_name: str | None, operation: Operation, now: datetime) -> Decision:
    scope = verdict.objects.get(object_name) if object_name else None
    alone = left_alone(verdict.breaker, scope, operation, now)
    if alone is not None:
        reason = Reason.BREAKER_OPEN if alone.whole else Reason.OBJECT_CLOSED
        return Decision(Passage.CLOSED, reason, alone.until)
    return OPEN if verdict.breaker.state == "closed" else Decision(Passage.PROBE, Reason.BREAKER_OPEN)


def _until(moment: datetime | None, reason: Reason, now: datetime) -> Decision:
    if moment is not None and now < moment:
        return Decision(Passage.CLOSED, reason, moment)
    return OPEN
