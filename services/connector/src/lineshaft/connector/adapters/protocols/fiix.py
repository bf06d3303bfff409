"""Fiix: signed requests to one address, which answers every one of them with the status of success.

`resource` of an object is its class; an object's `filter` holds for some fields the values that its records
have, which are picked here: Fiix keeps sites, equipment and parts in one class. Nothing tells which fields
there are, so a manifest lists those that are read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock, now
from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols import fiix_requests as requests
from lineshaft.connector.adapters.protocols.access import AuthorizedHttp
from lineshaft.connector.adapters.protocols.fiix_requests import Bounds
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE
from lineshaft.connector.adapters.protocols.paging import unfit
from lineshaft.connector.adapters.protocols.read_rights import rights_by_reading
from lineshaft.connector.adapters.protocols.rest_answers import raw_at, records_at, take_apart
from lineshaft.connector.adapters.protocols.rest_calls import RestCalls, filter_ignored, unusable
from lineshaft.connector.adapters.protocols.rest_requests import as_written
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.fields import head_of
from lineshaft.connector.domain.protocol import (
    Cursor,
    FieldDescription,
    Need,
    ObjectDescription,
    Page,
    Right,
    Verified,
    WriteOperation,
    Written,
)
from lineshaft.connector.domain.sessions import Sessions

PING = {"_maCn": "RpcRequest", "clientVersion": requests.CLIENT_VERSION, "name": "Ping", "action": "Ping"}
KEY = ("id",)
_UNFIT = (*UNREADABLE, KeyError, TypeError)


class Fiix:
    """Setting `base_url`; credentials `app_key`, `access_key` and `secret_key`."""

    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock = now) -> None:
        self._target = target
        self._manifest = target.system.manifest
        self._clock = clock
        self._url = str(target.settings["base_url"]).rstrip("/")
        self._calls = RestCalls(
            target, AuthorizedHttp(target, http, sessions, clock, proof={}), clock, self.verify
        )
        self.host = self._calls.host

    async def verify(self) -> Verified:
        await self._call(Operation.VERIFY, PING)
        account = self._target.account()
        return Verified(account, account)

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        return [self._described(name) for name in objects]

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        listed = self._manifest.listed(object_name)
        window, bounds = Window.parse(cursor), Bounds.parse(cursor)
        size = limit or listed.page_size or self._manifest.limits.page_size
        picked = listed.filter if isinstance(listed.filter, dict) else {}
        asked = [*fields, *picked, *([listed.cursor.field] if listed.cursor else [])]
        start = int(window.position or 0)
        request = requests.found(listed, self._class(object_name), asked, bounds, (start, size))
        answer = await self._call(Operation.READ, request, object_name)
        try:
            records = list(map(bytes, records_at(answer.body, "objects")))
            rows = list(map(exact_json.decode, records))
            numbers = [int(row[listed.cursor.field]) for row in rows] if listed.cursor else []
            more = start + len(records) < int(take_apart(answer).body["totalObjects"])
            fresh, onward = window.by_number(records, size, KEY, more=more)
        except _UNFIT as error:
            raise unfit(answer, object_name, error) from error
        if bounds.since is not None and any(number <= bounds.since for number in numbers):
            raise filter_ignored(answer, object_name, bounds.since)
        bounds = bounds.widened(max(numbers, default=None), first=start == 0)
        kept = [one for one in fresh if _picked(exact_json.decode(one), picked)] if picked else fresh
        if onward is not None:
            return Page(kept, {**onward.dump(), **bounds.next_page()}, last=False)
        return Page(kept, bounds.next_sync() if listed.cursor else None, last=True)

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        name, written = self._class(object_name), as_written(self._manifest.listed(object_name).write, values)
        match operation:
            case WriteOperation.CREATE:
                request = requests.added(name, written)
            case WriteOperation.UPDATE:
                request = requests.changed(name, int(source_id or ""), written)
            case WriteOperation.DELETE:
                request = requests.removed(name, int(source_id or ""))
        answer = await self._call(Operation.WRITE, request, object_name)
        body = take_apart(answer).body
        stored = body.get("object") if isinstance(body, dict) else None
        stored = stored if isinstance(stored, dict) else {}
        if operation is WriteOperation.CREATE:
            if stored.get("id") is None:
                raise unusable(answer, Operation.WRITE, object_name, "the answer does not name the record")
            source_id = str(stored["id"])
        return Written(str(source_id), stored)

    async def find(
        self, object_name: str, fields: Sequence[str], match: Mapping[str, Any]
    ) -> Sequence[bytes] | None:
        """By key alone."""
        if set(match) != {"id"}:
            return None
        request = requests.by_key(self._class(object_name), fields, int(match["id"]))
        answer = await self._call(Operation.READ, request, object_name)
        try:
            record = bytes(raw_at(answer.body, "object"))
        except msgspec.DecodeError:
            return []
        return [] if record == b"null" else [record]

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        return await rights_by_reading(needs, lambda need: self.read(need.object, need.fields, None, limit=1))

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._calls.classify(answer, Operation.READ)

    async def aclose(self) -> None:
        """Nothing is held: connections belong to all."""

    async def _call(
        self, operation: Operation, request: Mapping[str, Any], object_name: str | None = None
    ) -> Answer:
        path = requests.address(str(request["_maCn"]), self._target.credentials, self._clock())
        proof = requests.signature(self._url + path, self._target.credentials["secret_key"])
        headers = {"authorization": proof, "content-type": "text/plain; charset=utf-8"}
        return await self._calls.call(
            operation, "POST", path, object_name, content=exact_json.encode(request), headers=headers
        )

    def _described(self, object_name: str) -> ObjectDescription:
        names = dict.fromkeys(head_of(name) for name in self._target.system.source_fields_for(object_name))
        return ObjectDescription(
            object_name,
            self._manifest.listed(object_name).label,
            tuple(FieldDescription(name, "", name) for name in names),
        )

    def _class(self, object_name: str) -> str:
        return self._manifest.listed(object_name).resource or object_name


def _picked(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(row.get(name) in values for name, values in wanted.items())
