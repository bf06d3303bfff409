"""Odoo over its external JSON-RPC: `POST /jsonrpc`, each call with user id and password."""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any

import msgspec
import orjson

from lineshaft.common.clock import Clock, now
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.outcomes import Grant, Operation, Outcome, Verb
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.id_window import PageRepeatedError, Window, advanced
from lineshaft.connector.adapters.protocols.odoo_answers import (
    ACCESS_DENIED,
    Reading,
    evidence_of,
    login_refused,
    take_apart,
)
from lineshaft.connector.adapters.protocols.odoo_records import described, records_of, to_odoo
from lineshaft.connector.adapters.protocols.read_rights import right_of
from lineshaft.connector.adapters.protocols.target import Target, host_and_port
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
from lineshaft.connector.domain.sessions import Session, Sessions

PATH = "/jsonrpc"
CONTEXT = {"active_test": False, "lang": "en_US"}
"""Records that were archived are read too, so that their change is seen."""
FACTS = ["string", "type", "relation", "required", "readonly", "store"]
RIGHTS = {Verb.READ: "read", Verb.CREATE: "create", Verb.UPDATE: "write", Verb.DELETE: "unlink"}
METHODS = {
    WriteOperation.CREATE: "create",
    WriteOperation.UPDATE: "write",
    WriteOperation.DELETE: "unlink",
}


