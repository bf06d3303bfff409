"""Answers: JSON by orjson, problems as RFC 9457, and how OpenAPI is told of both."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from lineshaft.api.adapters.postgres import as_problem
from lineshaft.api.domain.problems import (
    DEFAULTS,
    Problem,
    ProblemCode,
    ProblemError,
    problem,
)
from lineshaft.api.routes.field_problems import field_problem
from lineshaft.common import exact_json
from lineshaft.common.ids import new_id
from lineshaft.common.logs import logger

PROBLEM_MEDIA_TYPE = "application/problem+json"
JSON = "application/json"

log = logger(__name__)


class Json(JSONResponse):
    """Encoded by orjson; the console shows `content` as a page."""

    def __init__(
        self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.content = content
        super().__init__(content, status_code, headers)

    def render(self, content: Any) -> bytes:
        return exact_json.encode(content, default=_plain, option=orjson.OPT_UTC_Z)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not JSON")


class FieldProblemModel(BaseModel):
    field: str
    source_field: str | None = Field(default=None, description="What the source calls it.")
    message: str
    code: str | None = None


class ProblemModel(BaseModel):
    """RFC 9457, with a code for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: ProblemCode
    request_id: str
    connection_id: str | None = None
    errors: list[FieldProblemModel] = Field(default_factory=list, description="Each field that is not valid.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem answers of a route, for OpenAPI; every route has 401, 422, 500 and 503."""
    return {
        status: {
            "description": _TITLES.get(status, "Problem"),
            "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({401, 403, 422, 429, 500, 503, *statuses})
    }


_TITLES = {
    **dict(reversed(list(DEFAULTS.values()))),
    412: "It has changed since",
    413: "The request is too large",
}


def request_id_of(request: Request) -> str:
    return str(request.scope.get("request_id") or new_id("req"))


def problem_response(found: Problem, request: Request) -> Response:
    """A page for a browser, JSON for everybody else."""
    if JSON not in request.headers.get("accept", ""):
        for prefix, show in request.app.state.problem_pages.items():
            if request.url.path.startswith(prefix):
                page: Response = show(found, request)
                page.headers.update(found.headers)
                return page
    concerned = found.connection_id or request.path_params.get("connection_id")
    return Response(
        orjson.dumps(replace(found, connection_id=concerned).body(request_id_of(request))),
        status_code=found.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=dict(found.headers),
    )


async def on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  registered for it alone
    return problem_response(error.problem, request)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for it alone
    errors = [field_problem(request, one) for one in error.errors()]
    detail = "; ".join(f"{one.field}: {one.message}" for one in errors[:3])
    found = problem(ProblemCode.VALIDATION_FAILED, detail, errors=errors)
    return problem_response(found.problem, request)


_BY_STATUS = {
    401: ProblemCode.UNAUTHORIZED,
    403: ProblemCode.FORBIDDEN,
    404: ProblemCode.NOT_FOUND,
    405: ProblemCode.NOT_SUPPORTED,
}


async def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it alone
    # FastAPI's own word for a body that is not even text
    status = 422 if error.status_code == 400 else error.status_code  # noqa: PLR2004
    headers = dict(error.headers or {})
    detail = error.detail
    if status == 404:  # noqa: PLR2004
        detail = f"There is no {request.url.path} here; the routes are at /docs."
    elif status == 405:  # noqa: PLR2004
        headers["Allow"] = ", ".join(_methods(request))
        detail = f"{request.method} is not possible on {request.url.path}; {headers['Allow']} is."
    code = _BY_STATUS.get(status, ProblemCode.VALIDATION_FAILED)
    found = Problem(code, detail, status, _TITLES.get(status, error.detail), headers=headers)
    return problem_response(found, request)


def _methods(request: Request) -> list[str]:
    """All methods of the path; the router tells those of the first route that has it."""
    found = {
        method.upper()
        for path, operations in request.app.openapi()["paths"].items()
        if compile_path(path)[0].match(request.url.path)
        for method in operations
    }
    return sorted(found) or ["GET"]


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to what no route foresaw; our own faults are logged."""
    found = as_problem(error)
    if found is None:
        log.error("request_failed", error=repr(error), exc_info=error)
        found = problem(
            ProblemCode.INTERNAL_ERROR, "The request failed. Quote the request id when you report it."
        )
    else:
        log.warning("request_not_served", error=repr(error))
    return problem_response(found.problem, request)


ExceptionHandler = Callable[[Request, Exception], Any]

EXCEPTION_HANDLERS: dict[Any, ExceptionHandler] = {
    ProblemError: on_problem,
    RequestValidationError: on_invalid_request,
    HTTPException: on_http_exception,
}
