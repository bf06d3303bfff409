"""Pages of source records that cost next to nothing to make, however many there are.

All pages repeat the same 500 records under other ids, so a page is one join of ready bytes.
"""

from datetime import UTC, datetime, timedelta

import orjson
from harness.records import FIRST_ID, a_record, tagged

PAGE = 500
_START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


class Rows:
    """`count` rows with the ids from `FIRST_ID` + 1 on."""

    def __init__(self, count: int) -> None:
        self._last = FIRST_ID + count

    def page(self, after: int, limit: int) -> bytes:
        """The rows behind the id `after`, as a JSON list."""
        first = max(after, FIRST_ID) + 1
        until = min(first + limit, self._last + 1)
        return (
            b"["
            + b",".join([b'{"id":%d%b' % (row, _TAILS[row % PAGE]) for row in range(first, until)])
            + b"]"
        )

    def ends(self, after: int, limit: int) -> bool:
        return max(after, FIRST_ID) + limit >= self._last


def _tail(number: int) -> bytes:
    record = a_record(number)
    del record["id"]
    moment = _START + timedelta(minutes=number)
    # where Tryton keeps them; the record's own two are the same in ISO 8601
    record |= {"create_date": tagged(moment), "write_date": tagged(moment + timedelta(days=1))}
    record["description"] = record["description"][:60]
    return b"," + orjson.dumps(record)[1:]


_TAILS = [_tail(number) for number in range(PAGE)]
FIELDS = ("id", *orjson.loads(b"{" + _TAILS[0][1:]))
