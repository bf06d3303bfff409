"""What one call tells: changes of the facts, without a judgement."""

from datetime import datetime
from typing import assert_never

from lineshaft.common.events.calls import Call
from lineshaft.common.events.health import Evidence
from lineshaft.common.outcomes import FAULTS, Fault, Outcome
from lineshaft.health_monitor.domain import breaker as breakers
from lineshaft.health_monitor.domain.breaker import CLOSED, Chance
from lineshaft.health_monitor.domain.observer import Moment, Observer
from lineshaft.health_monitor.domain.state import Access, ConnectionState, ScopeState
from lineshaft.health_monitor.domain.thresholds import Thresholds

MESSAGE_LENGTH = 500
NOT_HEALTH = frozenset(Outcome) - FAULTS.keys()
"""One record's or one person's mistake says nothing about the connection."""


def observe(  # noqa: PLR0911  one answer per kind of fault
    state: ConnectionState,
    call: Call,
    event_id: str,
    *,
    thresholds: Thresholds,
    now: datetime,
    chance: Chance,
) -> tuple[ConnectionState, Fault | None]:
    """The facts after a call, and the fault that the call speaks of.

    A call with older credentials than those in force changes nothing.
    """
    if call.credential_version < state.credential_version or state.ended:
        return state, None
    evidence = Evidence(
        event_id=event_id,
        at=call.at,
        outcome=call.outcome,
        object=call.object,
        operation=call.operation,
        message=(call.message or call.code or "")[:MESSAGE_LENGTH] or None,
    )
    if call.outcome in NOT_HEALTH:
        return state, None
    fault = FAULTS[call.outcome]
    state = _heard(state, call, fault, now)
    observer = Observer(state, call, evidence, thresholds, Moment(now, chance))
    match fault:
        case None:
            return observer.succeeded(), None
        case Fault.CREDENTIALS:
            return observer.rejected(), fault
        case Fault.SOURCE_RATE_LIMIT:
            return observer.limited(), fault
        case Fault.PERMISSION | Fault.CONFIGURATION:
            return observer.lastingly_failed(fault), fault
        case Fault.NETWORK | Fault.SOURCE_DOWN | Fault.PLATFORM:
            return observer.failed_for_a_while(fault), fault
        case _:
            assert_never(fault)


def _heard(state: ConnectionState, call: Call, fault: Fault | None, now: datetime) -> ConnectionState:
    update: dict[str, object] = {"host": call.host or state.host}
    if fault is None:
        update["heard_ok_at"] = now
    elif fault in {Fault.NETWORK, Fault.SOURCE_DOWN}:
        update["heard_error_at"] = now
    return state.model_copy(update=update)


def with_credentials(state: ConnectionState, version: int) -> ConnectionState:
    """New credentials are in force: the old refusal is void, and everything may be tried again."""
    return state.model_copy(
        update={
            "credential_version": version,
            "rejection": None,
            "access": state.access.model_copy(update={"expires_at": None, "warned": ()}),
            "whole": state.whole.model_copy(
                update={"breaker": CLOSED, "fault": None, "failing": (), "failing_since": None}
            ),
            "scopes": {
                key: scope.model_copy(update={"breaker": breakers.let_try(scope.breaker)})
                for key, scope in state.scopes.items()
            },
        }
    )


def without_faults(state: ConnectionState) -> ConnectionState:
    """The connection has ended; should it ever begin again, it begins anew."""
    return state.model_copy(
        update={
            "whole": ScopeState(),
            "scopes": {},
            "rejection": None,
            "access": Access(),
            "limit": None,
            "stops": {},
            "mutes": {},
        }
    )
