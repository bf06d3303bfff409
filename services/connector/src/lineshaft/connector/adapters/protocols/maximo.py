"""IBM Maximo's JSON API. Nearly every refusal has the status 400, and its reason code alone says why.

`resource` of an object is its object structure. Settings `base_url`, up to and with `/maximo`, and `login`:
`api_key`, `maxauth` or `ldap`. A field under `write.apart` is written by the action that stands there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock, now
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.outcomes import Operation
from lineshaft.common.unified import join_source_key
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.access import AuthorizedHttp
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE
from lineshaft.connector.adapters.protocols.maximo_requests import (
    API_KEY,
    UnfitValueError,
    page_query,
    position_of,
    proof,
    rest_id,
    search_query,
)
from lineshaft.connector.adapters.protocols.paging import fingerprint, tail_of, unfit
from lineshaft.connector.adapters.protocols.read_rights import rights_by_reading
from lineshaft.connector.adapters.protocols.rest_answers import at, records_at, take_apart
from lineshaft.connector.adapters.protocols.rest_calls import (
    RestCalls,
    filter_ignored,
    not_at_creation,
    unusable,
)
from lineshaft.connector.adapters.protocols.rest_pages import not_asked_for
from lineshaft.connector.adapters.protocols.rest_requests import as_written
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import Evidence, refused
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
from lineshaft.connector.domain.writes import key_of

_MEMBER = "member"
_NEXT = "responseInfo.nextPage.href"
_ACCOUNT = ("userName", "loginID", "personId")
_STRUCTURED = ("array", "object")
_CHANGE = {"x-method-override": "PATCH", "patchtype": "MERGE", "properties": "*"}


class Maximo:
    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock = now) -> None:
        self._manifest = target.system.manifest
        self._clock = clock
        login = str(target.settings.get("login") or API_KEY)
        self._root = "/api" if login == API_KEY else "/oslc"
        proven = AuthorizedHttp(target, http, sessions, clock, proof=proof(login, target.credentials))
        self._calls = RestCalls(target, proven, clock, self.verify)
        self.host = self._calls.host

    async def verify(self) -> Verified:
        answer = await self._calls.call(Operation.VERIFY, "GET", f"{self._root}/whoami?lean=1")
        body = take_apart(answer).body
        found = body if isinstance(body, dict) else {}
        account = next((str(found[name]) for name in _ACCOUNT if found.get(name)), None)
        if account is None:
            raise unusable(answer, Operation.VERIFY, None, "the answer does not say whose account it is")
        return Verified(account, str(found.get("displayName") or account))

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        return [await self._described(name) for name in objects]

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        listed, window = self._manifest.listed(object_name), Window.parse(cursor)
        size = limit or listed.page_size or self._manifest.limits.page_size
        path = self._path(object_name)
        answer = await self._calls.call(
            Operation.READ, "GET", path + page_query(listed, fields, window, size), object_name
        )
        window = window.begun(answer.sent_at(self._clock()))
        try:
            page = _turned(answer, path, window, listed)
            if window.tail:
                before = page_query(listed, fields, replace(window, position=window.before), size)
                answer = await self._calls.call(Operation.READ, "GET", path + before, object_name)
                page = window.looked_back(records_at(answer.body, _MEMBER), page, listed.key)
            records, onward = page
        except UNREADABLE as error:
            raise unfit(answer, object_name, error) from error
        if not_asked_for(listed, window, records):
            raise filter_ignored(answer, object_name, window.since)
        if onward is not None:
            return Page(records, onward.dump(), last=False)
        return Page(records, window.next_sync(listed.cursor.overlap_s) if listed.cursor else None, last=True)

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        listed = self._manifest.listed(object_name)
        written = as_written(listed.write, values)
        match operation:
            case WriteOperation.CREATE:
                return await self._create(object_name, listed, written)
            case WriteOperation.UPDATE:
                return await self._update(object_name, listed, str(source_id), written)
            case WriteOperation.DELETE:
                raise refused(object_name, "not_supported", "nothing is deleted in Maximo from outside")

    async def find(
        self, object_name: str, fields: Sequence[str], match: Mapping[str, Any]
    ) -> Sequence[bytes] | None:
        try:
            query = search_query(self._manifest.listed(object_name), fields, match)
        except UnfitValueError:
            return None
        answer = await self._calls.call(Operation.READ, "GET", self._path(object_name) + query, object_name)
        try:
            records = records_at(answer.body, _MEMBER)
        except UNREADABLE as error:
            raise unfit(answer, object_name, error) from error
        # a % in a value finds what is like it
        return [one for one in map(bytes, records) if _holds(one, match)]

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        return await rights_by_reading(needs, lambda need: self.read(need.object, need.fields, None, limit=1))

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._calls.classify(answer, Operation.READ)

    async def aclose(self) -> None:
        """Nothing is held: connections belong to all."""

    async def _described(self, object_name: str) -> ObjectDescription:
        structure = self._path(object_name).rsplit("/", 1)[-1].upper()
        answer = await self._calls.call(
            Operation.DESCRIBE, "GET", f"{self._root}/jsonschemas/{structure}", object_name
        )
        schema = take_apart(answer).body
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(properties, dict):
            raise unusable(answer, Operation.DESCRIBE, object_name, "the answer describes no fields")
        required = schema.get("required") or ()
        return ObjectDescription(
            object_name,
            self._manifest.listed(object_name).label,
            tuple(_field(name, facts, required) for name, facts in properties.items()),
        )

    async def _create(self, object_name: str, listed: SourceObject, values: Mapping[str, Any]) -> Written:
        if late := [name for name in values if name in listed.write.apart]:
            raise not_at_creation(object_name, late)
        answer = await self._calls.call(
            Operation.WRITE,
            "POST",
            f"{self._path(object_name)}?lean=1",
            object_name,
            content=exact_json.encode(dict(values)),
            headers={"properties": "*"},
        )
        stored = _stored(answer)
        key = [stored.get(part) for part in listed.key]
        if None in key:
            raise unusable(answer, Operation.WRITE, object_name, "the answer does not name the record")
        return Written(join_source_key(key), stored)

    async def _update(
        self, object_name: str, listed: SourceObject, source_id: str, values: Mapping[str, Any]
    ) -> Written:
        address = await self._address(object_name, listed, source_id)
        together = {name: value for name, value in values.items() if name not in listed.write.apart}
        requests = [("", together)] if together else []
        requests += [
            (f"&action={action}", {name: values[name]})
            for name, action in listed.write.apart.items()
            if name in values
        ]
        stored: dict[str, Any] = {}
        for action, part in requests:
            answer = await self._calls.call(
                Operation.WRITE,
                "POST",
                f"{address}?lean=1{action}",
                object_name,
                content=exact_json.encode(part),
                headers=_CHANGE,
            )
            said = _stored(answer)
            if action and (
                passed_over := [name for name in part if said.get(name, part[name]) != part[name]]
            ):
                # some versions answer a change of status that they do not allow with success
                words = f"Maximo kept {passed_over[0]} as it was"
                raise refused(object_name, "not_taken", words, passed_over[0])
            stored |= said
        return Written(source_id, stored)

    async def _address(self, object_name: str, listed: SourceObject, source_id: str) -> str:
        found = await self.find(object_name, (), key_of(listed, source_id)) or ()
        if not found:
            raise refused(object_name, "no_such_record", f"there is no {source_id}")
        try:
            return f"{self._path(object_name)}/{rest_id(str(exact_json.decode(found[0]).get('href', '')))}"
        except UnfitValueError as error:
            raise refused(object_name, "no_address", str(error)) from error

    def _path(self, object_name: str) -> str:
        return f"{self._root}/os/{self._manifest.listed(object_name).resource or object_name}"


def _turned(
    answer: Answer, path: str, window: Window, listed: SourceObject
) -> tuple[Sequence[bytes], Window | None]:
    """The records of a page, and where the next one is. Maximo's links count pages.

    Raises:
        UnfitPageError: the source leads back, or away.
    """
    records = records_at(answer.body, _MEMBER)
    link = at(take_apart(answer).body, _NEXT)
    if not isinstance(link, str) or not link:
        return records, None
    position = position_of(link, path.removeprefix("/api").removeprefix("/oslc"))
    onward = window.onward(position, fingerprint(records, listed.key), len(records))
    return records, replace(onward, tail=tail_of(records, listed.key))


def _holds(record: bytes, match: Mapping[str, Any]) -> bool:
    found = exact_json.decode(record)
    return all(str(found.get(name)) == str(value) for name, value in match.items())


def _field(name: str, facts: Any, required: Sequence[str]) -> FieldDescription:
    known = facts if isinstance(facts, dict) else {}
    kind = str(known.get("type", ""))
    return FieldDescription(
        name,
        kind,
        str(known.get("title") or name),
        required=name in required,
        stored=kind not in _STRUCTURED,
    )


def _stored(answer: Answer) -> dict[str, Any]:
    body = take_apart(answer).body
    return body if isinstance(body, dict) else {}
