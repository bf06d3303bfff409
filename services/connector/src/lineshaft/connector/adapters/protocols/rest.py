"""REST as a manifest describes it: credentials in a header, pages by cursor or offset, changes since a time.

Beside the manifest's own keys these `options` are known: `schema` (`path` with `{object}`, `fields_path`,
`name`, `type`, `readable`) tells where an object's fields are described; `complete_records` promises that a
record names all of its fields, so that one which is not there is missed at once; `errors` (`code_path`,
`message_path`) where a refusal explains itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
import orjson

from lineshaft.common.clock import Clock, now
from lineshaft.common.errors import ConfigurationError
from lineshaft.common.integrations.manifest import Paging, SourceObject
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.unified import join_source_key, split_source_key
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.rest_answers import Classifier, at, records_at, take_apart
from lineshaft.connector.adapters.protocols.rest_requests import Window, authorization, query, read_moment
from lineshaft.connector.adapters.protocols.target import Target, host_and_port
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.fields import sole
from lineshaft.connector.domain.protocol import (
    Cursor,
    FieldDescription,
    ObjectDescription,
    Page,
    Verified,
    WriteOperation,
    Written,
)
from lineshaft.connector.domain.sessions import Sessions

NO_PAGES = Paging(type="none")
PAGES = ("none", "offset", "page", "cursor")
SAMPLE = 50
_NOT_THERE = 404
_METHODS = {WriteOperation.CREATE: "POST", WriteOperation.UPDATE: "PATCH", WriteOperation.DELETE: "DELETE"}


class Rest:
    """Setting `base_url`; the credentials that `auth` names."""

    def __init__(self, target: Target, http: SourceHttp, _sessions: Sessions, clock: Clock = now) -> None:
        self._target = target
        self._manifest = target.system.manifest
        self._http = http
        self._clock = clock
        self._url = str(target.settings["base_url"]).rstrip("/")
        self._headers = {"accept": "application/json"}
        self._headers |= authorization(self._manifest, target.credentials)
        self._classifier = Classifier(self._manifest, target.secrets)
        self.host = host_and_port(self._url)
        for listed in self._manifest.objects.values():
            if (listed.paging or NO_PAGES).type not in PAGES:
                raise ConfigurationError(
                    f"{self._manifest.id}: {listed.label}: pages go by {', '.join(PAGES)}"
                )

    async def verify(self) -> Verified:
        verify = self._manifest.verify
        answer = await self._call(Operation.VERIFY, "GET", str(verify.request.get("path", "/")))
        body = take_apart(answer).body
        account = at(body, verify.account_path) if verify.account_path else None
        if account is None and "account" in verify.placeholders:
            raise self._unusable(
                answer, Operation.VERIFY, None, "the answer does not say whose account it is"
            )
        account_id = verify.account.format_map({**self._target.settings, "account": account})
        return Verified(account_id, str(account or account_id))

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        return [ObjectDescription(name, name, await self._fields(name)) for name in objects]

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        listed, window = self._listed(object_name), Window.parse(cursor)
        paging = listed.paging or NO_PAGES
        size = limit or listed.page_size or self._manifest.limits.page_size
        path = self._path(object_name) + query(listed, paging, window, size)
        answer = await self._call(Operation.READ, "GET", path, object_name)
        window = window.begun(answer.sent_at(self._clock()))
        try:
            records = records_at(answer.body, listed.records_path)
            position = _following(answer, paging, window, len(records), size)
        except (msgspec.DecodeError, UnicodeDecodeError, PageRepeatedError) as error:
            raise self._unusable(answer, Operation.READ, object_name, str(error)) from error
        if records and self._manifest.options.get("complete_records"):
            await self._miss(object_name, fields, records[0], answer)
        self._check_filter(listed, window, records, object_name, answer)
        if position is not None:
            return Page(records, window.next_page(position), last=False)
        return Page(records, window.next_sync(listed.cursor), last=True)

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        listed, path = self._listed(object_name), self._path(object_name)
        if operation is not WriteOperation.CREATE:
            path += "/" + "/".join(
                quote(part, safe="") for part in split_source_key(source_id or "", len(listed.key))
            )
        content = b"" if operation is WriteOperation.DELETE else orjson.dumps(dict(values))
        answer = await self._call(Operation.WRITE, _METHODS[operation], path, object_name, content)
        body = take_apart(answer).body
        stored = body if isinstance(body, dict) else {}
        if operation is WriteOperation.CREATE:
            key = [stored.get(part) for part in listed.key]
            if None in key:
                raise self._unusable(
                    answer, Operation.WRITE, object_name, "the answer does not name the record"
                )
            source_id = join_source_key(key)
        return Written(str(source_id), stored)

    async def find(
        self,
        object_name: str,
        fields: Sequence[str],  # noqa: ARG002  the port's signature
        match: Mapping[str, Any],
    ) -> Sequence[bytes] | None:
        """By key alone."""
        listed = self._listed(object_name)
        if set(match) != set(listed.key):
            return None
        path = f"{self._path(object_name)}/" + "/".join(
            quote(str(match[part]), safe="") for part in listed.key
        )
        try:
            answer = await self._call(Operation.READ, "GET", path, object_name)
        except SourceFailureError as failure:
            if failure.evidence.http_status == _NOT_THERE:
                return []
            raise
        return [answer.body]

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._classifier.evidence(answer, Operation.READ, self._clock())

    async def aclose(self) -> None:
        """Nothing is held: connections belong to all."""

    async def _fields(self, object_name: str) -> tuple[FieldDescription, ...]:
        schema = self._manifest.options.get("schema")
        if isinstance(schema, dict):
            return await self._declared(object_name, {name: str(value) for name, value in schema.items()})
        page = await self.read(object_name, (), None, SAMPLE)
        names = dict.fromkeys(name for record in page.records for name in msgspec.json.decode(record))
        return tuple(FieldDescription(name, "", name) for name in names)

    async def _declared(self, object_name: str, schema: Mapping[str, str]) -> tuple[FieldDescription, ...]:
        path = schema["path"].format(object=quote(object_name, safe=""))
        answer = await self._call(Operation.DESCRIBE, "GET", path, object_name)
        found = at(take_apart(answer).body, schema.get("fields_path", ""))
        if not isinstance(found, list):
            raise self._unusable(answer, Operation.DESCRIBE, object_name, "the answer lists no fields")
        return tuple(
            FieldDescription(
                name=str(field[schema.get("name", "name")]),
                type=str(field.get(schema.get("type", "type"), "")),
                label=str(field[schema.get("name", "name")]),
                readable=bool(field.get(schema.get("readable", "readable"), True)),
            )
            for field in found
        )

    async def _miss(self, object_name: str, fields: Sequence[str], record: bytes, answer: Answer) -> None:
        """A field that has gone since the object was described would empty what is stored."""
        present = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
        missing = [name for name in fields if name.split(".", 1)[0] not in present]
        if not missing:
            return
        described = {field.name: field for field in await self._fields(object_name)}
        hidden = [name for name in missing if name in described and not described[name].readable]
        raise SourceFailureError(
            Evidence(
                Outcome.PERMISSION_DENIED if hidden else Outcome.CONFIGURATION_ERROR,
                Operation.READ,
                object_name,
                http_status=answer.status,
                code="fields_hidden" if hidden else "fields_missing",
                message=f"fields that were there before: {', '.join(hidden or missing)}",
                field=sole(hidden or missing),
                duration_ms=answer.duration_ms,
            )
        )

    def _check_filter(
        self, listed: SourceObject, window: Window, records: Sequence[bytes], object_name: str, answer: Answer
    ) -> None:
        """Some sources pass over a filter that they do not know, and send everything."""
        cursor = listed.cursor
        if cursor is None or window.since is None:
            return
        for record in records:
            changed = read_moment(msgspec.json.decode(record).get(cursor.field), cursor)
            if changed is not None and changed < window.since.replace(microsecond=0):
                raise SourceFailureError(
                    Evidence(
                        Outcome.CONFIGURATION_ERROR,
                        Operation.READ,
                        object_name,
                        http_status=answer.status,
                        code="filter_ignored",
                        message=f"records came that were last changed before {window.since.isoformat()}",
                        duration_ms=answer.duration_ms,
                    )
                )

    async def _call(
        self,
        operation: Operation,
        method: str,
        path: str,
        object_name: str | None = None,
        content: bytes = b"",
    ) -> Answer:
        headers = {**self._headers, "content-type": "application/json"} if content else self._headers
        answer: Answer | NoAnswerError
        try:
            answer = await self._http.request(
                method, self._url + path, headers, content, seconds=self._manifest.limits.timeout_s
            )
        except NoAnswerError as error:
            answer = error
        evidence = self._classifier.evidence(answer, operation, self._clock(), object_name)
        if evidence.outcome is not Outcome.OK or isinstance(answer, NoAnswerError):
            raise SourceFailureError(evidence)
        return answer

    def _listed(self, object_name: str) -> SourceObject:
        return self._manifest.objects.get(object_name) or SourceObject(label=object_name)

    def _path(self, object_name: str) -> str:
        return self._listed(object_name).resource or f"/{quote(object_name, safe='')}"

    def _unusable(
        self, answer: Answer, operation: Operation, object_name: str | None, words: str
    ) -> SourceFailureError:
        return SourceFailureError(
            Evidence(
                Outcome.SOURCE_ERROR,
                operation,
                object_name,
                http_status=answer.status,
                code="unusable_answer",
                message=words,
                confidence="medium",
                duration_ms=answer.duration_ms,
            )
        )


class PageRepeatedError(ValueError):
    """The source gives the same page again as the next one."""


def _following(answer: Answer, paging: Paging, window: Window, count: int, size: int) -> str | int | None:
    """The position of the next page; None after the last."""
    match paging.type:
        case "none":
            return None
        case "offset":
            return int(window.position or 0) + count if count >= size else None
        case "page":
            return int(window.position or 1) + 1 if count >= size else None
        case "cursor":
            following = at(take_apart(answer).body, paging.next_path or "next_cursor")
            if following is not None and following == window.position:
                raise PageRepeatedError(PageRepeatedError.__doc__)
            return following if isinstance(following, str | int) and following != "" else None
        case _:
            raise ConfigurationError(f"pages by {paging.type} are not known")
