"""Odoo's models, read and written the same way over both of its interfaces: see `OdooCalls`."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Protocol

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock, now
from lineshaft.common.outcomes import Grant, Operation, Outcome, Verb
from lineshaft.connector.adapters.http import Answer, NoAnswerError
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE
from lineshaft.connector.adapters.protocols.id_window import advanced, after
from lineshaft.connector.adapters.protocols.odoo_records import described, plain, records_of, to_odoo
from lineshaft.connector.adapters.protocols.paging import unfit
from lineshaft.connector.adapters.protocols.read_rights import right_of
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import OF_THE_CONNECTION, Evidence, SourceFailureError, shortened
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

CONTEXT = {"active_test": False, "lang": "en_US"}
"""Records that were archived are read too, so that their change is seen."""
RIGHTS = {Verb.READ: "read", Verb.CREATE: "create", Verb.UPDATE: "write", Verb.DELETE: "unlink"}
LISTS = ("one2many", "many2many")
OF_EACH_RELATED = ("id", "display_name")
MOST_LINES = 1_000
FACTS = ["string", "type", "relation", "required", "readonly", "store", "selection", "manual"]


Lines = tuple[str, Sequence[str]]
"""The model of records within a record, and the fields that are wanted of them."""


class OdooCalls(Protocol):
    host: str

    async def user(self) -> int:
        """The id of the user that the credentials open."""

    async def call(
        self,
        operation: Operation,
        model: str,
        method: str,
        ids: Sequence[int] = (),
        /,
        **named: Any,
    ) -> tuple[Answer, msgspec.Raw]:
        """Raises `SourceFailureError` for every outcome but ok."""

    async def allowed(self, model: str, right: str) -> bool:
        """Whether the user has this right to the model as a whole."""

    def evidence(self, answer: Answer | NoAnswerError, operation: Operation) -> Evidence: ...


class Odoo:
    def __init__(self, target: Target, calls: OdooCalls, clock: Clock = now) -> None:
        self._target = target
        self._manifest = target.system.manifest
        self._calls = calls
        self._lines: dict[tuple[str, ...], dict[str, Lines]] = {}
        """By the object and the fields that were asked for."""
        self._clock = clock
        self.host = calls.host

    async def verify(self) -> Verified:
        user_id = await self._calls.user()
        _, result = await self._calls.call(Operation.VERIFY, "res.users", "read", [user_id], fields=["login"])
        login = msgspec.json.decode(result)[0]["login"]
        account = self._target.account(user_id=user_id)
        return Verified(account_id=account, account_label=str(login))

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        descriptions = []
        for name in objects:
            _, fields = await self._calls.call(
                Operation.DESCRIBE, name, "fields_get", allfields=None, attributes=FACTS
            )
            descriptions.append(described(name, msgspec.json.decode(fields)))
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
        restricted = listed.filter if isinstance(listed.filter, list) else []
        wanted = _names(fields)
        lines = await self._lines_of(object_name, fields)
        answer, result = await self._calls.call(
            Operation.READ,
            object_name,
            "search_read",
            domain=[*_domain(window, list(lines)), *restricted],
            fields=wanted,
            limit=most,
            order="id asc",
            context=CONTEXT,
        )
        rows = exact_json.decode(result)
        _require_fields(answer, object_name, rows, wanted)
        for name, (model, inner) in lines.items():
            await self._put_in_lines(rows, name, model, inner)
        records = records_of(rows)
        try:
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
        ids = [int(source_id)] if source_id is not None else []
        match operation:
            case WriteOperation.CREATE:
                _, result = await self._calls.call(
                    Operation.WRITE, object_name, "create", vals_list=[to_odoo(values)]
                )
                made = msgspec.json.decode(result)
                source_id = str(made[0] if isinstance(made, list) else made)
            case WriteOperation.UPDATE:
                await self._calls.call(Operation.WRITE, object_name, "write", ids, vals=to_odoo(values))
            case WriteOperation.DELETE:
                await self._calls.call(Operation.WRITE, object_name, "unlink", ids)
        return Written(str(source_id))

    async def find(
        self, object_name: str, fields: Sequence[str], match: Mapping[str, Any]
    ) -> Sequence[bytes] | None:
        listed = self._manifest.listed(object_name)
        numbers = listed.key if listed.key_type == "integer" else ()
        domain = [[name, "=", int(value) if name in numbers else value] for name, value in match.items()]
        _, result = await self._calls.call(
            Operation.READ,
            object_name,
            "search_read",
            domain=domain,
            fields=_names(fields),
            limit=2,
            context=CONTEXT,
        )
        rows = exact_json.decode(result)
        for name, (model, inner) in (await self._lines_of(object_name, fields)).items():
            await self._put_in_lines(rows, name, model, inner)
        return records_of(rows)

    async def _lines_of(self, object_name: str, fields: Sequence[str]) -> dict[str, Lines]:
        """Fields that hold records of another model, of which more is wanted than their names."""
        inner: dict[str, list[str]] = {}
        for field in fields:
            head, _, rest = field.partition(".")
            if rest and rest not in OF_EACH_RELATED:
                inner.setdefault(head, []).append(rest)
        if not inner:
            return {}
        key = (object_name, *fields)
        if key not in self._lines:
            facts = await self._facts(object_name, [*inner])
            models = {
                name: one["relation"] for name in inner if (one := facts.get(name, {})).get("type") in LISTS
            }
            self._lines[key] = {
                name: (model, await self._known(model, inner[name])) for name, model in models.items()
            }
        return self._lines[key]

    async def _known(self, model: str, fields: Sequence[str]) -> list[str]:
        """Those that this database has: the others are of other versions."""
        facts = await self._facts(model, _names(fields))
        return [name for name in fields if name.partition(".")[0] in facts]

    async def _facts(self, model: str, fields: Sequence[str]) -> dict[str, dict[str, Any]]:
        attributes = ["type", "relation"]
        _, result = await self._calls.call(
            Operation.DESCRIBE, model, "fields_get", allfields=fields, attributes=attributes
        )
        facts: dict[str, dict[str, Any]] = msgspec.json.decode(result)
        return facts

    async def _put_in_lines(
        self, rows: Sequence[dict[str, Any]], field: str, model: str, inner: Sequence[str]
    ) -> None:
        """The records in place of their ids, in the same order."""
        ids = [one for row in rows for one in row.get(field) or ()]
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(ids), MOST_LINES):
            part = ids[start : start + MOST_LINES]
            _, result = await self._calls.call(
                Operation.READ,
                model,
                "search_read",
                domain=[["id", "in", part]],
                fields=_names(inner),
                context=CONTEXT,
            )
            found |= {line["id"]: line for line in exact_json.decode(result)}
        for row in rows:
            row[field] = [plain(found[one]) for one in row.get(field) or () if one in found]

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        """Of objects as a whole: fields that are kept for some groups are left out where they are listed."""
        found: dict[Need, Right] = {}
        for need in needs:
            try:
                allowed = await self._calls.allowed(need.object, RIGHTS[need.verb])
            except SourceFailureError as failure:
                if failure.evidence.outcome in OF_THE_CONNECTION:
                    raise
                found[need] = right_of(failure)
            else:
                found[need] = Right(Grant.GRANTED if allowed else Grant.DENIED)
        return found

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._calls.evidence(answer, Operation.READ)

    async def aclose(self) -> None:
        """Nothing is held: the user's id is shared, HTTP connections are too."""


def _domain(window: Window, lines: Sequence[str]) -> list[Any]:
    """A line can change while the record that it belongs to does not."""
    clauses: list[Any] = [["id", ">", after(window)]]
    if window.since is not None:
        since = window.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        clauses += ["|"] * len(lines)
        clauses.append(["write_date", ">=", since])
        clauses += [[f"{name}.write_date", ">=", since] for name in lines]
    return clauses


def _require_fields(
    answer: Answer, object_name: str, rows: Sequence[Mapping[str, Any]], wanted: Sequence[str]
) -> None:
    """Odoo leaves out what it does not know, without a word: going on would empty what was read before."""
    missing = [name for name in wanted if name not in rows[0]] if rows else []
    if missing:
        words = f"fields that are no longer there: {', '.join(missing)}"
        raise SourceFailureError(
            Evidence(
                Outcome.CONFIGURATION_ERROR,
                Operation.READ,
                object_name,
                http_status=answer.status,
                code="fields_missing",
                message=shortened(words),
                duration_ms=answer.duration_ms,
            )
        )


def _names(fields: Sequence[str]) -> list[str]:
    """Of the fields themselves: a related record comes with its name."""
    return list(dict.fromkeys(["id", *(name.split(".", 1)[0] for name in fields)]))
