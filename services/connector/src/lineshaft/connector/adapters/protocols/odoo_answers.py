"""What Odoo's JSON-RPC answers come to: every one has status 200, `error.data.name` says which it is.

Odoo 11, odoo/http.py serialize_exception. A refused `authenticate` is a result, `false`.
"""

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

ACCESS_DENIED = "odoo.exceptions.AccessDenied"
LOGIN_REFUSED = "login_refused"
FRESH_LOGIN_REFUSED = "fresh_login_refused"

_READING = (Operation.READ, Operation.DESCRIBE, Operation.PROBE, Operation.VERIFY)
_ERROR = (BodyShape.ERROR,)

FRESH_RULES: tuple[Rule, ...] = (
    Rule(Outcome.SOURCE_ERROR, ("200",), _ERROR, FRESH_LOGIN_REFUSED, confidence="medium"),
)

ODOO_RULES: tuple[Rule, ...] = (
    Rule(Outcome.CREDENTIALS_REJECTED, ("200",), _ERROR, LOGIN_REFUSED, (Operation.LOGIN,)),
    Rule(Outcome.CREDENTIALS_REJECTED, ("200",), _ERROR, ACCESS_DENIED),
    Rule(Outcome.PERMISSION_DENIED, ("200",), _ERROR, "odoo.exceptions.AccessError"),
    Rule(
        Outcome.CONFIGURATION_ERROR,
        ("200",),
        _ERROR,
        "psycopg2.OperationalError",
        (Operation.LOGIN,),
        name="no_such_database",
    ),
    Rule(Outcome.CONFIGURATION_ERROR, ("200",), _ERROR, "odoo.exceptions.UserError", _READING),
    Rule(Outcome.CONFIGURATION_ERROR, ("200",), _ERROR, "builtins.ValueError", _READING),
    Rule(Outcome.CONFIGURATION_ERROR, ("200",), _ERROR, "builtins.KeyError", _READING),
    *(
        Rule(Outcome.INVALID_REQUEST, ("200",), _ERROR, name, (Operation.WRITE,))
        for name in (
            "odoo.exceptions.UserError",
            "odoo.exceptions.ValidationError",
            "odoo.exceptions.MissingError",
            "odoo.exceptions.RedirectWarning",
            "psycopg2.IntegrityError",
            "builtins.ValueError",
            "builtins.KeyError",
        )
    ),
    Rule(Outcome.SOURCE_ERROR, ("200",), _ERROR, confidence="medium"),
)


class _Data(msgspec.Struct):
    name: str = ""
    message: Any = None


class _Error(msgspec.Struct):
    message: Any = None
    data: _Data | None = None


class _Reply(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


def take_apart(answer: Answer) -> Reading:
    if not answer.body:
        return Reading(BodyShape.EMPTY)
    if answer.is_html:
        return Reading(BodyShape.HTML)
    try:
        reply = msgspec.json.decode(answer.body, type=_Reply)
    except UNREADABLE:
        return Reading(BodyShape.OTHER)
    if reply.error is not None:
        data = reply.error.data or _Data()
        return Reading(
            BodyShape.ERROR, code=data.name, message=str(data.message or reply.error.message or "")
        )
    if not len(reply.result):
        return Reading(BodyShape.JSON)
    return Reading(BodyShape.RESULT, result=reply.result)


def login_refused(reading: Reading) -> Reading:
    """A refused login as the error that it is."""
    if reading.result is not None and bytes(reading.result) == b"false":
        return Reading(BodyShape.ERROR, code=LOGIN_REFUSED, message="user name or password are not accepted")
    return reading


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
    """What an answer, or the lack of one, comes to; `rules` of the manifest come before Odoo's."""
    if isinstance(answer, NoAnswerError):
        return unanswered(answer, operation, object_name, secrets)
    reading = reading or take_apart(answer)
    if fresh_login and reading.code == ACCESS_DENIED:
        reading = replace(reading, code=FRESH_LOGIN_REFUSED)
    facts = Facts(operation, answer.status, reading.shape, reading.code, answer.headers)
    rule = ruling(facts, ODOO_RULES, rules, fixed=FRESH_RULES)
    return ruled(
        rule,
        answer,
        operation,
        object_name,
        code=reading.code,
        message=reading.message,
        retry_at=answer.retry_at(now),
        secrets=secrets,
    )
