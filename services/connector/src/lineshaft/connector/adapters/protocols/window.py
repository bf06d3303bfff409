"""Which page of which read, and where the next read begins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lineshaft.connector.adapters.protocols.paging import (
    OVERLAP,
    PagesShiftError,
    Trail,
    behind,
    fingerprint,
    goes_on,
    moved_up,
    tail_of,
)
from lineshaft.connector.domain.protocol import Cursor

CLOCK_SKEW = timedelta(minutes=5)
"""Between the clock that we see, of the source's server, and what stamps its records."""

MOST_RETURNS = 8
"""How often a read goes back: seven times twice as far is the whole of what is large."""

_BEGINNING = Trail()


@dataclass(frozen=True, slots=True)
class Window:
    """One page of one read.

    The next sync begins at the source's time when this one began, and not at the youngest record that was
    seen: records written meanwhile may lie behind the page that was being read.
    """

    since: datetime | None = None
    """Records changed since then; all records where it is None."""
    began: datetime | None = None
    position: Any = None
    """Where the page begins, in the protocol's own terms; None for the first."""
    count: int = 0
    """Records before the page."""
    trail: Trail = _BEGINNING
    before: Any = None
    """Where the page before began."""
    tail: tuple[str, ...] = ()
    """The last records of the page before."""
    returns: int = 0
    """How often this read had to go back."""

    @classmethod
    def parse(cls, cursor: Cursor | None) -> "Window":
        known = cursor or {}
        return cls(
            moment(known.get("since")),
            moment(known.get("began")),
            known.get("position"),
            int(known.get("count") or 0),
            Trail(*known.get("trail", ())),
            known.get("before"),
            tuple(known.get("tail", ())),
            int(known.get("returns") or 0),
        )

    def begun(self, at: datetime) -> "Window":
        return self if self.began is not None else replace(self, began=at)

    def onward(self, position: Any, page: str | None, count: int) -> "Window":
        """After a page of so many records; `page` is its fingerprint.

        Raises:
            PageRepeatedError: this page was read before, or the next one was.
        """
        trail = self.trail.past(page, position)
        return replace(
            self, position=position, before=self.position, count=self.count + count, trail=trail, tail=()
        )

    def by_number(
        self, records: Sequence[bytes], size: int, key: Sequence[str], *, more: bool | None = None
    ) -> tuple[Sequence[bytes], "Window | None"]:
        """The records of a page that were not on the one before, and where to go on; None after the last.

        `position` is a number of records; `more` is what the source says, if it does. Pages overlap, as a
        record that is deleted meanwhile moves all later ones towards the page that was just read. Where the
        overlap is not found the read goes back, each time twice as far.

        Raises:
            PageRepeatedError: this page was read before.
            PagesShiftError: going back did not help.
            UnfitPageError: there is said to be more, and nothing came.
        """
        start = int(self.position or 0)
        fresh = behind(records, self.tail, key)
        if fresh is None:
            return records, self._gone_back(start - size * 2**self.returns)
        if not goes_on(fresh, more=more):
            return fresh, None
        # never the whole page, which would be asked for again and again
        tail = tail_of(records, key, min(OVERLAP, len(records) - 1))
        onward = self.onward(start + len(records) - len(tail), fingerprint(records, key), len(fresh))
        return fresh, replace(onward, tail=tail)

    def looked_back(
        self, again: Sequence[bytes], turned: tuple[Sequence[bytes], "Window | None"], key: Sequence[str]
    ) -> tuple[Sequence[bytes], "Window | None"]:
        """Where pages are counted they cannot overlap: the page before is read again, after this one.

        What was on neither of the two when they were read first is on it now. Where none of its last records
        is left, the read begins anew.

        Raises:
            PagesShiftError: beginning anew did not help.
        """
        fresh, onward = turned
        moved = moved_up(again, self.tail, key)
        return (fresh, self._gone_back(0)) if moved is None else ([*moved, *fresh], onward)

    def _gone_back(self, start: int) -> "Window":
        if self.returns == MOST_RETURNS:
            raise PagesShiftError
        begun = Window(self.since, self.began, returns=self.returns + 1)
        return replace(begun, position=start, tail=self.tail) if start > 0 else begun

    def dump(self) -> dict[str, Any]:
        trail = self.trail
        return {
            "since": text(self.since),
            "began": text(self.began),
            "position": self.position,
            "count": self.count,
            "trail": [trail.place, trail.page, trail.steps, trail.power],
            "before": self.before,
            "tail": self.tail,
            "returns": self.returns,
        }

    def next_sync(self, overlap_s: int) -> dict[str, Any] | None:
        if self.began is None:
            return None
        return {"since": text(self.began - CLOCK_SKEW - timedelta(seconds=overlap_s))}


def moment(stored: Any) -> datetime | None:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else None


def text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
