"""Which rows a page holds, and where the next one begins.

Pages go by id. An incremental read takes rows written since the last one. The next read begins at the time
when this one began, by the source's clock, and not at the youngest row that was seen: rows written meanwhile
may lie behind the page that was being read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lineshaft.common.errors import LineshaftError
from lineshaft.connector.domain.protocol import Cursor

CLOCK_SKEW = timedelta(minutes=5)
"""Between the source's web server, whose clock we see, and its database, whose clock stamps the rows."""


class PageRepeatedError(LineshaftError):
    """The source gave rows that it had given before."""


class _Key(msgspec.Struct):
    id: int


_KEY = msgspec.json.Decoder(_Key)
_RECORDS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Window:
    since: datetime | None
    """Rows written since then; all rows where it is None."""
    after: int = 0
    until: datetime | None = None
    """When this read began."""

    @classmethod
    def parse(cls, cursor: Cursor | None) -> "Window":
        cursor = cursor or {}
        return cls(
            since=_moment(cursor.get("since")),
            after=int(cursor.get("after", 0)),
            until=_moment(cursor.get("until")),
        )

    def next_page(self) -> dict[str, Any]:
        return {"since": _text(self.since), "after": self.after, "until": _text(self.until)}

    def next_sync(self, overlap: timedelta) -> dict[str, Any]:
        """Where the next incremental read begins."""
        return {"since": _text(self.until - CLOCK_SKEW - overlap if self.until else self.since)}


def cut(rows: msgspec.Raw | memoryview) -> list[bytes]:
    """The records of a page, each as it came."""
    records: list[Any] = _RECORDS.decode(rows)
    return records


def advanced(window: Window, records: Sequence[bytes], now: datetime) -> Window:
    """The window after this page; of the records only the keys of the first and the last are decoded.

    Raises:
        PageRepeatedError: the page does not lie behind the one before it.
        msgspec.DecodeError: a record is no object with an id.
    """
    until = window.until or now
    if not records:
        return replace(window, until=until)
    first, last = _KEY.decode(records[0]).id, _KEY.decode(records[-1]).id
    if first <= window.after or last < first:
        raise PageRepeatedError
    return replace(window, after=last, until=until)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
