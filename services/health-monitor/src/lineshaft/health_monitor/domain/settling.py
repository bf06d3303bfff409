"""Brings issues, status and description in line with the facts, and says what changed."""

from collections.abc import Sequence

from lineshaft.common.events.health import (
    ConnectionEvent,
    ConnectionRecovered,
    ReauthorizationRequired,
    StatusChanged,
    Verdict,
)
from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import Fault
from lineshaft.health_monitor.domain import issues as issue_rules
from lineshaft.health_monitor.domain.effects import Announced, Described, IssueChanged, ProbeWanted
from lineshaft.health_monitor.domain.faults import HIDDEN_BY_SOURCES, ActiveFault, active_faults
from lineshaft.health_monitor.domain.probes import wants_probes
from lineshaft.health_monitor.domain.sharing import told_by_outage
from lineshaft.health_monitor.domain.state import Issue
from lineshaft.health_monitor.domain.status import describe, fingerprint, status_of
from lineshaft.health_monitor.domain.step import Step
from lineshaft.health_monitor.domain.verdict import verdict


def settle(step: Step) -> None:
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
            may_announce=lambda fault: before.active and not told_by_outage(before, fault),
            released_at=before.released_at,
            mutes=before.mutes,
        )
    status = status_of(before, faults)
    step.state = before.model_copy(
        update={
            "issues": turn.open,
            "status": status,
            "since": step.now if status is not before.status or before.since is None else before.since,
            "probed_at": before.probed_at if wants_probes(before) else None,
        }
    )
    verdicts = {fault.fault: verdict(fault, before.called) for fault in faults}
    step.effects += [
        IssueChanged(before.connection_id, issue, verdicts.get(issue.fault)) for issue in turn.changed
    ]
    _note_issues(step, turn, verdicts)
    _ask_again(step, turn, verdicts)
    _announce(step, turn, faults, verdicts)
    _describe(step, faults, verdicts)


def _note_issues(step: Step, turn: issue_rules.Turn, verdicts: dict[Fault, Verdict]) -> None:
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


def _ask_again(step: Step, turn: issue_rules.Turn, verdicts: dict[Fault, Verdict]) -> None:
    """Where the source hides the cause, a call that proves the credentials decides; one for each issue."""
    if not step.state.active or step.state.rejection is not None:
        return
    for issue in turn.opened:
        if issue.fault in HIDDEN_BY_SOURCES and verdicts[issue.fault].confidence == "low":
            command_id = derived_id("cmd", issue.issue_id, "second-probe")
            step.effects.append(ProbeWanted(command_id, step.state.connection_id))


def _announce(
    step: Step,
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
    step: Step, kind: type[ConnectionEvent], current: Verdict | None, issue: Issue | None = None
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


def _describe(step: Step, faults: Sequence[ActiveFault], verdicts: dict[Fault, Verdict]) -> None:
    described = describe(step.state, verdicts[faults[0].fault] if faults else None, step.now)
    mark = fingerprint(described)
    news = mark != step.state.fingerprint
    if news:
        revision = step.state.revision + 1
        step.state = step.state.model_copy(update={"fingerprint": mark, "revision": revision})
        described = described.model_copy(update={"revision": revision})
    step.effects.append(Described(described, news=news))
