"""Odoo's older interface, `POST /jsonrpc`: each call with user id and password.

Deprecated by Odoo 19 and to go in 22.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock, now
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.jsonrpc import JsonRpc
from lineshaft.connector.adapters.protocols.odoo_answers import (
    ACCESS_DENIED,
    evidence_of,
    login_refused,
    take_apart,
)
from lineshaft.connector.adapters.protocols.target import Target, host_and_port
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.sessions import Session, Sessions

PATH = "/jsonrpc"
POSITIONS = {
    "search_read": "domain",
    "fields_get": "allfields",
    "read": "fields",
    "write": "vals",
    "check_access_rights": "operation",
}
"""The one argument that each method takes by its place, after the ids where it has some."""


class OdooRpc:
    """Settings `base_url` and `database`, credentials `username` and `password`.

    What the session keeps is the user's id, which a login gives; the password goes with every call.
    """

    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock = now) -> None:
        self._target = target
        self._rpc = JsonRpc(target, http, clock, evidence_of)
        self._sessions = sessions
        self._database = str(target.settings["database"])
        self._user = target.credentials["username"]
        self.host = host_and_port(self._rpc.url)

    async def user(self) -> int:
        return int((await self._sessions.get(self._login)).secret)

    async def call(
        self,
        operation: Operation,
        model: str,
        method: str,
        ids: Sequence[int] = (),
        /,
        **named: Any,
    ) -> tuple[Answer, msgspec.Raw]:
        """One call, with one fresh login and one more try where user and password are refused."""
        placed = [list(ids)] if ids else []
        if method == "create":
            placed += named.pop("vals_list")
        elif method in POSITIONS:
            placed.append(named.pop(POSITIONS[method]))
        parameters = [model, method, placed, *([named] if named else [])]
        session = await self._sessions.get(self._login)
        answer = await self._execute(session, parameters, operation)
        reading = take_apart(answer)
        fresh = reading.code == ACCESS_DENIED
        if fresh:
            session = await self._sessions.renew(session, self._login)
            answer = await self._execute(session, parameters, operation)
            reading = take_apart(answer)
        about = None if operation is Operation.VERIFY else model
        evidence = self._rpc.evidence(answer, operation, about, fresh_login=fresh, reading=reading)
        if evidence.outcome is Outcome.OK and isinstance(reading.result, msgspec.Raw):
            return answer, reading.result
        raise SourceFailureError(evidence)

    async def allowed(self, model: str, right: str) -> bool:
        _, result = await self.call(
            Operation.DESCRIBE, model, "check_access_rights", operation=right, raise_exception=False
        )
        return bool(msgspec.json.decode(result))

    def evidence(self, answer: Answer | NoAnswerError, operation: Operation) -> Evidence:
        return self._rpc.evidence(answer, operation)

    async def _execute(self, session: Session, parameters: Sequence[Any], operation: Operation) -> Answer:
        """`parameters`: the object, the method, its arguments."""
        password = self._target.credentials["password"]
        identity = [self._database, int(session.secret), password]
        return await self._send("object", "execute_kw", [*identity, *parameters], operation, parameters[0])

    async def _login(self, _: bytes | None) -> bytes:
        """The id of the user."""
        parameters = [self._database, self._user, self._target.credentials["password"], {}]
        answer = await self._send("common", "authenticate", parameters, Operation.LOGIN, None)
        reading = login_refused(take_apart(answer))
        evidence = self._rpc.evidence(answer, Operation.LOGIN, reading=reading)
        if evidence.outcome is not Outcome.OK or reading.result is None:
            raise SourceFailureError(evidence)
        return str(msgspec.json.decode(reading.result, type=int)).encode()

    async def _send(
        self,
        service: str,
        method: str,
        parameters: Sequence[Any],
        operation: Operation,
        object_name: str | None,
    ) -> Answer:
        call = {"service": service, "method": method, "args": parameters}
        content = exact_json.encode({"jsonrpc": "2.0", "id": 1, "method": "call", "params": call})
        return await self._rpc.post(PATH, content, operation, object_name)
