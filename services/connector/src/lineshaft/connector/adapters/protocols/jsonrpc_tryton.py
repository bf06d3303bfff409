"""Tryton over JSON-RPC: `POST /<database>/rpc/` since 8.0, `POST /<database>/` before."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lineshaft.common.clock import Clock, now
from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE
from lineshaft.connector.adapters.protocols.id_window import advanced, cut
from lineshaft.connector.adapters.protocols.paging import unfit
from lineshaft.connector.adapters.protocols.read_rights import right_of
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.adapters.protocols.tryton_calls import (
    LANGUAGE,
    REGISTRY,
    RIGHTS,
    TrytonCalls,
    fields_of,
)
from lineshaft.connector.adapters.protocols.tryton_domain import CURSOR_FIELDS, domain_of
from lineshaft.connector.adapters.protocols.tryton_fields import (
    described,
    right_to,
)
from lineshaft.connector.adapters.protocols.tryton_values import to_tryton
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import OF_THE_CONNECTION, Evidence, SourceFailureError, refused
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

WHO_AM_I = "model.res.user.get_preferences"
CONTEXT = {"active_test": False, "language": LANGUAGE}
"""Records that were made inactive are read too, so that their change is seen."""


class TrytonJsonRpc:
    """Settings `base_url` and `database`, credentials `username` and `password`."""

    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock = now) -> None:
        self._target = target
        self._manifest = target.system.manifest
        self._calls = TrytonCalls(target, http, sessions, clock)
        self._clock = clock
        self._fields: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        self.host = self._calls.host

    async def verify(self) -> Verified:
        user_id = await self._calls.user_id()
        await self._calls.call(Operation.VERIFY, WHO_AM_I, [True, {}])
        account = self._target.account(user_id=user_id)
        return Verified(account_id=account, account_label=self._calls.user)

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        descriptions = []
        for name in objects:
            _, result = await self._calls.call(
                Operation.DESCRIBE, f"model.{name}.fields_get", [[], CONTEXT], object_name=name
            )
            _, registered = await self._calls.call(
                Operation.DESCRIBE, REGISTRY, fields_of(name), object_name=name
            )
            descriptions.append(described(name, msgspec.json.decode(result), msgspec.json.decode(registered)))
        return descriptions

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        window = Window.parse(cursor)
        listed = self._manifest.listed(object_name)
        most = limit or listed.page_size or self._manifest.limits.page_size
        domain = [*domain_of(window), *([listed.filter] if listed.filter else [])]
        answer, rows = await self._calls.call(
            Operation.READ,
            f"model.{object_name}.search_read",
            [domain, 0, most, [["id", "ASC"]], list(dict.fromkeys([*fields, *CURSOR_FIELDS])), CONTEXT],
            object_name=object_name,
            fields=fields,
        )
        try:
            records = cut(rows)
            following = advanced(window, records, answer.sent_at(self._clock()))
        except UNREADABLE as error:
            raise unfit(answer, object_name, error) from error
        # a page that is not full may have been cut by the source
        if records:
            return Page(records, following.dump(), last=False)
        return Page(
            records, following.next_sync(listed.cursor.overlap_s) if listed.cursor else None, last=True
        )

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        given = await self._given(object_name, values) if values else {}
        arguments: list[Any] = [[given]]
        if operation is not WriteOperation.CREATE:
            arguments = [[int(source_id or 0)]]
            if operation is WriteOperation.UPDATE:
                arguments.append(given)
        method = "write" if operation is WriteOperation.UPDATE else operation.value
        _, result = await self._calls.call(
            Operation.WRITE,
            f"model.{object_name}.{method}",
            [*arguments, await self._acting_for()],
            object_name=object_name,
            right=operation.value if operation is not WriteOperation.UPDATE else "write",
        )
        if operation is WriteOperation.CREATE:
            source_id = str(msgspec.json.decode(result)[0])
        return Written(str(source_id))

    async def find(
        self, object_name: str, fields: Sequence[str], match: Mapping[str, Any]
    ) -> Sequence[bytes] | None:
        listed = self._manifest.listed(object_name)
        numbers = listed.key if listed.key_type == "integer" else ()
        domain = [[name, "=", int(value) if name in numbers else value] for name, value in match.items()]
        _, rows = await self._calls.call(
            Operation.READ,
            f"model.{object_name}.search_read",
            [domain, 0, 2, None, list(dict.fromkeys([*fields, *CURSOR_FIELDS])), CONTEXT],
            object_name=object_name,
            fields=fields,
        )
        return cut(rows)

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        by_object: dict[str, list[Need]] = {}
        for need in needs:
            by_object.setdefault(need.object, []).append(need)
        found: dict[Need, Right] = {}
        for name, wanted in by_object.items():
            try:
                found |= await self._rights_to(name, wanted)
            except SourceFailureError as failure:
                if failure.evidence.outcome in OF_THE_CONNECTION:
                    raise
                found |= dict.fromkeys(wanted, right_of(failure))
        return found

    async def _rights_to(self, name: str, needs: Sequence[Need]) -> dict[Need, Right]:
        (description,) = await self.describe([name])
        related = [field.relation for field in description.fields if field.relation]
        _, access = await self._calls.call(
            Operation.DESCRIBE, RIGHTS, [list(dict.fromkeys([name, *related])), {}], object_name=name
        )
        rights = msgspec.json.decode(access)
        return {need: right_to(need, description, rights) for need in needs}

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._calls.evidence(answer, Operation.READ)

    async def aclose(self) -> None:
        """Nothing is held: the session is shared, its HTTP connections are too."""

    async def _given(self, object_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await to_tryton(object_name, values, self._fields_get, self._find_one)
        except ValueError as error:
            raise refused(object_name, "unfit_value", str(error)) from error

    async def _acting_for(self) -> dict[str, Any]:
        """The context of a write: Tryton's defaults and rules go by the company of the user."""
        _, result = await self._calls.call(Operation.DESCRIBE, WHO_AM_I, [True, {}])
        preferences = msgspec.json.decode(result)
        company = preferences.get("company")
        return CONTEXT if company is None else {**CONTEXT, "company": company}

    async def _fields_get(self, model: str) -> Mapping[str, Mapping[str, Any]]:
        if model not in self._fields:
            _, result = await self._calls.call(
                Operation.DESCRIBE, f"model.{model}.fields_get", [[], CONTEXT], object_name=model
            )
            self._fields[model] = msgspec.json.decode(result)
        return self._fields[model]

    async def _find_one(self, model: str, field: str, value: Any) -> int:
        _, result = await self._calls.call(
            Operation.READ,
            f"model.{model}.search",
            [[[field, "=", value]], 0, 2, None, CONTEXT],
            object_name=model,
        )
        found: list[int] = msgspec.json.decode(result)
        if len(found) != 1:
            count = "no" if not found else "more than one"
            message = f'{count} {model} has "{field}" {value!r}'
            raise refused(model, "not_one_record", message)
        return found[0]
