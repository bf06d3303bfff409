"""What Tryton's JSON-RPC answers come to.

Errors arrive with status 200 as `["UserError", [message, description, domain]]`, or as
`[str(exception), traceback]`, where a KeyError is the quoted name of an unknown model or field
(trytond 8.2, protocols/jsonrpc.py and exceptions.py).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from lineshaft.common.integrations.manifest import ErrorRule
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE, ruled, unanswered
from lineshaft.connector.adapters.protocols.jsonrpc import Reading
from lineshaft.connector.domain.classification import BodyShape, Facts, Rule, ruling
from lineshaft.connector.domain.evidence import Evidence

ERROR_CLASSES = frozenset({"UserError", "UserWarning", "LoginException", "ConcurrencyException"})
KEY_ERROR = "KeyError"
USER_ERROR = "UserError"
OTHER_ERROR = "Exception"
FRESH_SESSION_REFUSED = "fresh_session_refused"

_READING = (Operation.READ, Operation.DESCRIBE, Operation.PROBE, Operation.VERIFY)

SESSION_RULES: tuple[Rule, ...] = (
    Rule(Outcome.SOURCE_ERROR, ("401",), code=FRESH_SESSION_REFUSED, confidence="medium"),
)

TRYTON_RULES: tuple[Rule, ...] = (
    Rule(Outcome.CREDENTIALS_REJECTED, ("401",), operations=(Operation.LOGIN,), name="login_refused"),
    Rule(Outcome.CREDENTIALS_REJECTED, ("200",), (BodyShape.ERROR,), "LoginException", (Operation.LOGIN,)),
    Rule(Outcome.CONFIGURATION_ERROR, ("404",), operations=(Operation.LOGIN,), name="no_such_database"),
    Rule(Outcome.CONFIGURATION_ERROR, ("200",), (BodyShape.ERROR,), KEY_ERROR),
    Rule(Outcome.PERMISSION_DENIED, ("200",), (BodyShape.ERROR,), USER_ERROR, _READING, confidence="medium"),
    Rule(Outcome.INVALID_REQUEST, ("200",), (BodyShape.ERROR,), USER_ERROR),
    Rule(Outcome.INVALID_REQUEST, ("200",), (BodyShape.ERROR,), "UserWarning"),
    Rule(Outcome.INVALID_REQUEST, ("200",), (BodyShape.ERROR,), "ConcurrencyException"),
    Rule(Outcome.SOURCE_ERROR, ("200",), (BodyShape.ERROR,), confidence="medium"),
)

REQUEST_ID = 1
_RESULT_BEGINS = b'{"id":%d,"result":' % REQUEST_ID

_QUOTED_NAME = re.compile(r"'[^']*'")
_TITLE = re.compile(rb"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class _Reply(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


def take_apart(answer: Answer) -> Reading:
    """A result is found by where it begins, so that a page of records is not scanned for it."""
    body = answer.body
    if not body:
        return Reading(BodyShape.EMPTY)
    if body.startswith(_RESULT_BEGINS) and body.endswith(b"}"):
        return Reading(BodyShape.RESULT, result=memoryview(body)[len(_RESULT_BEGINS) : -1])
    if answer.is_html:
        title = _TITLE.search(answer.body[:4096])
        return Reading(BodyShape.HTML, message=title.group(1).decode(errors="replace") if title else None)
    return _reply(body)


def _reply(body: bytes) -> Reading:
    try:
        reply = msgspec.json.decode(body, type=_Reply)
        if len(reply.error) and bytes(reply.error) != b"null":
            code, message = _error(msgspec.json.decode(reply.error))
            return Reading(BodyShape.ERROR, code=code, message=message)
    except UNREADABLE:
        return Reading(BodyShape.OTHER)
    if len(reply.result):
        return Reading(BodyShape.RESULT, result=reply.result)
    return Reading(BodyShape.JSON)


def _error(error: Any) -> tuple[str, str]:
    if not isinstance(error, list) or not error:
        return OTHER_ERROR, str(error)
    first = str(error[0])
    if first in ERROR_CLASSES and len(error) > 1:
        details = error[1] if isinstance(error[1], list) else [error[1]]
        if first in {"UserWarning", "LoginException"}:
            details = details[1:]
        return first, " ".join(part for part in details if isinstance(part, str) and part)
    return (KEY_ERROR if _QUOTED_NAME.fullmatch(first) else OTHER_ERROR), first


def evidence_of(
    answer: Answer | NoAnswerError,
    operation: Operation,
    *,
    now: datetime,
    object_name: str | None = None,
    rules: Sequence[ErrorRule] = (),
    secrets: tuple[str, ...] = (),
    fresh_login: bool = False,
    reading: Reading | None = None,
) -> Evidence:
    """What an answer, or the lack of one, comes to; `rules` of the manifest come before Tryton's.

    A manifest's rules do not look into a result.
    """
    if isinstance(answer, NoAnswerError):
        return unanswered(answer, operation, object_name, secrets)
    reading = reading or take_apart(answer)
    code = reading.code
    if answer.status == 401 and fresh_login:  # noqa: PLR2004  the status that means: no session
        code = FRESH_SESSION_REFUSED
    facts = Facts(operation, answer.status, reading.shape, code, answer.headers)
    if reading.shape is BodyShape.ERROR:
        facts = replace(facts, body=lambda: _decoded(answer.body))
    rule = ruling(facts, TRYTON_RULES, rules, fixed=SESSION_RULES)
    return ruled(
        rule,
        answer,
        operation,
        object_name,
        code=code,
        message=reading.message,
        retry_at=answer.retry_at(now),
        secrets=secrets,
    )


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        return None
