"""Which page follows, and whether a page is what was asked for."""

from collections.abc import Sequence
from typing import Any

import msgspec

from lineshaft.common.integrations.manifest import Paging, SourceObject
from lineshaft.common.unified import join_source_key
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.adapters.protocols.rest_answers import at, take_apart
from lineshaft.connector.adapters.protocols.rest_requests import Window, read_moment

NO_PAGES = Paging(type="none")

Position = str | int


class PageRepeatedError(ValueError):
    """The source gives the same page again as the next one."""


def following(answer: Answer, paging: Paging, window: Window, count: int, size: int) -> Position | None:
    """The position of the next page; None after the last."""
    match paging.type:
        case "offset":
            return int(window.position or 0) + count if count >= size else None
        case "page":
            return int(window.position or 1) + 1 if count >= size else None
        case "cursor":
            found = at(take_apart(answer).body, paging.next_path or "next_cursor")
            if found is not None and found == window.position:
                raise PageRepeatedError(PageRepeatedError.__doc__)
            return found if isinstance(found, str | int) and found != "" else None
        case _:
            return None


PAGES = ("none", "offset", "page", "cursor")


def not_asked_for(listed: SourceObject, window: Window, records: Sequence[bytes]) -> bool:
    """Whether records came that did not change since then.

    Some sources pass over a filter that they do not know, and send everything.
    """
    cursor = listed.cursor
    if cursor is None or window.since is None:
        return False
    since = window.since.replace(microsecond=0)
    moments = (read_moment(msgspec.json.decode(record).get(cursor.field), cursor) for record in records)
    return any(moment is not None and moment < since for moment in moments)


def keys_of(listed: SourceObject, records: Sequence[bytes]) -> list[str]:
    """The source ids of records."""
    found: list[dict[str, Any]] = [msgspec.json.decode(record) for record in records]
    return [join_source_key([record[part] for part in listed.key]) for record in found]
