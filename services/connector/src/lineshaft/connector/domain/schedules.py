"""When an object is read by itself, and whether in full."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineshaft.common.events.commands import Frequency
from lineshaft.common.events.syncs import SyncMode

EVERYTHING_ELSE = ""
"""The object of the row that counts for all objects without a row of their own."""


@dataclass(frozen=True, slots=True)
class Due:
    """The next read of what changed, and the next read of everything; None: only on request."""

    changes_at: datetime | None
    everything_at: datetime | None

    def mode(self, now: datetime) -> SyncMode:
        """A read of everything takes the place of a read of what changed."""
        whole = self.everything_at is not None and self.everything_at <= now
        return SyncMode.FULL if whole else SyncMode.INCREMENTAL

    @property
    def first(self) -> datetime:
        return min(moment for moment in (self.changes_at, self.everything_at) if moment is not None)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Which rows read by themselves; `by_default` counts where there are none."""

    rows: Mapping[str, bool]
    by_default: bool = False

    def includes(self, name: str) -> bool:
        if not self.rows:
            return self.by_default
        return self.rows.get(name, self.rows.get(EVERYTHING_ELSE, False))


def begin(frequency: Frequency, now: datetime) -> Due:
    return Due(_later(now, _changes_every(frequency), now), _later(now, _everything_every(frequency), now))


def again(due: Due, frequency: Frequency, now: datetime) -> Due:
    """After a read was asked for: the rhythm is kept, what was missed meanwhile is read once."""
    return Due(
        _after(due.changes_at, _changes_every(frequency), now),
        _after(due.everything_at, _everything_every(frequency), now),
    )


def _changes_every(frequency: Frequency) -> timedelta | None:
    minutes = frequency.every_minutes
    return None if minutes is None else timedelta(minutes=minutes)


def _everything_every(frequency: Frequency) -> timedelta | None:
    hours = frequency.full_every_hours
    return None if hours is None else timedelta(hours=hours)


def _after(due_at: datetime | None, every: timedelta | None, now: datetime) -> datetime | None:
    if due_at is not None and due_at > now:
        return due_at
    return _later(due_at or now, every, now)


def _later(start: datetime, every: timedelta | None, now: datetime) -> datetime | None:
    if every is None:
        return None
    missed = max((now - start) // every, 0)
    return start + (missed + 1) * every
