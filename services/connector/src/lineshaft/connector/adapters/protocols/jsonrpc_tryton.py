"""Tryton over JSON-RPC: `POST /<database>/rpc/` since 8.0, `POST /<database>/` before."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock, now
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE
from lineshaft.connector.adapters.protocols.id_window import advanced, cut
from lineshaft.connector.adapters.protocols.paging import unfit
from lineshaft.connector.adapters.protocols.read_rights import right_of
from lineshaft.connector.adapters.protocols.target import Target, host_and_port
from lineshaft.connector.adapters.protocols.tryton_answers import (
    KEY_ERROR,
    REQUEST_ID,
    USER_ERROR,
    Reading,
    Undecoded,
    evidence_of,
    take_apart,
)
from lineshaft.connector.adapters.protocols.tryton_domain import CURSOR_FIELDS, domain_of
from lineshaft.connector.adapters.protocols.tryton_fields import (
    denied_objects,
    described,
    related_objects,
    right_to,
)
from lineshaft.connector.adapters.protocols.tryton_values import to_tryton
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.evidence import OF_THE_CONNECTION, Evidence, SourceFailureError
from lineshaft.connector.domain.fields import sole
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
from lineshaft.connector.domain.sessions import Session, Sessions

PATHS = ("/{database}/rpc/", "/{database}/")
WHO_AM_I = "model.res.user.get_preferences"
REGISTRY = "model.ir.model.field.search_read"
RIGHTS = "model.ir.model.access.get_access"
LANGUAGE = "en"
CONTEXT = {"active_test": False, "language": LANGUAGE}
"""Records that were made inactive are read too, so that their change is seen."""

_UNAUTHORIZED = 401
_WRONG_PATH = 405


class _OpenSession(msgspec.Struct):
    path: str
    user_id: int
    token: str


class TrytonJsonRpc:
    """Settings `base_url` and `database`, credentials `username` and `password`."""

    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock = now) -> None:
        self._target = target
        self._manifest = target.system.manifest
        self._http = http
        self._sessions = sessions
        self._clock = clock
        self._tokens: set[str] = set()
        self._fields: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        self._url = str(target.settings["base_url"]).rstrip("/")
        self._database = quote(str(target.settings["database"]), safe="")
        self._user = target.credentials["username"]
        self.host = host_and_port(self._url)

    async def verify(self) -> Verified:
        session = await self._sessions.get(self._login)
        await self._call(Operation.VERIFY, WHO_AM_I, [True, {}])
        opened = msgspec.json.decode(session.secret, type=_OpenSession)
        account = self._manifest.verify.account.format_map(
            {**self._target.settings, "user_id": opened.user_id}
        )
        return Verified(account_id=account, account_label=self._user)

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        descriptions = []
        for name in objects:
            _, result = await self._call(
                Operation.DESCRIBE, f"model.{name}.fields_get", [[], CONTEXT], object_name=name
            )
            _, registered = await self._call(Operation.DESCRIBE, REGISTRY, _fields_of(name), object_name=name)
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
        listed = self._manifest.objects.get(object_name) or SourceObject(label=object_name)
        most = limit or listed.page_size or self._manifest.limits.page_size
        domain = [*domain_of(window), *([listed.filter] if listed.filter else [])]
        answer, rows = await self._call(
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
        _, result = await self._call(
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
        listed = self._manifest.objects.get(object_name) or SourceObject(label=object_name)
        numbers = listed.key if listed.key_type == "integer" else ()
        domain = [[name, "=", int(value) if name in numbers else value] for name, value in match.items()]
        _, rows = await self._call(
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
        _, access = await self._call(
            Operation.DESCRIBE, RIGHTS, [list(dict.fromkeys([name, *related])), {}], object_name=name
        )
        rights = msgspec.json.decode(access)
        return {need: right_to(need, description, rights) for need in needs}

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._evidence(answer, Operation.READ)

    async def aclose(self) -> None:
        """Nothing is held: the session is shared, its HTTP connections are too."""

    async def _given(self, object_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await to_tryton(object_name, values, self._fields_get, self._find_one)
        except ValueError as error:
            raise SourceFailureError(_invalid(object_name, "unfit_value", str(error))) from error

    async def _acting_for(self) -> dict[str, Any]:
        """The context of a write: Tryton's defaults and rules go by the company of the user."""
        _, result = await self._call(Operation.DESCRIBE, WHO_AM_I, [True, {}])
        preferences = msgspec.json.decode(result)
        company = preferences.get("company")
        return CONTEXT if company is None else {**CONTEXT, "company": company}

    async def _fields_get(self, model: str) -> Mapping[str, Mapping[str, Any]]:
        if model not in self._fields:
            _, result = await self._call(
                Operation.DESCRIBE, f"model.{model}.fields_get", [[], CONTEXT], object_name=model
            )
            self._fields[model] = msgspec.json.decode(result)
        return self._fields[model]

    async def _find_one(self, model: str, field: str, value: Any) -> int:
        _, result = await self._call(
            Operation.READ,
            f"model.{model}.search",
            [[[field, "=", value]], 0, 2, None, CONTEXT],
            object_name=model,
        )
        found: list[int] = msgspec.json.decode(result)
        if len(found) != 1:
            count = "no" if not found else "more than one"
            message = f'{count} {model} has "{field}" {value!r}'
            raise SourceFailureError(_invalid(model, "not_one_record", message))
        return found[0]

    async def _call(
        self,
        operation: Operation,
        method: str,
        params: Sequence[Any],
        *,
        object_name: str | None = None,
        fields: Sequence[str] = (),
        right: str = "read",
    ) -> tuple[Answer, Undecoded]:
        """One call, with one fresh login and one more try where the session is refused."""
        session = await self._sessions.get(self._login)
        answer = await self._post(session, method, params, operation, object_name)
        fresh = answer.status == _UNAUTHORIZED
        if fresh:
            session = await self._sessions.renew(session, self._login)
            answer = await self._post(session, method, params, operation, object_name)
        reading = take_apart(answer)
        evidence = self._evidence(answer, operation, object_name, fresh_session=fresh, reading=reading)
        if evidence.outcome is Outcome.OK and reading.result is not None:
            return answer, reading.result
        if reading.code == USER_ERROR and object_name is not None:
            evidence = await self._asked_for_rights(evidence, session, object_name, fields, right)
        if reading.code == KEY_ERROR and object_name is not None:
            evidence = await self._asked_for_fields(evidence, session, object_name, fields)
        raise SourceFailureError(evidence)

    async def _asked_for_rights(
        self, evidence: Evidence, session: Session, object_name: str, fields: Sequence[str], right: str
    ) -> Evidence:
        """A UserError is a refusal only if the access table of the source says so."""
        concerned = [object_name]
        related = tuple(name.split(".", 1)[0] for name in fields if "." in name)
        if related:
            registered = await self._asked(session, REGISTRY, _fields_of(object_name), evidence)
            concerned += related_objects(registered or [], related)
        rights = await self._asked(session, RIGHTS, [concerned, {}], evidence)
        if rights is None:
            return evidence
        denied = denied_objects(rights, object_name, right)
        if denied:
            words = f"{evidence.message} (no {right} access to {', '.join(denied)})"
            return replace(evidence, outcome=Outcome.PERMISSION_DENIED, message=words, confidence="high")
        return replace(evidence, confidence="high" if evidence.operation is Operation.WRITE else "low")

    async def _asked_for_fields(
        self, evidence: Evidence, session: Session, object_name: str, fields: Sequence[str]
    ) -> Evidence:
        """A KeyError is of an object or of a field; the registry of the source says which."""
        registered = await self._asked(session, REGISTRY, _fields_of(object_name), evidence)
        if registered is None:
            return evidence
        if not registered:
            return replace(evidence, code="unknown_object")
        known = {field["name"] for field in registered}
        gone = [name for name in dict.fromkeys(fields) if name.split(".", 1)[0] not in known]
        return replace(evidence, code="unknown_field", field=sole(gone)) if gone else evidence

    async def _asked(self, session: Session, method: str, params: Sequence[Any], about: Evidence) -> Any:
        """The result of a call that only explains another one; None where it fails too."""
        try:
            answer = await self._post(session, method, params, about.operation, about.object)
        except SourceFailureError:
            return None
        result = take_apart(answer).result
        return None if result is None else msgspec.json.decode(result)

    async def _login(self, _: bytes | None) -> bytes:
        """Log in on the path that this version of Tryton serves."""
        params = [self._user, {"password": self._target.credentials["password"]}, LANGUAGE]
        for path in self._paths():
            answer = await self._send(path, _request("common.db.login", params), {}, Operation.LOGIN, None)
            if answer.status != _WRONG_PATH:
                break
        reading = take_apart(answer)
        evidence = self._evidence(answer, Operation.LOGIN, reading=reading)
        result = reading.result
        if evidence.outcome is not Outcome.OK or result is None:
            raise SourceFailureError(evidence)
        user_id, token, *_ = msgspec.json.decode(result)
        return msgspec.json.encode(_OpenSession(path, user_id, token))

    def _paths(self) -> list[str]:
        templates = self._manifest.options.get("rpc_paths")
        chosen = templates if isinstance(templates, list) else PATHS
        return [str(template).format(database=self._database) for template in chosen]

    async def _post(
        self,
        session: Session,
        method: str,
        params: Sequence[Any],
        operation: Operation,
        object_name: str | None,
    ) -> Answer:
        opened = msgspec.json.decode(session.secret, type=_OpenSession)
        self._tokens.add(opened.token)
        token = f"{self._user}:{opened.user_id}:{opened.token}".encode()
        authorization = {"authorization": f"Session {base64.b64encode(token).decode()}"}
        return await self._send(opened.path, _request(method, params), authorization, operation, object_name)

    async def _send(
        self,
        path: str,
        content: bytes,
        headers: Mapping[str, str],
        operation: Operation,
        object_name: str | None,
    ) -> Answer:
        try:
            return await self._http.post(
                self._url + path,
                content,
                {"content-type": "application/json", **headers},
                seconds=self._manifest.limits.timeout_s,
            )
        except NoAnswerError as error:
            raise SourceFailureError(self._evidence(error, operation, object_name)) from error

    def _evidence(
        self,
        answer: Answer | NoAnswerError,
        operation: Operation,
        object_name: str | None = None,
        *,
        fresh_session: bool = False,
        reading: Reading | None = None,
    ) -> Evidence:
        return evidence_of(
            answer,
            operation,
            now=self._clock(),
            object_name=object_name,
            rules=self._manifest.errors,
            secrets=(*self._target.secrets, *self._tokens),
            fresh_session=fresh_session,
            reading=reading,
        )


def _fields_of(object_name: str) -> list[Any]:
    return [[["model", "=", object_name]], 0, None, None, ["name", "ttype", "relation"], {}]


def _invalid(object_name: str, code: str, message: str) -> Evidence:
    return Evidence(Outcome.INVALID_REQUEST, Operation.WRITE, object_name, code=code, message=message)


def _request(method: str, params: Sequence[Any]) -> bytes:
    return exact_json.encode({"id": REQUEST_ID, "method": method, "params": params})
