"""Around every request: its id, its metrics, and an answer where no route had one. Pure ASGI, for speed."""

import re
import time

from opentelemetry.trace import SpanKind
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineshaft.api.routes.answers import unexpected
from lineshaft.common.ids import new_id
from lineshaft.common.metrics import METRICS
from lineshaft.common.tracing import span

MAX_BODY_BYTES = 1024 * 1024
HEADER = b"x-request-id"
TRACEPARENT = b"traceparent"
NO_STORE = (b"cache-control", b"no-store")
_ACCEPTED = re.compile(rb"[A-Za-z0-9._:-]{1,100}").fullmatch
_NO_ROUTE = "none"


class RequestMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or new_id("req")
        scope["request_id"] = request_id
        # Answers hold a customer's records, or secrets that are shown once.
        uncached = [NO_STORE] if scope["path"].startswith("/v1/") else []
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, request_id.encode()), *uncached]
            await send(message)

        with span("request", _header(scope, TRACEPARENT), SpanKind.SERVER, request_id=request_id) as traced:
            try:
                await self._app(scope, _limited(scope, receive), send_with_id)
            except Exception as error:
                if status:
                    raise
                await unexpected(Request(scope), error)(scope, receive, send_with_id)
            traced.update_name(" ".join(_method_and_route(scope)))
            traced.set_attribute("http.response.status_code", status)
        _measure(scope, status, time.perf_counter() - started)


def _given_id(scope: Scope) -> str | None:
    return _header(scope, HEADER)


def _header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return value.decode() if _ACCEPTED(value) else None
    return None


def _limited(scope: Scope, receive: Receive) -> Receive:
    """FastAPI passes an HTTPException through that comes up while it reads the body."""
    left = MAX_BODY_BYTES

    async def receive_limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0 or _announced(scope) > MAX_BODY_BYTES:
            raise HTTPException(413, f"A body has at most {MAX_BODY_BYTES} bytes.")
        return message

    return receive_limited


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _method_and_route(scope: Scope) -> tuple[str, str]:
    matched = scope.get("route")
    route = matched.path if isinstance(matched, Route) else _NO_ROUTE
    return scope["method"] if matched is not None else _NO_ROUTE, route


def _measure(scope: Scope, status: int, seconds: float) -> None:
    method, route = _method_and_route(scope)
    METRICS.http_requests.labels(method, route, str(status)).inc()
    METRICS.http_seconds.labels(method, route).observe(seconds)
