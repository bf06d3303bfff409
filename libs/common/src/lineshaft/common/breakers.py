"""Whether the breakers of a connection let a call through now: one rule for all who ask."""

from dataclasses import dataclass
from datetime import datetime

from lineshaft.common.events.health import Breaker, ScopeStatus
from lineshaft.common.outcomes import Operation


@dataclass(frozen=True, slots=True)
class LeftAlone:
    whole: bool
    """The connection; else one object alone, in one direction."""
    until: datetime | None
    """None: until something about the connection changes."""


def left_alone(
    breaker: Breaker, scope: ScopeStatus | None, operation: Operation, now: datetime
) -> LeftAlone | None:
    """What keeps a call of the object from being made; a half-open breaker does not."""
    if breaker.state == "open" and _lasts(breaker.retry_at, now):
        return LeftAlone(whole=True, until=breaker.retry_at)
    if scope is None:
        return None
    if operation is Operation.WRITE:
        free, until = scope.writable, scope.writes_not_before
    else:
        free, until = scope.callable, scope.not_before
    return None if free or not _lasts(until, now) else LeftAlone(whole=False, until=until)


def _lasts(until: datetime | None, now: datetime) -> bool:
    return until is None or now < until
