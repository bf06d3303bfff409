"""Every answer here is one that Tryton 8.2 gave, or that a proxy before it gives."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.connector.adapters.http import Answer, NoAnswerError
from lineshaft.connector.adapters.protocols.tryton_answers import TRYTON_RULES, evidence_of
from lineshaft.connector.domain.evidence import Evidence

from .rig import CATALOG

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
HTML = b"<!doctype html>\n<html lang=en>\n<title>401 Unauthorized</title>\n<h1>Unauthorized</h1>"
DENIED = ["UserError", ['You are not allowed to access "Purchase".', "Within groups: Integration", None]]
INVALID = ["UserError", ["Code of active product must be unique.", "", None]]

LOGIN, READ, WRITE = Operation.LOGIN, Operation.READ, Operation.WRITE


def answer(status: int, body: object = b"", **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    kind = "text/html; charset=utf-8" if content.startswith(b"<") else "application/json"
    return Answer(
        status, {"content-type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}, content, 1.0
    )


def error(body: object) -> Answer:
    return answer(200, {"id": 1, "error": body})


CASES = [
    (LOGIN, answer(200, {"id": 1, "result": [1, "session", None]}), Outcome.OK),
    (READ, answer(200, {"id": 1, "result": []}), Outcome.OK),
    (WRITE, answer(200, {"id": 1, "result": None}), Outcome.OK),
    (LOGIN, answer(401, HTML), Outcome.CREDENTIALS_REJECTED),
    (LOGIN, answer(429, HTML), Outcome.RATE_LIMITED),
    (LOGIN, answer(404, HTML), Outcome.CONFIGURATION_ERROR),
    (LOGIN, answer(405, HTML), Outcome.CONFIGURATION_ERROR),
    (LOGIN, error(["LoginException", ["sms_code", "Code?", "char"]]), Outcome.CREDENTIALS_REJECTED),
    (READ, error(DENIED), Outcome.PERMISSION_DENIED),
    (WRITE, error(DENIED), Outcome.PERMISSION_DENIED),
    (WRITE, error(INVALID), Outcome.INVALID_REQUEST),
    (WRITE, error(["UserWarning", ["key", "Sure?", ""]]), Outcome.INVALID_REQUEST),
    (WRITE, error(["ConcurrencyException", "Changed meanwhile"]), Outcome.INVALID_REQUEST),
    (READ, error(["'foo.bar'", ""]), Outcome.CONFIGURATION_ERROR),
    (READ, error(["division by zero", ""]), Outcome.SOURCE_ERROR),
    (READ, answer(500, HTML), Outcome.SOURCE_ERROR),
    (READ, answer(502, HTML), Outcome.SOURCE_ERROR),
    (READ, answer(504, HTML), Outcome.UNREACHABLE),
    (READ, answer(407, HTML), Outcome.UNREACHABLE),
    (READ, answer(403, HTML), Outcome.UNREACHABLE),
    (READ, answer(302, b""), Outcome.CONFIGURATION_ERROR),
    (READ, answer(200, HTML), Outcome.SOURCE_ERROR),
    (READ, answer(200, b'{"id": 1, "resu'), Outcome.SOURCE_ERROR),
    (READ, answer(200, b""), Outcome.SOURCE_ERROR),
    (READ, answer(429, b"slow down"), Outcome.RATE_LIMITED),
]


@pytest.mark.parametrize(("operation", "got", "outcome"), CASES)
def test_with_the_manifest(operation: Operation, got: Answer, outcome: Outcome) -> None:
    manifest = CATALOG.system("tryton").manifest
    assert evidence_of(got, operation, now=NOW, rules=manifest.errors).outcome is outcome


WITHOUT = [case for case in CASES if not (case[0] is WRITE and case[2] is Outcome.PERMISSION_DENIED)]


@pytest.mark.parametrize(("operation", "got", "outcome"), WITHOUT)
def test_the_protocol_alone(operation: Operation, got: Answer, outcome: Outcome) -> None:
    assert evidence_of(got, operation, now=NOW).outcome is outcome


def test_no_text_of_the_source_decides() -> None:
    """The rules know statuses, shapes and classes; words differ by language."""
    other = ["UserError", ["Sie haben keinen Zugriff auf Einkauf.", "Innerhalb der Gruppen: ", None]]
    assert evidence_of(error(other), READ, now=NOW).outcome is Outcome.PERMISSION_DENIED
    assert all(rule.code is None or " " not in rule.code for rule in TRYTON_RULES)


def test_a_session_that_is_refused_after_a_fresh_login_says_nothing_of_the_credentials() -> None:
    manifest = CATALOG.system("tryton").manifest
    evidence = evidence_of(answer(401), READ, now=NOW, rules=manifest.errors, fresh_login=True)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "fresh_session_refused")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30", NOW + timedelta(seconds=30)),
        ("Tue, 24 Nov 2026 09:00:00 GMT", NOW + timedelta(hours=1)),
        ("Tue, 24 Nov 2026 07:00:00 GMT", NOW),
        ("9999999999", NOW + timedelta(hours=24)),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(text: str, moment: datetime | None) -> None:
    evidence = evidence_of(answer(429, b"", retry_after=text), READ, now=NOW)
    assert evidence.retry_at == moment


def test_messages_are_short_and_without_secrets() -> None:
    body = ["UserError", ["no 'hunter2' " + "x" * 2_000, "", None]]
    message = evidence_of(error(body), WRITE, now=NOW, secrets=("hunter2",)).message or ""
    assert "hunter2" not in message
    assert len(message) <= 500


def test_no_answer_at_all() -> None:
    failure = NoAnswerError(Outcome.UNREACHABLE, "connection_refused", "refused", rung=Rung.TCP)
    assert evidence_of(failure, READ, now=NOW, object_name="stock.lot") == Evidence(
        Outcome.UNREACHABLE,
        READ,
        "stock.lot",
        code="connection_refused",
        message="refused",
        rung=Rung.TCP,
    )
