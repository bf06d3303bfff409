"""What Fiix is asked, how a request is signed, and where the next one goes on."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.connector.domain.protocol import Cursor

CLIENT_VERSION = {"major": 2, "minor": 8, "patch": 1}
"""Of the interface that is spoken; Fiix keeps to it."""


def address(request: str, credentials: Mapping[str, str], sent: datetime) -> str:
    """What follows the tenant's own address."""
    parameters = {
        "action": request,
        "service": "cmms",
        "timestamp": int(sent.timestamp() * 1000),
        "appKey": credentials["app_key"],
        "accessKey": credentials["access_key"],
        "signatureMethod": "HmacSHA256",
        "signatureVersion": "1",
    }
    return f"/api/?{urlencode(parameters)}"


def signature(url: str, secret: str) -> str:
    """Over the whole address without its scheme."""
    _, _, message = url.rpartition("://")
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which changes a read takes.

    Changes are told by a growing number whose unit Fiix does not say, so bounds are numbers that were seen:
    what changes while this read goes on has a higher one than all of its first page and of the read before.
    """

    since: int | None = None
    """Records that changed after this number; all records where it is None."""
    seen: int | None = None
    """The highest of this read."""
    bound: int | None = None
    """The highest of its first page, or of the read before."""

    @classmethod
    def parse(cls, cursor: Cursor | None) -> "Bounds":
        known = cursor or {}
        return cls(known.get("since"), known.get("seen"), known.get("bound"))

    def widened(self, highest: int | None, *, first: bool) -> "Bounds":
        """After a page whose records changed so late."""
        bound = _highest(self.bound, highest) if first else self.bound
        return replace(self, seen=_highest(self.seen, highest), bound=bound)

    def next_page(self) -> dict[str, Any]:
        return {"since": self.since, "seen": self.seen, "bound": self.bound}

    def next_sync(self) -> dict[str, Any] | None:
        since = _highest(self.since, self.bound)
        return None if since is None else {"since": since, "bound": self.seen}


def _highest(one: int | None, other: int | None) -> int | None:
    known = [number for number in (one, other) if number is not None]
    return max(known, default=None)


def found(
    listed: SourceObject, class_name: str, fields: Sequence[str], bounds: Bounds, place: tuple[int, int]
) -> Any:
    """`place` is how many records lie before the page, and how many it may have."""
    start, size = place
    request = {
        **_crud("FindRequest", class_name, fields),
        "orderBy": "id",
        "startIndex": start,
        "maxObjects": size,
    }
    if listed.cursor is not None and bounds.since is not None:
        request["filters"] = [{"ql": f"{listed.cursor.field} > ?", "parameters": [bounds.since]}]
    return request


def by_key(class_name: str, fields: Sequence[str], number: int) -> Any:
    return {**_crud("FindByIdRequest", class_name, fields), "id": number}


def added(class_name: str, values: Mapping[str, Any]) -> Any:
    record = {**values, "className": class_name}
    return {**_crud("AddRequest", class_name, [*values]), "object": record}


def changed(class_name: str, number: int, values: Mapping[str, Any]) -> Any:
    record = {**values, "id": number, "className": class_name}
    request = {**_crud("ChangeRequest", class_name, [*values]), "object": record}
    return {**request, "changeFields": ", ".join(values)}


def removed(class_name: str, number: int) -> Any:
    return {**_crud("RemoveRequest", class_name, ()), "id": number}


def _crud(request: str, class_name: str, fields: Sequence[str]) -> dict[str, Any]:
    asked = {"fields": ", ".join(dict.fromkeys(("id", *fields)))} if request != "RemoveRequest" else {}
    return {"_maCn": request, "clientVersion": CLIENT_VERSION, "className": class_name, **asked}
