"""Which rows a page holds, and where the next one begins.

A full read goes by the key. An incremental one goes by the cursor column, then the key, so that a row that
is changed meanwhile moves behind the page and is met again. Where the next read begins is taken from the
database's clock at the beginning of this one, of a replica of PostgreSQL from the time up to which it had
replayed its primary's changes, or from the youngest row that an incremental read saw if
that is older: a row dated ahead of time must not carry the cursor past those that follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lineshaft.connector.adapters.protocols.window import CLOCK_SKEW, moment, text
from lineshaft.connector.domain.protocol import Cursor


@dataclass(frozen=True, slots=True)
class Window:
    """Times are in the terms of the cursor column, and so may have no zone."""

    since: datetime | None = None
    """Rows changed since then; all rows where it is None."""
    after: tuple[Any, ...] = ()
    """The position of the last row of the page before: its key, preceded by its time if `since` is set."""
    began: datetime | None = None

    @classmethod
    def parse(cls, cursor: Cursor | None) -> "Window":
        cursor = cursor or {}
        return cls(
            since=moment(cursor.get("since")),
            after=tuple(cursor.get("after", ())),
            began=moment(cursor.get("began")),
        )

    def next_page(self, position: Sequence[Any]) -> dict[str, Any]:
        return {"since": text(self.since), "after": list(position), "began": text(self.began)}

    def next_sync(self, overlap: timedelta, youngest: datetime | None) -> dict[str, Any] | None:
        """Where the next incremental read begins; `youngest` is the time of the last row that was seen."""
        if self.began is None:
            return None
        start = self.began - CLOCK_SKEW
        if self.since is None:
            return {"since": text(start - overlap)}
        if youngest is None:
            return {"since": text(self.since)}
        return {"since": text(max(self.since, min(start, youngest) - overlap))}

    def begun(self, at: datetime | None) -> "Window":
        return self if self.began is not None else replace(self, began=at)
