"""What the API answers when it does not do what was asked: RFC 9457, with a code for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lineshaft.common.errors import LineshaftError

TYPE_BASE = "/docs#problem-"
"""Each code is explained on the documentation page."""


class ProblemCode(StrEnum):
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    VALIDATION_FAILED = "validation_failed"
    CONFLICT = "conflict"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    REAUTHORIZATION_REQUIRED = "reauthorization_required"
    CONNECTION_UNAVAILABLE = "connection_unavailable"
    NOT_SUPPORTED = "not_supported"
    SOURCE_REJECTED = "source_rejected"
    RATE_LIMITED = "rate_limited"
    OUTCOME_UNKNOWN = "outcome_unknown"
    INTERNAL_ERROR = "internal_error"


DEFAULTS: Mapping[ProblemCode, tuple[int, str]] = {
    ProblemCode.UNAUTHORIZED: (401, "A valid key is needed"),
    ProblemCode.FORBIDDEN: (403, "This key may not do that"),
    ProblemCode.NOT_FOUND: (404, "There is no such thing here"),
    ProblemCode.VALIDATION_FAILED: (422, "The request is not valid"),
    ProblemCode.CONFLICT: (409, "The request does not fit the present state"),
    ProblemCode.IDEMPOTENCY_CONFLICT: (409, "This idempotency key was used for another request"),
    ProblemCode.REAUTHORIZATION_REQUIRED: (409, "The connection needs new credentials"),
    ProblemCode.CONNECTION_UNAVAILABLE: (503, "The connection cannot be used now"),
    ProblemCode.NOT_SUPPORTED: (422, "The source system cannot do that"),
    ProblemCode.SOURCE_REJECTED: (422, "The source system refused the request"),
    ProblemCode.RATE_LIMITED: (429, "Too many requests for now"),
    ProblemCode.OUTCOME_UNKNOWN: (504, "Nobody knows whether the source did it"),
    ProblemCode.INTERNAL_ERROR: (500, "Something went wrong on our side"),
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    field: str
    message: str
    code: str | None = None
    source_field: str | None = None

    def body(self) -> dict[str, str]:
        told = {"field": self.field, "source_field": self.source_field, "message": self.message}
        return {name: text for name, text in (told | {"code": self.code}).items() if text is not None}


@dataclass(frozen=True, slots=True)
class Problem:
    code: ProblemCode
    detail: str
    status: int
    title: str
    connection_id: str | None = None
    errors: Sequence[FieldProblem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": TYPE_BASE + self.code.replace("_", "-"),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.connection_id is not None:
            body["connection_id"] = self.connection_id
        if self.errors:
            body["errors"] = [one.body() for one in self.errors]
        return body


class ProblemError(LineshaftError):
    """The request gets a problem for an answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem(
    code: ProblemCode,
    detail: str,
    *,
    status: int | None = None,
    connection_id: str | None = None,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemError:
    """An error to raise."""
    usual, title = DEFAULTS[code]
    return ProblemError(Problem(code, detail, status or usual, title, connection_id, errors, headers or {}))


def unauthorized(detail: str) -> ProblemError:
    return problem(ProblemCode.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})


def not_found(what: str, *, connection_id: str | None = None) -> ProblemError:
    return problem(ProblemCode.NOT_FOUND, f"There is no such {what}.", connection_id=connection_id)


def invalid(field_name: str, message: str, *, connection_id: str | None = None) -> ProblemError:
    return problem(
        ProblemCode.VALIDATION_FAILED,
        f"{field_name}: {message}",
        connection_id=connection_id,
        errors=[FieldProblem(field_name, message)],
    )


def unavailable(detail: str, *, retry_after: int = 5, connection_id: str | None = None) -> ProblemError:
    return problem(
        ProblemCode.CONNECTION_UNAVAILABLE,
        detail,
        connection_id=connection_id,
        headers={"Retry-After": str(max(1, retry_after))},
    )
