"""From facts and faults to the status and the description that is published."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

import xxhash

from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.health import Breaker, ScopeStatus, StatusDescribed, Verdict
from lineshaft.common.outcomes import ConnectionStatus, Fault, Operation, Scope
from lineshaft.health_monitor.domain.faults import ActiveFault
from lineshaft.health_monitor.domain.state import ConnectionState, scope_key

_NOT_NEWS: dict[str, Any] = {
    "revision": True,
    "at": True,
    "since": True,
    "verdict": {"evidence"},
    "objects": {"__all__": {"last_ok_at", "last_error_at"}},
}


def status_of(state: ConnectionState, faults: Sequence[ActiveFault]) -> ConnectionStatus:
    """A function of the lifecycle and the gravest fault."""
    match state.lifecycle:
        case None:
            return ConnectionStatus.PENDING
        case Lifecycle.DISCONNECTED | Lifecycle.DELETED:
            return ConnectionStatus.DISCONNECTED
        case Lifecycle.PAUSED:
            return ConnectionStatus.PAUSED
        case Lifecycle.ACTIVE:
            return _of_fault(faults[0]) if faults else ConnectionStatus.HEALTHY
        case _:
            assert_never(state.lifecycle)


def _of_fault(fault: ActiveFault) -> ConnectionStatus:
    match fault.fault:
        case Fault.CREDENTIALS:
            return ConnectionStatus.REAUTHORIZATION_REQUIRED
        case Fault.NETWORK | Fault.SOURCE_DOWN:
            return ConnectionStatus.UNREACHABLE if fault.scope is Scope.ALL else ConnectionStatus.DEGRADED
        case Fault.SOURCE_RATE_LIMIT:
            return ConnectionStatus.RATE_LIMITED
        case Fault.PLATFORM if fault.ours:
            return ConnectionStatus.UNREACHABLE
        case Fault.PERMISSION | Fault.CONFIGURATION | Fault.PLATFORM:
            return ConnectionStatus.DEGRADED
        case _:
            assert_never(fault.fault)


def describe(state: ConnectionState, verdict: Verdict | None, now: datetime) -> StatusDescribed:
    """The whole health of a connection; `verdict` is that on its gravest fault."""
    return StatusDescribed(
        connection_id=state.connection_id,
        system=state.system,
        status=state.status,
        since=state.since or now,
        verdict=verdict if state.active else None,
        objects=[
            _object_status(state, name, now)
            for name in sorted({*state.known_objects, *filter(None, state.stops)})
        ],
        breaker=_breaker(state),
        permissions=list(state.access.permissions),
        credentials_expire_at=state.access.expires_at,
        credential_version=state.credential_version,
        revision=state.revision,
        at=now,
    )


def fingerprint(described: StatusDescribed) -> str:
    """Changes when the description says something new; evidence and times of calls do not count."""
    return xxhash.xxh3_128_hexdigest(described.model_dump_json(exclude=_NOT_NEWS).encode())


def _breaker(state: ConnectionState) -> Breaker:
    scopes = sorted(
        {scope.object for scope in state.scopes.values() if scope.object and scope.breaker.state == "open"}
        | {name for name in state.stops if name}
    )
    if state.rejection is not None:
        return Breaker(state="open", retry_at=None, scopes=scopes)
    if "" in state.stops:
        return Breaker(state="open", retry_at=state.stops[""].until, scopes=scopes)
    if state.held_until is not None:
        return Breaker(state="open", retry_at=state.held_until, scopes=scopes)
    return Breaker(state=state.whole.breaker.state, retry_at=state.whole.breaker.retry_at, scopes=scopes)


def _object_status(state: ConnectionState, name: str, now: datetime) -> ScopeStatus:
    """Reads and writes have breakers of their own; one that fails makes the object degraded."""
    scopes = [scope for scope in state.scopes.values() if scope.object == name]
    reads, writes = (_closed_until(state, name, one, now) for one in (Operation.READ, Operation.WRITE))
    broken = name in state.stops or any(scope.broken for scope in scopes)
    return ScopeStatus(
        object=name,
        status=ConnectionStatus.DEGRADED if broken else ConnectionStatus.HEALTHY,
        callable=reads is None,
        not_before=reads,
        writable=writes is None,
        writes_not_before=writes,
        last_ok_at=max((scope.last_ok_at for scope in scopes if scope.last_ok_at), default=None),
        last_error_at=max((scope.last_error_at for scope in scopes if scope.last_error_at), default=None),
    )


def _closed_until(state: ConnectionState, name: str, operation: Operation, now: datetime) -> datetime | None:
    """Of its breaker, of a limit and of an operator's stop the one that lasts longest."""
    scope = state.scopes.get(scope_key(name, operation))
    ends = [
        scope.breaker.retry_at if scope is not None and scope.breaker.state == "open" else None,
        state.limit.until if state.limit is not None and state.limit.until > now else None,
        state.stops[name].until if name in state.stops else None,
    ]
    return max((end for end in ends if end is not None), default=None)
