"""Flap control: one open issue per fault, announced once when it opens and once when it is over.

An issue opens with its fault. What may be a short outage is announced only after a hold. It is over at once
where new credentials ended it, otherwise when the fault has stayed away for the quiet time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import Fault
from lineshaft.health_monitor.domain.faults import ActiveFault
from lineshaft.health_monitor.domain.state import Issue
from lineshaft.health_monitor.domain.thresholds import Thresholds

HELD = frozenset({Fault.NETWORK, Fault.SOURCE_DOWN, Fault.SOURCE_RATE_LIMIT})
"""They often pass by themselves."""
ENDED_BY_CREDENTIALS = frozenset({Fault.CREDENTIALS})


@dataclass(slots=True)
class Turn:
    """What a step made of the issues."""

    open: dict[Fault, Issue]
    opened: list[Issue] = field(default_factory=list)
    announced: list[Issue] = field(default_factory=list)
    resolved: list[Issue] = field(default_factory=list)
    changed: list[Issue] = field(default_factory=list)


def turn(
    issues: Mapping[Fault, Issue],
    faults: Iterable[ActiveFault],
    *,
    connection_id: str,
    seen: Mapping[Fault, int],
    thresholds: Thresholds,
    now: datetime,
    may_announce: Callable[[ActiveFault], bool],
    released_at: datetime | None = None,
    mutes: Mapping[Fault, datetime],
) -> Turn:
    """The issues after a step; `seen` counts the failed calls of this step by fault.

    A hold begins anew at `released_at`: until then an outage of the source spoke for its connections.
    """
    result = Turn(open=dict(issues))
    active = {fault.fault: fault for fault in faults}
    for kind, fault in active.items():
        _go_on(result, fault, connection_id, seen.get(kind, 0), now)
        if kind not in issues and kind in mutes:
            _replace(
                result, result.open[kind], result.open[kind].model_copy(update={"muted_until": mutes[kind]})
            )
        if may_announce(fault):
            _announce(result, kind, thresholds, now, released_at)
    for kind in [kind for kind in result.open if kind not in active]:
        _fade(result, kind, thresholds, now)
    return result


def close_all(issues: Mapping[Fault, Issue], now: datetime) -> Turn:
    """The connection has ended: nothing is left to be announced."""
    resolved = [issue.model_copy(update={"resolved_at": now}) for issue in issues.values()]
    return Turn(open={}, changed=resolved)


def next_due(
    issues: Mapping[Fault, Issue],
    active: Iterable[Fault],
    thresholds: Thresholds,
    *,
    released_at: datetime | None = None,
) -> list[datetime]:
    """When a hold or a quiet time ends."""
    present = set(active)
    due = []
    for issue in issues.values():
        if issue.cleared_at is not None:
            due.append(issue.cleared_at + thresholds.quiet)
        elif issue.announced_at is None and issue.fault in present:
            due.append(_may_be_told_at(issue, thresholds, released_at))
    return due


def _go_on(result: Turn, fault: ActiveFault, connection_id: str, count: int, now: datetime) -> None:
    kind = fault.fault
    known = result.open.get(kind)
    if known is None:
        first = fault.evidence[0].event_id if fault.evidence else fault.order_id
        issue = Issue(
            issue_id=derived_id("iss", connection_id, kind, first),
            fault=kind,
            opened_at=now,
            first_seen_at=fault.since,
            last_seen_at=now,
            count=max(count, len(fault.evidence), 1),
        )
        result.opened.append(issue)
    elif count or known.cleared_at is not None:
        issue = known.model_copy(
            update={"count": known.count + count, "last_seen_at": now, "cleared_at": None}
        )
    else:
        return
    result.open[kind] = issue
    result.changed.append(issue)


def _may_be_told_at(issue: Issue, thresholds: Thresholds, released_at: datetime | None) -> datetime:
    at = issue.opened_at
    if issue.fault in HELD:
        at = max(at, released_at or at) + thresholds.hold
    return max(at, issue.muted_until or at)


def _announce(
    result: Turn, kind: Fault, thresholds: Thresholds, now: datetime, released_at: datetime | None
) -> None:
    issue = result.open[kind]
    if issue.announced_at is not None:
        return
    if now < _may_be_told_at(issue, thresholds, released_at):
        return
    _replace(result, issue, issue.model_copy(update={"announced_at": now}))
    result.announced.append(result.open[kind])


def _fade(result: Turn, kind: Fault, thresholds: Thresholds, now: datetime) -> None:
    issue = result.open[kind]
    cleared_at = issue.cleared_at or now
    if kind in ENDED_BY_CREDENTIALS or now >= cleared_at + thresholds.quiet:
        ended = issue.model_copy(update={"cleared_at": cleared_at, "resolved_at": now})
        _replace(result, issue, ended)
        del result.open[kind]
        result.resolved.append(ended)
    elif issue.cleared_at is None:
        _replace(result, issue, issue.model_copy(update={"cleared_at": now}))


def _replace(result: Turn, old: Issue, new: Issue) -> None:
    result.open[new.fault] = new
    result.changed = [issue for issue in result.changed if issue is not old]
    result.changed.append(new)
