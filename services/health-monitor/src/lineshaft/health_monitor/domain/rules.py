"""One step of one connection: an event and the time in, the new state and its effects out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from lineshaft.common.events.calls import Call
from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.health import (
    ConnectionCreated,
    ConnectionDisconnected,
    ConnectionEvent,
    ConnectionRecovered,
    ReauthorizationRequired,
    StatusChanged,
    Verdict,
)
from lineshaft.common.events.syncs import SyncCompleted, SyncFailed, SyncStarted
from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import Fault
from lineshaft.health_monitor.domain import issues as issue_rules
from lineshaft.health_monitor.domain.breaker import Chance, open_time, ripened
from lineshaft.health_monitor.domain.effects import (
    Announced,
    Described,
    Effect,
    IssueChanged,
    Noted,
    ProbeWanted,
)
from lineshaft.health_monitor.domain.facts import observe, with_credentials, without_faults
from lineshaft.health_monitor.domain.faults import ActiveFault, active_faults
from lineshaft.health_monitor.domain.state import ConnectionState, Issue
from lineshaft.health_monitor.domain.status import describe, fingerprint, status_of
from lineshaft.health_monitor.domain.thresholds import Thresholds
from lineshaft.health_monitor.domain.verdict import verdict


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = Call | ConnectionDescribed | SyncStarted | SyncCompleted | SyncFailed | Tick


@dataclass(slots=True)
class _Step:
    """One step in the making."""

    state: ConnectionState
    thresholds: Thresholds
    now: datetime
    effects: list[Effect] = field(default_factory=list)
    seen: dict[Fault, int] = field(default_factory=dict)
    lifecycle_event: type[ConnectionEvent] | None = None

    def note(self, kind: str, summary: str, actor: str = "", **details: object) -> None:
        self.effects.append(Noted(self.state.connection_id, self.now, kind, summary, actor, details))


def apply(
    state: ConnectionState,
    event: Input,
    *,
    event_id: str,
    thresholds: Thresholds,
    now: datetime,
    chance: Chance,
) -> tuple[ConnectionState, list[Effect]]:
    """The state after an event at `now`."""
    step = _Step(_ripened(state, now), thresholds, now)
    match event:
        case Call():
            _called(step, event, event_id, chance)
        case ConnectionDescribed():
            _described(step, event)
        case SyncStarted():
            known = tuple(sorted({*step.state.known_objects, *event.objects}))
            step.state = step.state.model_copy(update={"known_objects": known})
        case SyncCompleted():
            _sync_ended(step, event)
        case Tick():
            _probe(step)
        case _:
            assert_never(event)
    if step.state.lifecycle is not None:
        _settle(step)
    return step.state, step.effects


def _called(step: _Step, event: Call, event_id: str, chance: Chance) -> None:
    """New credentials end what the old ones began, before their own call is judged."""
    if not step.state.system:
        step.state = step.state.model_copy(update={"system": event.system})
    if event.credential_version > step.state.credential_version and not step.state.ended:
        step.state = with_credentials(step.state, event.credential_version)
        if step.state.lifecycle is not None:
            _settle(step)
    step.state, fault = observe(
        step.state, event, event_id, thresholds=step.thresholds, now=step.now, chance=chance
    )
    if fault is not None:
        step.seen[fault] = event.count


def due_at(state: ConnectionState, thresholds: Thresholds, now: datetime) -> datetime | None:
    """When time alone will change something."""
    if state.lifecycle is None or state.ended:
        return None
    active = [fault.fault for fault in active_faults(state, now)]
    due = issue_rules.next_due(state.issues, active if state.active else (), thresholds)
    due += [
        scope.breaker.retry_at
        for scope in (state.whole, *state.scopes.values())
        if scope.breaker.state == "open" and scope.breaker.retry_at
    ]
    if state.limit is not None and state.limit.until > now:
        due.append(state.limit.until)
    if _wants_probes(state):
        due.append(_next_probe(state, thresholds) or now)
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


def _described(step: _Step, event: ConnectionDescribed) -> None:
    before = step.state
    if event.revision <= before.connection_revision:
        return
    step.state = before.model_copy(
        update={
            "connection_revision": event.revision,
            "system": event.system,
            "metadata": event.metadata,
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


def _sync_ended(step: _Step, event: SyncCompleted) -> None:
    failed = isinstance(event, SyncFailed)
    if not failed:
        latest = max(event.at, step.state.last_sync_at or event.at)
        step.state = step.state.model_copy(update={"last_sync_at": latest})
    bad = [item.object for item in event.objects if item.result != "completed"]
    left_out = f"; not read: {', '.join(bad)}" if bad else ""
    step.note(
        "sync.failed" if failed else "sync.completed",
        f"{event.mode} sync: {event.records} records{left_out}",
        sync_id=event.sync_id,
        result=event.result,
        records=event.records,
    )


def _probe(step: _Step) -> None:
    """A half-open connection is tried even when no sync is waiting for it."""
    state = step.state
    if not _wants_probes(state):
        return
    at = _next_probe(state, step.thresholds)
    if at is None or at <= step.now:
        step.state = state.model_copy(update={"probes": state.probes + 1, "probed_at": step.now})
        command_id = derived_id("cmd", state.connection_id, "probe", step.state.probes)
        step.effects.append(ProbeWanted(command_id, state.connection_id))


def _wants_probes(state: ConnectionState) -> bool:
    return state.active and state.rejection is None and state.whole.breaker.state == "half_open"


def _next_probe(state: ConnectionState, thresholds: Thresholds) -> datetime | None:
    """None: at once."""
    if state.probed_at is None:
        return None
    return state.probed_at + open_time(state.whole.breaker.openings, thresholds.whole, lambda: 1.0)


def _settle(step: _Step) -> None:
    """Bring issues, status and description in line with the facts."""
    faults = active_faults(step.state, step.now)
    before = step.state
    if before.ended:
        turn = issue_rules.close_all(before.issues, step.now)
    else:
        turn = issue_rules.turn(
            before.issues,
            faults,
            connection_id=before.connection_id,
            seen=step.seen,
            thresholds=step.thresholds,
            now=step.now,
            may_announce=before.active,
        )
    status = status_of(before, faults)
    step.state = before.model_copy(
        update={
            "issues": turn.open,
            "status": status,
            "since": step.now if status is not before.status or before.since is None else before.since,
            "probed_at": before.probed_at if _wants_probes(before) else None,
        }
    )
    verdicts = {fault.fault: verdict(fault, before.system) for fault in faults}
    step.effects += [
        IssueChanged(before.connection_id, issue, verdicts.get(issue.fault)) for issue in turn.changed
    ]
    _note_issues(step, turn, verdicts)
    _announce(step, turn, faults, verdicts)
    _describe(step, faults)


def _note_issues(step: _Step, turn: issue_rules.Turn, verdicts: dict[Fault, Verdict]) -> None:
    for issue in turn.opened:
        step.note(
            "issue.opened",
            verdicts[issue.fault].summary,
            issue_id=issue.issue_id,
            fault=issue.fault,
            objects=verdicts[issue.fault].objects,
        )
    for issue in turn.resolved:
        step.note("issue.resolved", f"Over: {issue.fault}.", issue_id=issue.issue_id, fault=issue.fault)


def _announce(
    step: _Step,
    turn: issue_rules.Turn,
    faults: Sequence[ActiveFault],
    verdicts: dict[Fault, Verdict],
) -> None:
    """One event per change: what an issue tells is not told again by the lifecycle."""
    current = verdicts[faults[0].fault] if faults else None
    for issue in turn.resolved:
        if issue.announced_at is not None:
            _tell(step, ConnectionRecovered, current, issue)
    kind = step.lifecycle_event
    if kind is not None and not (kind is StatusChanged and turn.announced):
        _tell(step, kind, current if step.state.active else None)
    for issue in turn.announced:
        kind = ReauthorizationRequired if issue.fault is Fault.CREDENTIALS else StatusChanged
        _tell(step, kind, verdicts[issue.fault], issue)


def _tell(
    step: _Step, kind: type[ConnectionEvent], current: Verdict | None, issue: Issue | None = None
) -> None:
    state = step.state
    about = issue.issue_id if issue else f"{state.connection_id}/{state.connection_revision}"
    step.effects.append(
        Announced(
            derived_id("evt", about, kind.event_type),
            kind(
                connection_id=state.connection_id,
                system=state.system,
                metadata=state.metadata,
                status=state.status,
                previous_status=state.told_status,
                verdict=current,
                credential_version=state.credential_version,
                issue_id=issue.issue_id if issue else None,
                at=step.now,
            ),
        )
    )
    step.state = state.model_copy(update={"told_status": state.status})


def _describe(step: _Step, faults: Sequence[ActiveFault]) -> None:
    mark = fingerprint(describe(step.state, faults, step.now))
    if mark != step.state.fingerprint:
        step.state = step.state.model_copy(update={"fingerprint": mark, "revision": step.state.revision + 1})
        step.effects.append(Described(describe(step.state, faults, step.now)))
