"""Why a command did not succeed, in words for the person who asked."""

from datetime import datetime
from typing import assert_never

from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.outcomes import Outcome, Rung
from lineshaft.connector.domain.certificate_faults import REASONS
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.gate import Decision, Reason

UNREADABLE = "The stored credentials of this connection cannot be opened. It has to be connected again."

UNKNOWN_CONNECTION = CommandProblem(code="not_found", message="There is no such connection.")

NOTHING_CHANGED = CommandProblem(
    code="not_found", message="Nothing of this object has changed since somebody accepted it."
)

NO_TIME_LEFT = CommandProblem(code="no_time_left", message="The source took too long to be asked for this.")

TOO_LARGE = CommandProblem(code="too_large", message="The records are too large to be shown.")

OUTCOME_UNKNOWN = CommandProblem(
    code="outcome_unknown",
    message="The source gave no answer, and the record was not found there afterwards. It is not known"
    " whether it was written: look for it in the source before you send it again.",
)

_RUNGS = {
    Rung.DNS: "its name does not resolve",
    Rung.TCP: "no connection to its port",
    Rung.TLS: "no TLS connection",
    Rung.PROXY: "a proxy in between refused",
    Rung.TIMEOUT: "it did not answer in time",
    Rung.HTTP: "the connection was cut",
}


def not_verified(evidence: Evidence, label: str) -> CommandProblem:
    """The code is the outcome."""
    return _problem(str(evidence.outcome), _summary(evidence, label), evidence)


def not_written(evidence: Evidence, label: str, field: str | None = None) -> CommandProblem:
    """The message is the source's own where it said something; `field` is the source's, too."""
    match evidence.outcome:
        case Outcome.CREDENTIALS_REJECTED | Outcome.ACCOUNT_MISMATCH:
            return _problem("reauthorization_required", _summary(evidence, label), evidence)
        case Outcome.RATE_LIMITED:
            return _problem("rate_limited", _summary(evidence, label), evidence)
        case Outcome.UNREACHABLE | Outcome.SOURCE_ERROR:
            return _problem("connection_unavailable", _summary(evidence, label), evidence)
        case Outcome.PERMISSION_DENIED | Outcome.CONFIGURATION_ERROR | Outcome.INVALID_REQUEST | Outcome.OK:
            words = evidence.message or _summary(evidence, label)
            return _problem("source_rejected", words, evidence, field)
        case _:
            assert_never(evidence.outcome)


def gate_closed(decision: Decision, label: str) -> CommandProblem:
    match decision.reason:
        case Reason.CREDENTIALS_REJECTED | Reason.NO_CREDENTIALS:
            return CommandProblem(
                code="reauthorization_required", message=f"{label} has to be connected again first."
            )
        case Reason.PAUSED | Reason.DISCONNECTED:
            return CommandProblem(
                code="connection_unavailable", message=f"The connection is {decision.reason}."
            )
        case Reason.RATE_LIMITED:
            return _waiting("rate_limited", f"{label} asked for fewer requests.", decision.until)
        case Reason.BREAKER_OPEN | Reason.OBJECT_CLOSED | Reason.NONE:
            return _waiting("connection_unavailable", f"{label} is not answering well.", decision.until)
        case _:
            assert_never(decision.reason)


def mismatch(label: str) -> CommandProblem:
    return CommandProblem(
        code=str(Outcome.ACCOUNT_MISMATCH),
        message=f"These credentials belong to another account of {label}. Nothing was saved.",
        outcome=Outcome.ACCOUNT_MISMATCH,
    )


def conflict() -> CommandProblem:
    return CommandProblem(
        code="conflict", message="Somebody else connected this system at the same moment. Nothing was saved."
    )


def unreadable() -> CommandProblem:
    return CommandProblem(code="reauthorization_required", message=UNREADABLE)


_SUMMARIES = {
    Outcome.CREDENTIALS_REJECTED: "{label} refused these credentials.",
    Outcome.PERMISSION_DENIED: "This account may not do that in {label}.{words}",
    Outcome.RATE_LIMITED: "{label} refuses further attempts for now. Try again later.",
    Outcome.UNREACHABLE: "{label} cannot be reached: {rung}.",
    Outcome.SOURCE_ERROR: "{label} answered with an error of its own.{words}",
    Outcome.CONFIGURATION_ERROR: "{label} was not found with these settings.{words}",
    Outcome.INVALID_REQUEST: "{label} did not accept the request.{words}",
    Outcome.ACCOUNT_MISMATCH: "These credentials belong to another account of {label}.",
    Outcome.OK: "{label} gave no answer that can be used.",
}


def _summary(evidence: Evidence, label: str) -> str:
    return _SUMMARIES[evidence.outcome].format(
        label=label,
        words=f" {label} says: {evidence.message}" if evidence.message else "",
        rung=_way_words(evidence),
    )


def _way_words(evidence: Evidence) -> str:
    if evidence.rung is None:
        return "no answer"
    words = _RUNGS[evidence.rung]
    reason = REASONS.get(evidence.code or "")
    return f"{words}, as {reason}" if reason else words


def _problem(code: str, message: str, evidence: Evidence, field: str | None = None) -> CommandProblem:
    return CommandProblem(
        code=code,
        message=message,
        outcome=evidence.outcome,
        operation=evidence.operation,
        rung=evidence.rung,
        retry_at=evidence.retry_at,
        field=field,
    )


def _waiting(code: str, message: str, until: datetime | None) -> CommandProblem:
    return CommandProblem(code=code, message=message, retry_at=until)
