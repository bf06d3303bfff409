"""What one call to a source came to, and how that is told."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from lineshaft.common.errors import LineshaftError
from lineshaft.common.events.calls import Call
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.common.redaction import redacted

LONGEST_MESSAGE = 500
LONGEST_WORDS = 64 * 1024

DENIED_OR_GONE = "denied_or_gone"
"""Code of a refusal by a source that answers alike where there is nothing."""

OF_THE_CONNECTION = frozenset({Outcome.CREDENTIALS_REJECTED, Outcome.UNREACHABLE, Outcome.RATE_LIMITED})
"""What says nothing about one object: whoever asks object by object has to stop."""

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """An outcome with what it was read from; `message` holds the source's own words."""

    outcome: Outcome
    operation: Operation
    object: str | None = None
    http_status: int | None = None
    code: str | None = None
    message: str | None = None
    field: str | None = None
    """The one field that is refused or unknown; None where it is more than that."""
    record: str | None = None
    """Of a write: what names its record."""
    rung: Rung | None = None
    retry_at: datetime | None = None
    confidence: Confidence = "high"
    duration_ms: float = 0.0


class SourceFailureError(LineshaftError):
    """The source did not do what was asked."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(f"{evidence.outcome}: {evidence.message or evidence.code or 'no reason given'}")
        self.evidence = evidence


def refused(object_name: str, code: str, words: str, field: str | None = None) -> SourceFailureError:
    """A write that is not made, for a reason that we see ourselves."""
    return SourceFailureError(
        Evidence(Outcome.INVALID_REQUEST, Operation.WRITE, object_name, code=code, message=words, field=field)
    )


def shortened(text: str | None, secrets: tuple[str, ...] = ()) -> str | None:
    """The source's words without our secrets, at a length that fits an event."""
    if not text:
        return None
    text = " ".join(redacted(text[:LONGEST_WORDS], secrets).split())
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf calls are made."""

    connection_id: str
    system: str
    credential_version: int
    host: str = ""


def failed_call(caller: Caller, evidence: Evidence, *, at: datetime, sync_id: str | None = None) -> Call:
    return Call(
        connection_id=caller.connection_id,
        system=caller.system,
        object=evidence.object,
        operation=evidence.operation,
        outcome=evidence.outcome,
        credential_version=caller.credential_version,
        at=at,
        duration_ms=round(evidence.duration_ms, 1),
        host=caller.host,
        http_status=evidence.http_status,
        code=evidence.code,
        message=evidence.message,
        field=evidence.field,
        record=evidence.record,
        rung=evidence.rung,
        retry_at=evidence.retry_at,
        request_id=new_id("req"),
        sync_id=sync_id,
        confidence=evidence.confidence,
    )


def succeeded_calls(
    caller: Caller,
    operation: Operation,
    *,
    at: datetime,
    object_name: str | None = None,
    count: int = 1,
    records: int = 0,
    duration_ms: float = 0.0,
    sync_id: str | None = None,
) -> Call:
    """`count` successful calls in a row, told once."""
    return Call(
        connection_id=caller.connection_id,
        system=caller.system,
        object=object_name,
        operation=operation,
        outcome=Outcome.OK,
        credential_version=caller.credential_version,
        at=at,
        duration_ms=round(duration_ms, 1),
        count=count,
        records=records,
        host=caller.host,
        http_status=None,
        request_id=new_id("req"),
        sync_id=sync_id,
    )


def about(evidence: Evidence, *, object_name: str | None, operation: Operation) -> Evidence:
    """The same finding, made while doing this; a login stays a login."""
    if evidence.operation is Operation.LOGIN:
        return evidence
    return replace(evidence, object=object_name, operation=operation)