class OdooJsonRpc:
    """Settings `base_url` and `database`, credentials `username` and `password`.

    What the session keeps is the user's id, which a login gives; the password goes with every call.
    """

    def __init__(self, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock = now) -> None:
        self._target = target
        self._manifest = target.system.manifest
        self._http = http
        self._sessions = sessions
        self._clock = clock
        self._url = str(target.settings["base_url"]).rstrip("/")
        self._database = str(target.settings["database"])
        self._user = target.credentials["username"]
        self.host = host_and_port(self._url)

    async def verify(self) -> Verified:
        session = await self._sessions.get(self._login)
        user_id = int(session.secret)
        await self._call(Operation.VERIFY, "res.users", "read", [[user_id], ["login"]])
        account = self._manifest.verify.account.format_map({**self._target.settings, "user_id": user_id})
        return Verified(account_id=account, account_label=self._user)

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        descriptions = []
        for name in objects:
            _, fields = await self._call(Operation.DESCRIBE, name, "fields_get", [[]], {"attributes": FACTS})
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
        listed = self._manifest.objects.get(object_name) or SourceObject(label=object_name)
        most = limit or listed.page_size or self._manifest.limits.page_size
        restricted = listed.filter if isinstance(listed.filter, list) else []
        wanted = _names(fields)
        answer, result = await self._call(
            Operation.READ,
            object_name,
            "search_read",
            [[*_domain(window), *restricted]],
            {"fields": wanted, "limit": most, "order": "id asc", "context": CONTEXT},
        )
        rows = msgspec.json.decode(result)
        _require_fields(answer, object_name, rows, wanted)
        records = records_of(rows)
        try:
            following = advanced(window, records, answer.sent_at(self._clock()))
        except (msgspec.DecodeError, PageRepeatedError) as error:
            raise _unfit(answer, object_name, Outcome.SOURCE_ERROR, "unusable_page", str(error)) from error
        last = len(records) < most
        if not last:
            return Page(records, following.next_page(), last)
        overlap = timedelta(seconds=listed.cursor.overlap_s) if listed.cursor else None
        return Page(records, following.next_sync(overlap) if overlap is not None else None, last)

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        known = [[int(source_id)]] if source_id is not None else []
        given = [] if operation is WriteOperation.DELETE else [to_odoo(values)]
        _, result = await self._call(Operation.WRITE, object_name, METHODS[operation], [*known, *given])
        if operation is WriteOperation.CREATE:
            source_id = str(msgspec.json.decode(result))
        return Written(str(source_id))

    async def find(
        self, object_name: str, fields: Sequence[str], match: Mapping[str, Any]
    ) -> Sequence[bytes] | None:
        listed = self._manifest.objects.get(object_name) or SourceObject(label=object_name)
        numbers = listed.key if listed.key_type == "integer" else ()
        domain = [[name, "=", int(value) if name in numbers else value] for name, value in match.items()]
        _, result = await self._call(
            Operation.READ,
            object_name,
            "search_read",
            [domain],
            {"fields": _names(fields), "limit": 2, "context": CONTEXT},
        )
        return records_of(msgspec.json.decode(result))

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        """Of objects as a whole: fields that are kept for some groups are left out where they are listed."""
        found: dict[Need, Right] = {}
        for need in needs:
            try:
                _, allowed = await self._call(
                    Operation.DESCRIBE,
                    need.object,
                    "check_access_rights",
                    [RIGHTS[need.verb]],
                    {"raise_exception": False},
                )
            except SourceFailureError as failure:
                if failure.evidence.outcome in OF_THE_CONNECTION:
                    raise
                found[need] = right_of(failure)
            else:
                found[need] = Right(Grant.GRANTED if msgspec.json.decode(allowed) else Grant.DENIED)
        return found

    def classify(self, answer: Answer | NoAnswerError) -> Evidence:
        return self._evidence(answer, Operation.READ)

    async def aclose(self) -> None:
        """Nothing is held: the user's id is shared, HTTP connections are too."""

    async def _call(
        self,
        operation: Operation,
        object_name: str,
        method: str,
        arguments: Sequence[Any],
        options: Mapping[str, Any] | None = None,
    ) -> tuple[Answer, msgspec.Raw]:
        """One call, with one fresh login and one more try where user and password are refused."""
        parameters = [object_name, method, arguments, *([] if options is None else [dict(options)])]
        session = await self._sessions.get(self._login)
        answer = await self._execute(session, parameters, operation)
        reading = take_apart(answer)
        fresh = reading.code == ACCESS_DENIED
        if fresh:
            session = await self._sessions.renew(session, self._login)
            answer = await self._execute(session, parameters, operation)
            reading = take_apart(answer)
        named = None if operation is Operation.VERIFY else object_name
        evidence = self._evidence(answer, operation, named, fresh_login=fresh, reading=reading)
        if evidence.outcome is Outcome.OK and reading.result is not None:
            return answer, reading.result
        raise SourceFailureError(evidence)

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
        evidence = self._evidence(answer, Operation.LOGIN, reading=reading)
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
        content = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "call", "params": call})
        try:
            return await self._http.post(
                self._url + PATH,
                content,
                {"content-type": "application/json"},
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
        fresh_login: bool = False,
        reading: Reading | None = None,
    ) -> Evidence:
        return evidence_of(
            answer,
            operation,
            now=self._clock(),
            object_name=object_name,
            rules=self._manifest.errors,
            secrets=self._target.secrets,
            fresh_login=fresh_login,
            reading=reading,
        )


def _domain(window: Window) -> list[Any]:
    clauses: list[Any] = [["id", ">", window.after]]
    if window.since is not None:
        since = window.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        clauses.append(["write_date", ">=", since])
    return clauses


def _require_fields(
    answer: Answer, object_name: str, rows: Sequence[Mapping[str, Any]], wanted: Sequence[str]
) -> None:
    """Odoo leaves out what it does not know, without a word: going on would empty what was read before."""
    missing = [name for name in wanted if name not in rows[0]] if rows else []
    if missing:
        words = f"fields that are no longer there: {', '.join(missing)}"
        raise _unfit(answer, object_name, Outcome.CONFIGURATION_ERROR, "fields_missing", words)


def _unfit(answer: Answer, object_name: str, outcome: Outcome, code: str, words: str) -> SourceFailureError:
    evidence = Evidence(
        outcome,
        Operation.READ,
        object_name,
        http_status=answer.status,
        code=code,
        message=shortened(words),
        duration_ms=answer.duration_ms,
    )
    return SourceFailureError(evidence)


def _names(fields: Sequence[str]) -> list[str]:
    """Of the fields themselves: a related record comes with its name."""
    return list(dict.fromkeys(["id", *(name.split(".", 1)[0] for name in fields)]))
