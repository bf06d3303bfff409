"""One step of one connection: an event and the time in, the new state and its effects out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, assert_never

from lineshaft.common.events.access import AccessChecked
from lineshaft.common.events.calls import Call
from lineshaft.common.events.commands import BreakerForced, IssueMuted, TrialRequested
from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.events.drift import MappingDrifted, SchemaAccepted
from lineshaft.common.events.health import ConnectionCreated, ConnectionDisconnected, StatusChanged
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.syncs import SyncCompleted, SyncFailed, SyncStarted
from lineshaft.common.outcomes import Fault
from lineshaft.health_monitor.domain import issues as issue_rules
from lineshaft.health_monitor.domain import mending
from lineshaft.health_monitor.domain.access import (
    ask_for_access,
    doubt_access,
    learn_access,
    next_access_check,
)
from lineshaft.health_monitor.domain.breaker import Chance, ripened
from lineshaft.health_monitor.domain.confirming import confirm, next_confirm
from lineshaft.health_monitor.domain.effects import Effect
from lineshaft.health_monitor.domain.expiry import next_expiry_warning, warn_of_expiry
from lineshaft.health_monitor.domain.facts import observe, with_credentials, without_faults
from lineshaft.health_monitor.domain.faults import active_faults
from lineshaft.health_monitor.domain.ladders import ask_for_ladder, forget, learn, next_ladder
from lineshaft.health_monitor.domain.orders import expire, force, mute
from lineshaft.health_monitor.domain.probes import (
    next_probe,
    next_quiet_probe,
    probe,
    probe_quiet,
    wants_probes,
)
from lineshaft.health_monitor.domain.settling import settle
from lineshaft.health_monitor.domain.sharing import SharedOutage, take_part, told_by_outage
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.step import Step
from lineshaft.health_monitor.domain.thresholds import Thresholds
from lineshaft.health_monitor.domain.trials import let_try

SYNCS_UNDER_WAY = 20
"""Of one connection, at most; of older ones nobody remembers who asked."""
NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = (
    Call
    | ConnectionDiagnosed
    | AccessChecked
    | ConnectionDescribed
    | BreakerForced
    | IssueMuted
    | TrialRequested
    | MappingChanged
    | MappingDrifted
    | SchemaAccepted
    | SyncStarted
    | SyncCompleted
    | SyncFailed
    | Tick
)


def apply(
    state: ConnectionState,
    event: Input,
    *,
    event_id: str,
    thresholds: Thresholds,
    now: datetime,
    chance: Chance,
    labels: Mapping[str, str] = NO_LABELS,
    shared: SharedOutage | None = None,
    suspected: bool = False,
) -> tuple[ConnectionState, list[Effect]]:
    """The state after an event at `now`.

    `labels` are the names of systems as people know them; `shared` is the outage of its source, if there
    is one; `suspected` says that credentials of several connections of the system were refused at once.
    """
    if state.deleted and not isinstance(event, BreakerForced | IssueMuted):
        return state, []
    step = Step(_ripened(state, now), thresholds, now)
    take_part(step, shared)
    expire(step)
    _take(step, event, event_id, chance, suspected=suspected)
    label = labels.get(step.state.system, "")
    if label != step.state.label:
        step.state = step.state.model_copy(update={"label": label})
    forget(step)
    if step.state.lifecycle is not None and not state.deleted:
        warn_of_expiry(step)
        settle(step)
        ask_for_ladder(step)
        ask_for_access(step)
    return step.state, step.effects


def _take(step: Step, event: Input, event_id: str, chance: Chance, *, suspected: bool) -> None:
    match event:
        case Call():
            _called(step, event, event_id, chance)
        case ConnectionDiagnosed() | AccessChecked():
            _learned(step, event)
        case ConnectionDescribed():
            _described(step, event)
        case BreakerForced() | IssueMuted() | TrialRequested():
            _asked(step, event, event_id)
        case MappingChanged() | MappingDrifted() | SchemaAccepted():
            mending.note(step, event)
        case SyncStarted():
            _sync_started(step, event)
        case SyncCompleted():
            _sync_ended(step, event)
        case Tick():
            probe(step)
            probe_quiet(step)
            confirm(step, suspected=suspected)
        case _:
            assert_never(event)


def _asked(step: Step, event: BreakerForced | IssueMuted | TrialRequested, event_id: str) -> None:
    match event:
        case BreakerForced():
            force(step, event, event_id)
        case IssueMuted():
            mute(step, event)
        case TrialRequested():
            let_try(step, event)


def _learned(step: Step, event: ConnectionDiagnosed | AccessChecked) -> None:
    if isinstance(event, AccessChecked):
        learn_access(step, event)
    else:
        learn(step, event)


def _called(step: Step, event: Call, event_id: str, chance: Chance) -> None:
    """New credentials end what the old ones began, before their own call is judged."""
    if not step.state.system:
        step.state = step.state.model_copy(update={"system": event.system})
    if event.credential_version > step.state.credential_version and not step.state.ended:
        step.state = with_credentials(step.state, event.credential_version)
        if step.state.lifecycle is not None:
            settle(step)
    step.state, fault = observe(
        step.state, event, event_id, thresholds=step.thresholds, now=step.now, chance=chance
    )
    if fault is not None:
        step.seen[fault] = event.count
    if fault is Fault.PERMISSION:
        doubt_access(step)


def due_at(state: ConnectionState, thresholds: Thresholds, now: datetime) -> datetime | None:
    """When time alone will change something."""
    if state.lifecycle is None or state.ended:
        return None
    active = [fault.fault for fault in active_faults(state, now) if not told_by_outage(state, fault)]
    due = issue_rules.next_due(
        state.issues, active if state.active else (), thresholds, released_at=state.released_at
    )
    due += [
        scope.breaker.retry_at
        for scope in (state.whole, *state.scopes.values())
        if scope.breaker.state == "open" and scope.breaker.retry_at
    ]
    if state.limit is not None and state.limit.until > now:
        due.append(state.limit.until)
    due += [stop.until for stop in state.stops.values()] + list(state.mutes.values())
    if wants_probes(state):
        due.append(next_probe(state, thresholds) or now)
    due += [
        at
        for at in (
            next_confirm(state, thresholds),
            next_quiet_probe(state, thresholds, now),
            next_ladder(state, thresholds),
            next_access_check(state, thresholds),
            next_expiry_warning(state, thresholds),
        )
        if at is not None
    ]
    return min(due, default=None)


def _ripened(state: ConnectionState, now: datetime) -> ConnectionState:
    """Breakers whose time has come are half open."""
    whole = ripened(state.whole.breaker, now)
    if whole is not state.whole.breaker:
        state = state.model_copy(update={"whole": state.whole.model_copy(update={"breaker": whole})})
    ripe = {
        key: scope.model_copy(update={"breaker": breaker})
        for key, scope in state.scopes.items()
        if (breaker := ripened(scope.breaker, now)) is not scope.breaker
    }
    return state.model_copy(update={"scopes": {**state.scopes, **ripe}}) if ripe else state


_LEFT_OF_DELETED: dict[str, Any] = {"known_objects": (), "stops": {}, "scopes": {}}
"""Its metadata stays for its last word; its last description says nothing of what it held."""


def _described(step: Step, event: ConnectionDescribed) -> None:
    before = step.state
    if event.revision <= before.connection_revision:
        return
    step.state = before.model_copy(
        update={
            "connection_revision": event.revision,
            "system": event.system,
            **(_LEFT_OF_DELETED if event.lifecycle is Lifecycle.DELETED else {"metadata": event.metadata}),
            "lifecycle": event.lifecycle,
        }
    )
    if event.credential_version > before.credential_version:
        step.state = with_credentials(step.state, event.credential_version)
    if event.reason == "reauthorized":
        step.note("connection.reauthorized", "The connection was reconnected.", event.changed_by)
    if before.lifecycle is event.lifecycle:
        return
    match event.lifecycle:
        case Lifecycle.ACTIVE if before.lifecycle is None:
            step.lifecycle_event = ConnectionCreated
            step.note("connection.created", "The connection was made.", event.changed_by)
        case Lifecycle.ACTIVE:
            step.lifecycle_event = StatusChanged
            step.note("connection.resumed", "The connection goes on.", event.changed_by)
        case Lifecycle.PAUSED:
            step.lifecycle_event = StatusChanged
            step.note("connection.paused", "The connection was paused.", event.changed_by)
        case Lifecycle.DISCONNECTED | Lifecycle.DELETED:
            if not before.ended:
                step.state = without_faults(step.state)
                step.lifecycle_event = ConnectionDisconnected
                step.note("connection.disconnected", "The connection was ended.", event.changed_by)
        case _:
            assert_never(event.lifecycle)


def _sync_started(step: Step, event: SyncStarted) -> None:
    known = tuple(sorted({*step.state.known_objects, *event.objects}))
    requesters = {**step.state.requesters, event.sync_id: ", ".join(event.requested_by)}
    latest = dict(list(requesters.items())[-SYNCS_UNDER_WAY:])
    step.state = step.state.model_copy(update={"known_objects": known, "requesters": latest})


def _sync_ended(step: Step, event: SyncCompleted) -> None:
    requesters = dict(step.state.requesters)
    requested_by = requesters.pop(event.sync_id, "")
    step.state = step.state.model_copy(update={"requesters": requesters})
    failed = isinstance(event, SyncFailed)
    if not failed:
        latest = max(event.at, step.state.last_sync_at or event.at)
        step.state = step.state.model_copy(update={"last_sync_at": latest})
    bad = [item.object for item in event.objects if item.result != "completed"]
    left_out = f"; not read: {', '.join(bad)}" if bad else ""
    step.note(
        "sync.failed" if failed else "sync.completed",
        f"{event.mode} sync: {event.records} records{left_out}",
        requested_by,
        sync_id=event.sync_id,
        result=event.result,
        records=event.records,
    )
