"""Calls of Tryton: the session they need, and what a refusal is about, where only a second call tells."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock
from lineshaft.common.integrations.options import TrytonOptions
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.jsonrpc import JsonRpc, Undecoded
from lineshaft.connector.adapters.protocols.target import Target, host_and_port
from lineshaft.connector.adapters.protocols.tryton_answers import (
    KEY_ERROR,
    REQUEST_ID,
    USER_ERROR,
    evidence_of,
    take_apart,
)
from lineshaft.connector.adapters.protocols.tryton_fields import denied_objects, related_objects
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.fields import sole
from lineshaft.connector.domain.sessions import Session, Sessions

REGISTRY = "model.ir.model.field.search_read"
RIGHTS = "model.ir.model.access.get_access"
LANGUAGE = "en"

_UNAUTHORIZED = 401
_WRONG_PATH = 405


class _OpenSession(msgspec.Struct):
    path: str
    user_id: int
    token: str


class TrytonCalls:
    """Settings `base_url` and `database`, credentials `username` and `password`."""

    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock) -> None:
        self._rpc = JsonRpc(target, http, clock, evidence_of)
        self._options = TrytonOptions.of(target.system.manifest)
        self._sessions = sessions
        self._database = quote(str(target.settings["database"]), safe="")
        self._password = target.credentials["password"]
        self.user = target.credentials["username"]
        self.host = host_and_port(self._rpc.url)

    async def user_id(self) -> int:
        session = await self._sessions.get(self._login)
        return msgspec.json.decode(session.secret, type=_OpenSession).user_id

    async def call(
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
        evidence = self._rpc.evidence(answer, operation, object_name, fresh_login=fresh, reading=reading)
        if evidence.outcome is Outcome.OK and reading.result is not None:
            return answer, reading.result
        if reading.code == USER_ERROR and object_name is not None:
            evidence = await self._asked_for_rights(evidence, session, object_name, fields, right)
        if reading.code == KEY_ERROR and object_name is not None:
            evidence = await self._asked_for_fields(evidence, session, object_name, fields)
        raise SourceFailureError(evidence)

    def evidence(self, answer: Answer | NoAnswerError, operation: Operation) -> Evidence:
        return self._rpc.evidence(answer, operation)

    async def _asked_for_rights(
        self, evidence: Evidence, session: Session, object_name: str, fields: Sequence[str], right: str
    ) -> Evidence:
        """A UserError is a refusal only if the access table of the source says so."""
        concerned = [object_name]
        related = tuple(name.split(".", 1)[0] for name in fields if "." in name)
        if related:
            registered = await self._asked(session, REGISTRY, fields_of(object_name), evidence)
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
        registered = await self._asked(session, REGISTRY, fields_of(object_name), evidence)
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
        params = [self.user, {"password": self._password}, LANGUAGE]
        for path in self._paths():
            answer = await self._rpc.post(path, _request("common.db.login", params), Operation.LOGIN, None)
            if answer.status != _WRONG_PATH:
                break
        reading = take_apart(answer)
        evidence = self._rpc.evidence(answer, Operation.LOGIN, reading=reading)
        result = reading.result
        if evidence.outcome is not Outcome.OK or result is None:
            raise SourceFailureError(evidence)
        user_id, token, *_ = msgspec.json.decode(result)
        return msgspec.json.encode(_OpenSession(path, user_id, token))

    def _paths(self) -> list[str]:
        return [template.format(database=self._database) for template in self._options.rpc_paths]

    async def _post(
        self,
        session: Session,
        method: str,
        params: Sequence[Any],
        operation: Operation,
        object_name: str | None,
    ) -> Answer:
        opened = msgspec.json.decode(session.secret, type=_OpenSession)
        self._rpc.hide(opened.token)
        token = f"{self.user}:{opened.user_id}:{opened.token}".encode()
        authorization = {"authorization": f"Session {base64.b64encode(token).decode()}"}
        return await self._rpc.post(
            opened.path, _request(method, params), operation, object_name, authorization
        )


def fields_of(object_name: str) -> list[Any]:
    return [[["model", "=", object_name]], 0, None, None, ["name", "ttype", "relation"], {}]


def _request(method: str, params: Sequence[Any]) -> bytes:
    return exact_json.encode({"id": REQUEST_ID, "method": method, "params": params})
