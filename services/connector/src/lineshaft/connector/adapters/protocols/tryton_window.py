"""Which rows a page holds, and where the next one begins.

Pages go by id. An incremental read takes rows written since the last one; `write_date` is null until a
row is first changed, so `create_date` stands in for it. The next read begins at the time when this one
began, by the source's clock: rows written meanwhile may lie behind the page that was being read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from lineshaft.connector.domain.protocol import Cursor

CURSOR_FIELDS = ("write_date", "create_date")

CLOCK_SKEW = timedelta(minutes=5)
"""Between the source's web server, whose clock we see, and its database, whose clock stamps the rows."""


class _Moment(msgspec.Struct):
    year: int
    month: int
    day: int
    hour: int = 0
    minute: int = 0
    second: int = 0
    microsecond: int = 0

    def aware(self) -> datetime:
        return datetime(
            self.year, self.month, self.day, self.hour, self.minute, self.second, self.microsecond, UTC
        )


class _Row(msgspec.Struct):
    id: int
    write_date: _Moment | None = None
    create_date: _Moment | None = None


_ROWS = msgspec.json.Decoder(list[_Row])
_RECORDS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Window:
    since: datetime | None
    """Rows written since then; all rows where it is None."""
    after: int = 0
    until: datetime | None = None
    """When this read began."""
    seen: datetime | None = None
    """The youngest row so far."""

    @classmethod
    def parse(cls, cursor: Cursor | None) -> "Window":
        cursor = cursor or {}
        return cls(
            since=_moment(cursor.get("since")),
            after=int(cursor.get("after", 0)),
            until=_moment(cursor.get("until")),
            seen=_moment(cursor.get("seen")),
        )

    def domain(self) -> list[Any]:
        clauses: list[Any] = [["id", ">", self.after]]
        if self.since is not None:
            since = _tryton(self.since)
            clauses.append(
                [
                    "OR",
                    ["write_date", ">=", since],
                    [["write_date", "=", None], ["create_date", ">=", since]],
                ]
            )
        return clauses

    def next_page(self) -> dict[str, Any]:
        return {
            "since": _text(self.since),
            "after": self.after,
            "until": _text(self.until),
            "seen": _text(self.seen),
        }

    def next_sync(self, overlap: timedelta) -> dict[str, Any]:
        """Where the next incremental read begins; as before where nothing was seen."""
        if self.until is None or self.seen is None:
            return {"since": _text(self.since)}
        return {"since": _text(max(min(self.seen, self.until), self.until - CLOCK_SKEW) - overlap)}


def cut(rows: msgspec.Raw) -> list[bytes]:
    """The records of a page, each as it came."""
    records: list[Any] = _RECORDS.decode(rows)
    return records


def advanced(window: Window, rows: msgspec.Raw, now: datetime) -> Window | None:
    """The window after this page; None where the page does not lie behind the one before it."""
    decoded: Sequence[_Row] = _ROWS.decode(rows)
    if not decoded:
        return replace(window, until=window.until or now)
    if decoded[0].id <= window.after or decoded[-1].id < decoded[0].id:
        return None
    youngest = max(
        (moment.aware() for row in decoded if (moment := row.write_date or row.create_date)), default=None
    )
    seen = max((moment for moment in (window.seen, youngest) if moment), default=None)
    return replace(window, after=decoded[-1].id, until=window.until or now, seen=seen)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _tryton(moment: datetime) -> dict[str, Any]:
    utc = moment.astimezone(UTC)
    return {
        "__class__": "datetime",
        "year": utc.year,
        "month": utc.month,
        "day": utc.day,
        "hour": utc.hour,
        "minute": utc.minute,
        "second": utc.second,
        "microsecond": utc.microsecond,
    }
