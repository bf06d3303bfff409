"""Which page follows, and whether a page is what was asked for."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import msgspec

from lineshaft.common.integrations.manifest import Paging, SourceObject
from lineshaft.common.mapping.paths import compile_path, parse_path
from lineshaft.common.unified import join_source_key
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.adapters.protocols.paging import UnfitPageError, fingerprint, goes_on, tail_of
from lineshaft.connector.adapters.protocols.rest_answers import at, take_apart
from lineshaft.connector.adapters.protocols.rest_requests import Asked, first_of, read_moment
from lineshaft.connector.adapters.protocols.wall_clock import FARTHEST_BACK
from lineshaft.connector.adapters.protocols.window import Window


def turned(
    answer: Answer, asked: Asked, window: Window, records: Sequence[bytes], size: int
) -> tuple[Sequence[bytes], Window | None]:
    """The records of a page that are new, and where the next one is; None after the last.

    Raises:
        UnfitPageError: the source leads back, or away, or says that there is more where there is nothing.
    """
    listed, paging = asked.listed, asked.paging
    position: str | int | None = None
    match paging.type:
        case "offset":
            more = _more(answer, paging, first_of(paging, window) + len(records))
            return window.by_number(records, size, listed.key, more=more)
        case "page":
            if goes_on(records, more=_more(answer, paging, window.count + len(records))):
                position = first_of(paging, window) + 1
        case "cursor":
            position = _place(answer, paging.next_path or "next_cursor", (str, int))
        case "next_url":
            position = asked.below(_place(answer, paging.next_path or "", (str,)))
        case "header_link":
            position = asked.below(_next_of(answer))
        case "none":
            pass
    if position is None:
        return records, None
    onward = window.onward(position, fingerprint(records, listed.key), len(records))
    counted = paging.type == "page"
    return records, replace(onward, tail=tail_of(records, listed.key)) if counted else onward


def _place(answer: Answer, path: str, kinds: tuple[type, ...]) -> Any:
    """Where the next page is; None where there is none.

    Raises:
        UnfitPageError: what is said there is no place, and to take it for the end would be to miss the rest.
    """
    found = at(take_apart(answer).body, path)
    if found is None or found is False or found == "":
        return None
    if not isinstance(found, kinds) or isinstance(found, bool):
        raise UnfitPageError(f"what the answer says at {path} is no place of a page")
    return found


def _more(answer: Answer, paging: Paging, read: int) -> bool | None:
    """Whether there are more records than those that were read, where the manifest names who says so."""
    if paging.total_path is not None:
        return read < _number(answer, paging.total_path)
    return None if paging.more_path is None else _flag(answer, paging.more_path)


def _flag(answer: Answer, path: str) -> bool:
    found = at(take_apart(answer).body, path)
    if not isinstance(found, bool):
        raise UnfitPageError(f"the answer does not say at {path} whether there is more")
    return found


def _number(answer: Answer, path: str) -> int:
    found = at(take_apart(answer).body, path)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise UnfitPageError(f"the answer does not say at {path} how many records there are")
    return found


def _next_of(answer: Answer) -> Any:
    """The link of the header `Link` (RFC 8288) that is called `next`."""
    parsed = httpx.Response(answer.status, headers={"link": answer.headers.get("link", "")})
    return parsed.links.get("next", {}).get("url")


def not_asked_for(listed: SourceObject, window: Window, records: Sequence[bytes]) -> bool:
    """Whether records came that did not change since then.

    Some sources pass over a filter that they do not know, and send everything.
    """
    cursor = listed.cursor
    if cursor is None or window.since is None:
        return False
    since = window.since.replace(microsecond=0)
    if cursor.format == "local":
        since -= FARTHEST_BACK
    changed = compile_path(parse_path(cursor.field))
    moments = (read_moment(changed(msgspec.json.decode(record)), cursor) for record in records)
    return any(moment is not None and moment < since for moment in moments)


def keys_of(listed: SourceObject, records: Sequence[bytes]) -> list[str]:
    """The source ids of records."""
    found: list[dict[str, Any]] = [msgspec.json.decode(record) for record in records]
    return [join_source_key([record[part] for part in listed.key]) for record in found]
