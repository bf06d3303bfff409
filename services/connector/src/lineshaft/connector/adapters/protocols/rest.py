"""REST as a manifest describes it: how to log in, pages by number, token or link, and what changed since."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock, now
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.integrations.options import DeclaredFields, RestOptions
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.unified import join_source_key, split_source_key
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.access import AuthorizedHttp
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE
from lineshaft.connector.adapters.protocols.read_rights import FIELDS_MISSING, rights_by_reading
from lineshaft.connector.adapters.protocols.rest_answers import (
    at,
    moment_at,
    raw_at,
    take_apart,
)
from lineshaft.connector.adapters.protocols.rest_calls import (
    RestCalls,
    filter_ignored,
    not_at_creation,
    unusable,
)
from lineshaft.connector.adapters.protocols.rest_pages import keys_of, not_asked_for
from lineshaft.connector.adapters.protocols.rest_reading import PageRead, Reading
from lineshaft.connector.adapters.protocols.rest_requests import Asked, as_written, encoded
from lineshaft.connector.adapters.protocols.rest_times import zoned
from lineshaft.connector.adapters.protocols.target import Target, filled
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.fields import head_of, sole
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

SAMPLE = 50
FEW = 5
_NOT_THERE = 404


class Rest:
    """Setting `base_url`; the credentials that `auth` names."""

    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock = now) -> None:
        self._target = target
        self._manifest = target.system.manifest
        self._options = RestOptions.of(self._manifest)
        self._clock = clock
        self._zone = ZoneInfo(str(target.settings.get("timezone") or "UTC"))
        self._calls = RestCalls(target, AuthorizedHttp(target, http, sessions, clock), clock, self.verify)
        self._reading = Reading(self._calls, clock, self._zone)
        self.host = self._calls.host

    async def verify(self) -> Verified:
        verify = self._manifest.verify
        answer = await self._calls.call(
            Operation.VERIFY, "GET", self._filled(str(verify.request.get("path", "/")))
        )
        body = take_apart(answer).body
        account = at(body, verify.account_path) if verify.account_path else None
        if account is None and "account" in verify.placeholders:
            raise unusable(answer, Operation.VERIFY, None, "the answer does not say whose account it is")
        account_id = self._target.account(account=account)
        return Verified(
            account_id,
            str(account or account_id),
            moment_at(body, verify.expires_path) or self._calls.expires_at,
        )

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        declared = self._options.declared is not None
        return [ObjectDescription(name, name, await self._fields(name), declared) for name in objects]

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        listed, window = self._manifest.listed(object_name), Window.parse(cursor)
        size = limit or listed.page_size or self._manifest.limits.page_size
        page = await self._page(object_name, fields, window, size)
        window, records, answer = page.window, page.records, page.answer
        if records and self._options.complete_records:
            await self._miss(object_name, fields, records[0], answer)
        if listed.local_times:
            records = [zoned(record, listed.local_times, self._zone) for record in records]
        if not_asked_for(listed, window, records):
            raise filter_ignored(answer, object_name, window.since)
        records = await self._whole(object_name, fields, records)
        if page.onward is not None:
            return Page(records, page.onward.dump(), last=False)
        tells = listed.cursor if listed.cursor is not None and listed.cursor.parameter is not None else None
        return Page(records, window.next_sync(tells.overlap_s) if tells is not None else None, last=True)

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        listed = self._manifest.listed(object_name)
        named = as_written(listed.write, values, listed.local_times, self._zone)
        match operation:
            case WriteOperation.CREATE:
                return await self._create(object_name, listed, named)
            case WriteOperation.UPDATE:
                return await self._update(object_name, listed, str(source_id), named)
            case WriteOperation.DELETE:
                await self._calls.call(
                    Operation.WRITE, "DELETE", self._address(object_name, source_id), object_name
                )
                return Written(str(source_id))

    async def find(
        self,
        object_name: str,
        fields: Sequence[str],
        match: Mapping[str, Any],
    ) -> Sequence[bytes] | None:
        """By key alone."""
        listed = self._manifest.listed(object_name)
        if set(match) != set(listed.key):
            return None
        found = await self._one(object_name, join_source_key([match[part] for part in listed.key]), fields)
        return [] if found is None else [found]

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        return await rights_by_reading(needs, lambda need: self.read(need.object, need.fields, None, limit=1))

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._calls.classify(answer, Operation.READ)

    async def aclose(self) -> None:
        """Nothing is held: connections belong to all."""

    async def _create(self, object_name: str, listed: SourceObject, values: Mapping[str, Any]) -> Written:
        if late := [name for name in values if name in listed.write.apart]:
            raise not_at_creation(object_name, late)
        content = exact_json.encode(dict(values))
        answer = await self._calls.call(
            Operation.WRITE, "POST", self._path(object_name), object_name, content=content
        )
        stored = _stored(answer, listed)
        key = [stored.get(part) for part in listed.key]
        if None in key:
            raise unusable(answer, Operation.WRITE, object_name, "the answer does not name the record")
        return Written(join_source_key(key), stored)

    async def _update(
        self, object_name: str, listed: SourceObject, source_id: str, values: Mapping[str, Any]
    ) -> Written:
        """Each request may be made again, which comes to the same."""
        together = {name: value for name, value in values.items() if name not in listed.write.apart}
        requests = [("", together)] if together else []
        requests += [
            (where, {name: values[name]}) for name, where in listed.write.apart.items() if name in values
        ]
        method, address = self._options.update_method, self._address(object_name, source_id)
        stored: dict[str, Any] = {}
        for where, part in requests:
            answer = await self._calls.call(
                Operation.WRITE, method, address + where, object_name, content=exact_json.encode(part)
            )
            stored |= _stored(answer, listed)
        return Written(source_id, stored)

    async def _one(self, object_name: str, source_id: str, fields: Sequence[str]) -> bytes | None:
        """None where there is no such record."""
        listed = self._manifest.listed(object_name)
        query = encoded({**self._named(fields), **listed.record.query})
        address = self._address(object_name, source_id) + query
        try:
            answer = await self._calls.call(Operation.READ, "GET", address, object_name)
            record = raw_at(answer.body, listed.record.path)
            return zoned(record, listed.local_times, self._zone) if listed.local_times else bytes(record)
        except UNREADABLE as error:
            raise unusable(answer, Operation.READ, object_name, str(error)) from error
        except SourceFailureError as failure:
            if failure.evidence.http_status == _NOT_THERE:
                return None
            raise

    async def _fields(self, object_name: str) -> tuple[FieldDescription, ...]:
        if (declared := self._options.declared) is not None:
            return await self._declared(object_name, declared)
        listed = self._manifest.listed(object_name)
        documented = self._documented(object_name)
        size = FEW if listed.record.each else SAMPLE
        page = await self._page(object_name, documented, Window.parse(None), size)
        records = await self._whole(object_name, documented, page.records)
        names = dict.fromkeys(name for record in records for name in msgspec.json.decode(record))
        if not (records and self._options.complete_records):
            # a record may leave out what it does not have
            names |= dict.fromkeys(head_of(name) for name in documented)
        return tuple(FieldDescription(name, "", name) for name in names)

    async def _page(self, object_name: str, fields: Sequence[str], window: Window, size: int) -> PageRead:
        listed, named = self._manifest.listed(object_name), self._named(fields)
        asked = Asked(self._calls.url, object_name, self._path(object_name), listed, named)
        return await self._reading.page(asked, window, size)

    async def _whole(
        self, object_name: str, fields: Sequence[str], records: Sequence[bytes]
    ) -> Sequence[bytes]:
        """Each asked for by its key, where a list tells too little."""
        listed = self._manifest.listed(object_name)
        if not listed.record.each:
            return records
        found = [await self._one(object_name, key, fields) for key in keys_of(listed, records)]
        return [record for record in found if record is not None]

    def _named(self, fields: Sequence[str]) -> Mapping[str, Sequence[str]]:
        parameter = self._options.fields_parameter
        return {parameter: fields} if parameter and fields else {}

    def _documented(self, object_name: str) -> Sequence[str]:
        system = self._target.system
        return system.source_fields_for(object_name) if object_name in self._manifest.objects else ()

    async def _declared(self, object_name: str, said: DeclaredFields) -> tuple[FieldDescription, ...]:
        path = said.path.format(object=quote(object_name, safe=""))
        answer = await self._calls.call(Operation.DESCRIBE, "GET", path, object_name)
        found = at(take_apart(answer).body, said.fields_path or "")
        if not isinstance(found, list):
            raise unusable(answer, Operation.DESCRIBE, object_name, "the answer lists no fields")
        return tuple(
            FieldDescription(
                name=str(field[said.name]),
                type=str(field.get(said.type, "")),
                label=str(field[said.name]),
                readable=bool(field.get(said.readable, True)),
            )
            for field in found
        )

    async def _miss(self, object_name: str, fields: Sequence[str], record: bytes, answer: Answer) -> None:
        """A field that has gone since the object was described would empty what is stored."""
        present = msgspec.json.decode(record)
        missing = [name for name in fields if not _has(present, name)]
        if not missing:
            return
        declared = await self._fields(object_name) if self._options.declared else ()
        described = {field.name: field for field in declared}
        hidden = [name for name in missing if name in described and not described[name].readable]
        raise SourceFailureError(
            Evidence(
                Outcome.PERMISSION_DENIED if hidden else Outcome.CONFIGURATION_ERROR,
                Operation.READ,
                object_name,
                http_status=answer.status,
                code="fields_hidden" if hidden else FIELDS_MISSING,
                message=f"fields that were there before: {', '.join(hidden or missing)}",
                field=sole(hidden or missing),
                duration_ms=answer.duration_ms,
            )
        )

    def _path(self, object_name: str) -> str:
        resource = self._manifest.listed(object_name).resource
        return f"/{quote(object_name, safe='')}" if resource is None else self._filled(resource)

    def _filled(self, path: str) -> str:
        return filled(path, self._target.settings)

    def _address(self, object_name: str, source_id: str | None) -> str:
        parts = split_source_key(source_id or "", len(self._manifest.listed(object_name).key))
        return f"{self._path(object_name)}/" + "/".join(quote(part, safe="") for part in parts)


def _has(record: Mapping[str, Any], name: str) -> bool:
    """A related record of which only the key is left is not there for what lies in it."""
    head, _, inside = name.partition(".")
    return head in record and (not inside or not isinstance(record[head], str | int | float))


def _stored(answer: Answer, listed: SourceObject) -> dict[str, Any]:
    """What the source says that it stored; a creation is often answered with less than a record."""
    body = take_apart(answer).body
    inner = at(body, listed.record.path or "") if isinstance(body, dict) else None
    found = inner if isinstance(inner, dict) else body
    return found if isinstance(found, dict) else {}
