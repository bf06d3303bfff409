"""Lists are cursor-paged: `{"data": [...], "next_cursor": ...}`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from lineshaft.api.domain import cursors
from lineshaft.api.domain.problems import invalid

DEFAULT_LIMIT = 100
MAX_LIMIT = 500

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows of a page.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    data: list[T]
    next_cursor: str | None


def by_id(cursor: str | None, order: str) -> str:
    """The id after which the page begins."""
    return cursors.decode(cursor, order, 1)[0] if cursor else ""


def by_time(cursor: str | None, order: str) -> tuple[datetime | None, str | None]:
    """The moment and id before which the page begins."""
    if cursor is None:
        return None, None
    moment, row_id = cursors.decode(cursor, order, 2)
    return moment_of(moment), row_id


def moment_of(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("cursor", "take it unchanged from the next_cursor of the page before") from None
    if moment.tzinfo is None:
        raise invalid("cursor", "take it unchanged from the next_cursor of the page before")
    return moment


def page(
    rows: Sequence[Any], limit: int, cursor_of: Callable[[Any], str], show: Callable[[Any], Any] = dict
) -> dict[str, Any]:
    """From `limit + 1` rows; the last one only tells that there are more."""
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "data": [show(row) for row in shown],
        "next_cursor": cursor_of(shown[-1]) if more and shown else None,
    }
