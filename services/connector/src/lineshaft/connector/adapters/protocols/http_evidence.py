"""From an answer over HTTP, or the lack of one, to evidence: the same for every protocol that speaks it."""

from datetime import datetime

from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters.http import Answer, NoAnswerError
from lineshaft.connector.domain.classification import Rule
from lineshaft.connector.domain.evidence import Evidence, shortened

UNREADABLE = (ValueError, RecursionError)
"""An answer that is no JSON, or not of the form that was expected, or nested too deeply."""


def unanswered(
    error: NoAnswerError, operation: Operation, object_name: str | None, secrets: tuple[str, ...]
) -> Evidence:
    return Evidence(
        outcome=error.outcome,
        operation=operation,
        object=object_name,
        code=error.code,
        message=shortened(error.message, secrets),
        rung=error.rung,
        duration_ms=error.duration_ms,
    )


def ruled(
    rule: Rule,
    answer: Answer,
    operation: Operation,
    object_name: str | None,
    *,
    code: str | None,
    message: str | None,
    retry_at: datetime | None,
    secrets: tuple[str, ...],
) -> Evidence:
    """What a rule makes of an answer; `code` and `message` are the source's own."""
    return Evidence(
        outcome=rule.outcome,
        operation=operation,
        object=object_name,
        http_status=answer.status,
        code=rule.name or code,
        message=shortened(message, secrets),
        rung=rule.rung,
        retry_at=retry_at,
        confidence=rule.confidence,
        duration_ms=answer.duration_ms,
    )
