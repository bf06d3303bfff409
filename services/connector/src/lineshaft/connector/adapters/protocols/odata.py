"""OData, V2 and V4, as a manifest describes it.

`resource` of an object is the service's path and the entity set; settings may stand in it in braces. These
`options` are known: `version` (2 or 4); `service`, the path of the one service of all objects where it is not
the resource's own; `csrf`, where writes need a token that is fetched first; `top: false`, where pages are cut
by the server alone; `parameters`, which send settings with each request under another name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock, now
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.unified import join_source_key, split_source_key
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.access import AuthorizedHttp
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE
from lineshaft.connector.adapters.protocols.odata_answers import (
    CSRF,
    entity_of,
    is_field,
    missing_fields,
    page_of,
    plain,
    tag_of,
    wants_token,
)
from lineshaft.connector.adapters.protocols.odata_calls import Calls, misconfigured, unusable
from lineshaft.connector.adapters.protocols.odata_literals import moment_of
from lineshaft.connector.adapters.protocols.odata_requests import Addresses, cookies_of
from lineshaft.connector.adapters.protocols.odata_window import Place, restarted
from lineshaft.connector.adapters.protocols.paging import fingerprint, unfit
from lineshaft.connector.adapters.protocols.read_rights import rights_by_reading
from lineshaft.connector.adapters.protocols.rest_answers import at, moment_at, take_apart
from lineshaft.connector.adapters.protocols.target import Target, host_and_port
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, refused
from lineshaft.connector.domain.protocol import (
    Cursor,
    Need,
    ObjectDescription,
    Page,
    Right,
    Verified,
    WriteOperation,
    Written,
)
from lineshaft.connector.domain.sessions import Sessions

_METHODS = {WriteOperation.CREATE: "POST", WriteOperation.UPDATE: "PATCH", WriteOperation.DELETE: "DELETE"}
LINK_ENDED = (400, 404, 410)


class OData:
    """Setting `base_url`; the credentials that `auth` names."""

    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock = now) -> None:
        self._target = target
        self._clock = clock
        self._manifest = target.system.manifest
        self._addresses = Addresses(self._manifest, target.settings)
        self._calls = Calls(
            target, AuthorizedHttp(target, http, sessions, clock), self._addresses, clock, self.verify
        )
        self.host = host_and_port(self._addresses.base)

    async def verify(self) -> Verified:
        verify = self._manifest.verify
        path = self._addresses.filled(str(verify.request.get("path", "/")))
        answer = await self._calls.call(Operation.VERIFY, "GET", self._addresses.whole(path))
        body = take_apart(answer).body
        found = at(body, verify.account_path) if verify.account_path else None
        if found is None and "account" in verify.placeholders:
            raise unusable(answer, Operation.VERIFY, None, "the answer does not say whose account it is")
        account_id = self._target.account(account=found)
        return Verified(
            account_id,
            str(found or account_id),
            moment_at(body, verify.expires_path) or self._calls.expires_at,
        )

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        descriptions = []
        for name in objects:
            metadata = await self._calls.metadata_of(name)
            try:
                descriptions.append(metadata.described(name, self._addresses.entity_set(name)))
            except KeyError:
                raise SourceFailureError(
                    Evidence(
                        Outcome.CONFIGURATION_ERROR,
                        Operation.DESCRIBE,
                        name,
                        code="unknown_entity_set",
                        message=f"the service has no entity set {self._addresses.entity_set(name)}",
                    )
                ) from None
        return descriptions

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        listed, window = self._manifest.listed(object_name), Window.parse(cursor)
        size = limit or listed.page_size or self._manifest.limits.page_size
        place = Place.of(window)
        if place.link is not None:
            url = self._addresses.whole(place.link)
        else:
            metadata = await self._calls.metadata_of(object_name)
            url = self._addresses.page(object_name, metadata, window, fields=fields, size=size)
        try:
            answer = await self._calls.call(
                Operation.READ, "GET", url, object_name, {"prefer": f"odata.maxpagesize={size}"}
            )
        except SourceFailureError as failure:
            if failure.evidence.http_status in LINK_ENDED and place.may_restart:
                return await self.read(object_name, fields, restarted(window).dump(), limit)
            raise await self._calls.looked_at(failure, object_name) from failure
        window = window.begun(answer.sent_at(self._clock()))
        try:
            records, link = page_of(answer.body)
            following = self._following(object_name, place, records, link=link, url=url)
            page = fingerprint(records, listed.key)
            onward = window.onward(following.dump(), page, len(records)) if following else None
        except UNREADABLE as error:
            raise unfit(answer, object_name, error) from error
        self._check(object_name, window, records, fields, answer)
        found = [plain(record) for record in records]
        if onward is not None:
            return Page(found, onward.dump(), last=False)
        return Page(found, window.next_sync(listed.cursor.overlap_s) if listed.cursor else None, last=True)

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        listed = self._manifest.listed(object_name)
        headers: dict[str, str] = {}
        if operation is WriteOperation.CREATE:
            url = self._addresses.whole(self._addresses.path(object_name))
            headers = await self._token(object_name)
        else:
            key = split_source_key(source_id or "", len(listed.key))
            url = await self._record_url(object_name, dict(zip(listed.key, key, strict=True)))
            headers = await self._token(object_name, url)
        content = b"" if operation is WriteOperation.DELETE else exact_json.encode(dict(values))
        answer = await self._calls.send(
            Operation.WRITE, _METHODS[operation], url, object_name, headers=headers, content=content
        )
        if wants_token(answer):
            # the token went with the session; nothing was written
            headers = await self._token(
                object_name, None if operation is WriteOperation.CREATE else url, again=True
            )
            answer = await self._calls.send(
                Operation.WRITE, _METHODS[operation], url, object_name, headers=headers, content=content
            )
        answer = await self._calls.require(answer, Operation.WRITE, object_name)
        try:
            stored = entity_of(answer.body)
        except UNREADABLE as error:
            raise unusable(answer, Operation.WRITE, object_name, str(error)) from error
        if operation is WriteOperation.CREATE:
            created = [stored.get(part) for part in listed.key]
            if None in created:
                raise unusable(answer, Operation.WRITE, object_name, "the answer does not name the record")
            source_id = join_source_key(created)
        return Written(str(source_id), {name: value for name, value in stored.items() if is_field(name)})

    async def find(
        self, object_name: str, fields: Sequence[str], match: Mapping[str, Any]
    ) -> Sequence[bytes] | None:
        metadata = await self._calls.metadata_of(object_name)
        url = self._addresses.search(object_name, metadata, match, fields)
        answer = await self._calls.call(Operation.READ, "GET", url, object_name)
        try:
            records, _ = page_of(answer.body)
        except UNREADABLE as error:
            raise unusable(answer, Operation.READ, object_name, str(error)) from error
        return [plain(record) for record in records][:2]

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        return await rights_by_reading(
            needs, lambda need: self.read(need.object, self._manifest.listed(need.object).key, None, limit=1)
        )

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._calls.evidence(answer, Operation.READ)

    async def aclose(self) -> None:
        """Nothing is held: connections belong to all."""

    def _following(
        self,
        object_name: str,
        place: Place,
        records: Sequence[Mapping[str, msgspec.Raw]],
        *,
        link: str | None,
        url: str,
    ) -> Place | None:
        """Where the next page begins; None after the last.

        Raises:
            ValueError: the source leads away, or leaves out the key.
        """
        if link is not None:
            return Place(self._addresses.rebased(object_name, link, url), again=place.again)
        if not self._addresses.options.top or not records:
            return None
        last, listed = records[-1], self._manifest.listed(object_name)
        if lacking := [part for part in listed.key if part not in last]:
            raise ValueError(f"a record has no {', '.join(lacking)}")
        key = [msgspec.json.decode(last[part]) for part in listed.key]
        return Place(after=key, again=place.again)

    def _check(
        self,
        object_name: str,
        window: Window,
        records: Sequence[Mapping[str, msgspec.Raw]],
        fields: Sequence[str],
        answer: Answer,
    ) -> None:
        """A field or a filter that was passed over in silence would empty or repeat what is known."""
        if records and (lacking := missing_fields(records[0], fields)):
            words = f"fields that were there before: {', '.join(lacking)}"
            raise misconfigured(answer, object_name, "fields_missing", words)
        cursor = self._manifest.listed(object_name).cursor
        if cursor is None or window.since is None:
            return
        for record in records:
            raw = record.get(cursor.field)
            changed = moment_of(msgspec.json.decode(raw)) if raw is not None else None
            if changed is not None and changed < window.since.replace(microsecond=0):
                words = f"records came that were last changed before {window.since.isoformat()}"
                raise misconfigured(answer, object_name, "filter_ignored", words)

    async def _record_url(self, object_name: str, key: Mapping[str, Any]) -> str:
        metadata = await self._calls.metadata_of(object_name)
        try:
            return self._addresses.record(object_name, metadata, key)
        except ValueError as error:
            raise refused(object_name, "key", str(error)) from error

    async def _token(
        self, object_name: str, record_url: str | None = None, *, again: bool = False
    ) -> dict[str, str]:
        """What a write has to bring along: the token of a session that begins here, and the record's tag."""
        csrf = self._addresses.options.csrf
        if not csrf and (record_url is None or again):
            return {}
        url = record_url or self._addresses.whole(f"{self._addresses.service(object_name)}/")
        answer = await self._calls.call(
            Operation.WRITE, "GET", url, object_name, {CSRF: "Fetch"} if csrf else {}
        )
        headers: dict[str, str] = {}
        if csrf and (token := answer.headers.get(CSRF)):
            headers = {CSRF: token, "cookie": cookies_of(answer)}
        if record_url is not None:
            try:
                tag = tag_of(answer, entity_of(answer.body))
            except UNREADABLE as error:
                raise unusable(answer, Operation.WRITE, object_name, str(error)) from error
            headers |= {"if-match": tag} if tag else {}
        return headers
