"""What a source system shows: `/v1/me`, `/v1/schema/<object>`, the records of each object, and OAuth."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineshaft.sandbox.faults import Drift, RateLimit
from lineshaft.sandbox.oauth_pages import OAuthPages
from lineshaft.sandbox.plant import Record
from lineshaft.sandbox.sandbox import Sandbox
from lineshaft.sandbox.store import BadQueryError, Page

MOST_RECORDS = 500
AGAIN = "again"
"""The next cursor of pages that come again for ever."""
PARAMETERS = {"limit", "cursor", "updated_after"}
LOGON_PAGE = "<!doctype html><html><head><title>Log on</title></head><body>Please log on.</body></html>"

Handler = Callable[[Request], Awaitable[Response]]


def problem(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json({"error": {"code": code, "message": message}}, status, headers)


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, dict(headers or {}), "application/json")


class Interface:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def app(self) -> ASGIApp:
        routes = [
            *OAuthPages(self._sandbox.provider).routes(),
            Route("/v1/me", self._guarded(self._me)),
            Route("/v1/schema/{object}", self._guarded(self._schema)),
            Route("/v1/{object}", self._guarded(self._list)),
            Route("/v1/{object}", self._guarded(self._create), methods=["POST"]),
            Route("/v1/{object}/{id:int}", self._guarded(self._change), methods=["PATCH"]),
        ]
        return _Cutting(Starlette(routes=routes), self._sandbox)

    def _guarded(self, handler: Handler) -> Handler:
        """What can go wrong before a handler is asked, in the order in which a real system would refuse."""

        async def guarded(request: Request) -> Response:
            name = request.path_params.get("object")
            response = await self._refusal(request, name) or await self._handled(handler, request)
            self._sandbox.note(
                request.method, request.url.path, request.url.query, response.status_code, name
            )
            return response

        return guarded

    async def _handled(self, handler: Handler, request: Request) -> Response:
        try:
            return await handler(request)
        except BadQueryError as error:
            return problem(400, "bad_request", str(error))

    async def _refusal(self, request: Request, name: str | None) -> Response | None:
        faults = self._sandbox.faults
        concerned = faults.objects is None or name in faults.objects
        if concerned and faults.delay_seconds:
            await asyncio.sleep(faults.delay_seconds)
        if concerned and (outage := self._outage()) is not None:
            return outage
        if (unauthorized := self._unauthorized(request, name)) is not None:
            return unauthorized
        if concerned and faults.rate_limit is not None:
            return too_many(faults.rate_limit)
        if name is not None and name not in self._sandbox.store.objects:
            return problem(404, "unknown_object", f"there is no object {name}")
        if name in faults.forbidden_objects or (faults.read_only and request.method != "GET"):
            return problem(403, "forbidden", f"this account may not {_verb(request.method)} {name}")
        return None

    def _outage(self) -> Response | None:
        faults = self._sandbox.faults
        if faults.server_error is not None:
            fault = faults.server_error
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    faults.server_error = None
            return problem(fault.status, "unavailable", "the plant's system is being mended")
        return Response(LOGON_PAGE, media_type="text/html") if faults.html else None

    def _unauthorized(self, request: Request, name: str | None) -> Response | None:
        state = self._sandbox.faults.credentials
        if state != "accepted":
            return problem(401, f"credentials_{state}", f"these credentials are {state}")
        if not self._sandbox.admits(request.headers.get("authorization", "")):
            return problem(401, "credentials_wrong", "these credentials are not known")
        if name in self._sandbox.faults.unauthorized_objects:
            return problem(401, "unauthorized", f"{name} is not for these credentials")
        return None

    async def _me(self, _request: Request) -> Response:
        faults = self._sandbox.faults
        account = {"id": faults.account or self._sandbox.account, "user": self._sandbox.username}
        return _json({"account": account | ({"expires_at": faults.expires_at} if faults.expires_at else {})})

    async def _schema(self, request: Request) -> Response:
        name = request.path_params["object"]
        faults = self._sandbox.faults
        types = _shown([dict(self._sandbox.store.fields(name))], faults.drift.get(name), typed=True)[0]
        hidden = faults.forbidden_fields.get(name, [])
        fields = [
            {"name": field, "type": kind, "readable": field not in hidden} for field, kind in types.items()
        ]
        return _json({"object": name, "fields": fields})

    async def _list(self, request: Request) -> Response:
        name, query = request.path_params["object"], request.query_params
        unknown = sorted(set(query) - PARAMETERS)
        if unknown:
            raise BadQueryError(f"there is no parameter {', '.join(unknown)}")
        limit, pages = _limit(query.get("limit", "100")), self._sandbox.faults.pages
        since = None if pages == "filter_ignored" else query.get("updated_after")
        if pages == "repeated":
            page = Page(self._sandbox.store.page(name, limit, None, since).records, AGAIN)
        else:
            page = self._sandbox.store.page(name, limit, query.get("cursor"), since)
        if pages == "overlapping" and query.get("cursor"):
            page = self._sandbox.store.overlapping(name, page)
        hidden = self._sandbox.faults.forbidden_fields.get(name, [])
        records = [
            {field: value for field, value in record.items() if field not in hidden}
            for record in _shown(page.records, self._sandbox.faults.drift.get(name))
        ]
        return _json({"data": records, "next_cursor": page.next_cursor})

    async def _create(self, request: Request) -> Response:
        name, values = request.path_params["object"], await self._values(request)
        return _json(self._sandbox.store.create(name, values), 201)

    async def _change(self, request: Request) -> Response:
        name, key = request.path_params["object"], request.path_params["id"]
        changed = self._sandbox.store.change(name, key, await self._values(request))
        return problem(404, "unknown_record", f"{name} has no {key}") if changed is None else _json(changed)

    async def _values(self, request: Request) -> Record:
        try:
            values = await request.json()
        except ValueError:
            raise BadQueryError("the body is no JSON") from None
        if not isinstance(values, dict):
            raise BadQueryError("the body is no object")
        unknown = sorted(set(values) - set(self._sandbox.store.fields(request.path_params["object"])))
        if unknown:
            raise BadQueryError(f"there is no field {', '.join(unknown)}")
        return values


def too_many(limit: RateLimit) -> Response:
    at = datetime.now(UTC) + timedelta(seconds=limit.seconds)
    headers = {
        "retry_after_seconds": {"retry-after": str(round(limit.seconds))},
        "retry_after_date": {"retry-after": format_datetime(at, usegmt=True)},
        "reset_epoch": {"x-ratelimit-reset": str(round(time.time() + limit.seconds))},
        "reset_seconds": {"x-ratelimit-reset": str(round(limit.seconds))},
        "silent": {},
    }[limit.style]
    return problem(429, "too_many_requests", "too many requests", headers)


def _shown(records: Sequence[Record], drift: Drift | None, *, typed: bool = False) -> list[Record]:
    """With the schema as it is now; `typed` where the values are names of types."""
    if drift is None:
        return [dict(record) for record in records]
    added = {name: "string" if typed else value for name, value in drift.added.items()}
    shown = []
    for record in records:
        now = {
            drift.renamed.get(name, name): (
                value if name not in drift.retyped else "object" if typed else {"value": str(value)}
            )
            for name, value in record.items()
            if name not in drift.dropped
        }
        shown.append(now | added)
    return shown


def _limit(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST_RECORDS:
        raise BadQueryError(f"limit is a number up to {MOST_RECORDS}")
    return int(text)


def _verb(method: str) -> str:
    return {"GET": "read", "POST": "create", "PATCH": "change"}.get(method, method.lower())


class _Cutting:
    """Ends answers before their end."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        faults = self._sandbox.faults
        concerned = faults.objects is None or any(
            f"/{name}" in scope.get("path", "") for name in faults.objects
        )
        if scope["type"] != "http" or faults.cut == "no" or not concerned:
            await self._app(scope, receive, send)
            return

        async def cut(message: Message) -> None:
            if message["type"] == "http.response.body":
                body = message.get("body", b"")
                half = body[: len(body) // 2]
                await send({**message, "body": half, "more_body": faults.cut == "body"})
                if faults.cut == "body":
                    raise ConnectionAbortedError("the answer is cut here")
                return
            if message["type"] == "http.response.start" and faults.cut == "json":
                kept = [(name, value) for name, value in message["headers"] if name != b"content-length"]
                message = {**message, "headers": kept}
            await send(message)

        await self._app(scope, receive, cut)
