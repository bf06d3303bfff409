"""The hosted pages: `/connect/{session}` and `/reauthorize/{token}`.

The address is the capability: whoever has it may submit credentials, once, until it expires.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from lineshaft.api.adapters.commands import StoredCommand
from lineshaft.api.adapters.connections import find_connection
from lineshaft.api.adapters.link_sessions import code_for, find_session, lock_session, open_session, submit
from lineshaft.api.domain.forms import Form
from lineshaft.api.domain.link_sessions import (
    LinkSession,
    Refusal,
    origin,
    with_code,
)
from lineshaft.api.domain.problems import FieldProblem, ProblemCode, ProblemError, invalid, problem
from lineshaft.api.domain.refusals import Advice, advice_for
from lineshaft.api.routes.answers import JSON, PROBLEM_MEDIA_TYPE, Json, problems
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.link_sessions import reauthorization_of
from lineshaft.api.routes.pages import page_headers, render
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.integrations.manifest import Manifest
from lineshaft.common.links import InvalidLinkError, open_link

MAX_FIELDS = 100
WAIT_PAGE_SECONDS = 2

router = APIRouter(tags=["connect"])

Capability = Annotated[str, Path(max_length=200)]
CommandPath = Annotated[str, Path(max_length=100)]

_PAGE: dict[str, Any] = {"text/html": {}}
_PAGE_OR_PROBLEM: dict[str, Any] = {
    **_PAGE,
    PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}},
}
_HTML: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page", "content": _PAGE},
    404: {"description": "There is no such link", "content": _PAGE_OR_PROBLEM},
    410: {"description": "The link was used or has expired", "content": _PAGE_OR_PROBLEM},
}
_SUBMIT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page; with `Accept: application/json` the result.",
        "content": {
            **_PAGE,
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {
                        "status": {"enum": ["connected", "verifying", "refused"]},
                        "code": {"type": "string"},
                        "connection_id": {"type": "string"},
                        "problem": {"type": "object"},
                    },
                }
            },
        },
    },
    303: {"description": "On to the vendor, or to a page that waits"},
    404: _HTML[404],
    410: _HTML[410],
}

_FAILURES: dict[int | str, dict[str, Any]] = {
    status: {**one, "content": _PAGE_OR_PROBLEM}
    for status, one in problems().items()
    if status != 401  # noqa: PLR2004
}


@router.get("/connect/{capability}", responses=_HTML | _FAILURES, response_class=Response)
async def show(api: Api, capability: Capability) -> Response:
    session = await find_session(api.pool, capability)
    if session is None:
        return _missing()
    if (refusal := session.refusal(api.clock())) is not None:
        return _refused(refusal)
    return _form(api, session, capability)


@router.post(
    "/connect/{capability}",
    responses=_SUBMIT | _FAILURES,
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "description": "The fields of the system's form; all of them are strings.",
            "content": {
                media_type: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
                for media_type in ("application/x-www-form-urlencoded", JSON)
            },
        }
    },
)
async def submit_form(request: Request, api: Api, capability: Capability) -> Response:
    """Verify the credentials with the source and, if they are right, put them in force."""
    as_json = JSON in request.headers.get("accept", "")
    typed = await _typed(request)
    session = await find_session(api.pool, capability)
    if session is None:
        return _problem_or(as_json, _missing(), ProblemCode.NOT_FOUND, "There is no such link.")
    if (refusal := session.refusal(api.clock())) is not None:
        return _problem_or(as_json, _refused(refusal), ProblemCode.CONFLICT, _REFUSALS[refusal][1])
    manifest = system_of(api.catalog, session.system).manifest
    if session.pending(api.clock()) and session.command_id is not None:
        command_id = session.command_id
    else:
        submitted = _form_of(manifest, session).submit(typed)
        if submitted.errors:
            if as_json:
                raise problem(
                    ProblemCode.VALIDATION_FAILED,
                    "; ".join(f"{key}: {message}" for key, message in submitted.errors.items()),
                    errors=[FieldProblem(key, message) for key, message in submitted.errors.items()],
                )
            return _form(api, session, capability, typed=typed, errors=submitted.errors, status=422)
        started = await _start(api, session, manifest, submitted.settings, submitted.credentials)
        if isinstance(started, Refusal):
            return _problem_or(as_json, _refused(started), ProblemCode.CONFLICT, _REFUSALS[started][1])
        command_id = started
    command = await api.waiters.wait(command_id, api.settings.connect_wait_seconds)
    if as_json:
        return await _json_result(api, session, command_id, command, manifest)
    return await _page_result(api, session, capability, command_id, command, typed=typed)


@router.get(
    "/connect/{capability}/attempts/{command_id}", responses=_SUBMIT | _FAILURES, response_class=Response
)
async def attempt(api: Api, capability: Capability, command_id: CommandPath) -> Response:
    """Waits on for an attempt that took long; the page loads itself again until there is a result."""
    session = await find_session(api.pool, capability)
    if session is None:
        return _missing()
    command = await api.waiters.wait(command_id, 0)
    if command is None or command.session_id != session.session_id:
        return _missing()
    return await _page_result(api, session, capability, command_id, command, waiting=True)


@router.get(
    "/reauthorize/{token}",
    responses=_HTML | {303: {"description": "On to the connect page"}} | _FAILURES,
    response_class=Response,
)
async def reauthorize(api: Api, token: Annotated[str, Path(max_length=1000)]) -> Response:
    """Opens a signed reconnect link."""
    try:
        connection_id = open_link(token, api.link_key, now=api.clock())
    except InvalidLinkError:
        return _message(
            410,
            "This link is not valid any more",
            "It has expired or was not copied whole. Ask the people who sent it for a new one.",
        )
    connection = await find_connection(api.pool, connection_id)
    if connection is None or connection.lifecycle is Lifecycle.DISCONNECTED:
        return _message(
            410,
            "This connection has ended",
            "There is nothing to reconnect. If that surprises you, ask the people who sent you the link.",
        )
    new = reauthorization_of(api, connection, by="reconnect link")
    _, capability = await open_session(api.pool, new)
    return RedirectResponse(f"/connect/{capability}", status_code=303, headers=page_headers())


async def _typed(request: Request) -> dict[str, Any]:
    """Raises a problem for a body that is no form and no JSON object."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() == JSON:
        try:
            body = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            raise invalid("body", "is not JSON") from None
        if not isinstance(body, dict):
            raise invalid("body", "has to be an object of the form's fields")
        return body
    form = await request.form(max_files=0, max_fields=MAX_FIELDS)
    return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}


def _form_of(manifest: Manifest, session: LinkSession) -> Form:
    return Form(manifest, session.reauthorizes, session.settings, session.login)


async def _start(
    api: Context,
    session: LinkSession,
    manifest: Manifest,
    settings: dict[str, Any],
    credentials: dict[str, str],
) -> str | Refusal:
    """The command of the new attempt, or of one that another request has just begun."""
    async with api.pool.acquire() as tx, tx.transaction():
        locked = await lock_session(tx, session.session_id)
        if locked is None:
            return Refusal.GONE
        if (refusal := locked.refusal(api.clock())) is not None:
            return refusal
        if locked.pending(api.clock()) and locked.command_id is not None:
            return locked.command_id
        expected = None
        if session.reauthorizes:
            connection = await find_connection(tx, session.connection_id)
            if connection is None:
                return Refusal.GONE
            expected = connection.account_id
        return await submit(
            tx,
            locked,
            keys=api.keys,
            settings=settings,
            credentials=credentials,
            login=_form_of(manifest, session).login_of(credentials),
            expected_account_id=expected,
            at=api.clock(),
        )


async def _json_result(
    api: Context, session: LinkSession, command_id: str, command: StoredCommand | None, manifest: Manifest
) -> Response:
    if command is None or command.completed_at is None:
        return Json({"status": "verifying"}, headers=page_headers())
    if (refused := _refusal_of(command, manifest)) is not None:
        told, advice = refused
        shown = {
            "code": told.code,
            "outcome": told.outcome,
            "detail": f"{advice.summary} {advice.action}",
            "field": advice.field,
        }
        return Json({"status": "refused", "problem": shown}, headers=page_headers())
    code = await code_for(api.pool, session, command_id, keys=api.keys)
    result = {"status": "connected", "connection_id": session.connection_id}
    return Json(result | ({"code": code} if code else {}), headers=page_headers())


async def _page_result(
    api: Context,
    session: LinkSession,
    capability: str,
    command_id: str,
    command: StoredCommand | None,
    *,
    typed: Mapping[str, Any] | None = None,
    waiting: bool = False,
) -> Response:
    manifest = system_of(api.catalog, session.system).manifest
    if command is None or command.completed_at is None:
        if waiting:
            return render("wait.html", label=manifest.label, seconds=WAIT_PAGE_SECONDS, title="One moment")
        address = f"/connect/{capability}/attempts/{command_id}"
        return RedirectResponse(address, status_code=303, headers=page_headers())
    if (refused := _refusal_of(command, manifest)) is not None:
        session = await find_session(api.pool, capability) or session
        if (refusal := session.refusal(api.clock())) is not None:
            return _refused(refusal)
        _, advice = refused
        return _form(api, session, capability, typed=typed or command.request["login"], advice=advice)
    code = await code_for(api.pool, session, command_id, keys=api.keys)
    if code is not None and session.redirect_url is not None:
        return RedirectResponse(
            with_code(session.redirect_url, code), status_code=303, headers=page_headers()
        )
    return render("done.html", label=manifest.label, title="Connected")


def _refusal_of(command: StoredCommand, manifest: Manifest) -> tuple[CommandProblem, Advice] | None:
    if command.result is not None:
        return None
    told = CommandProblem.model_validate(command.problem or {"code": "internal_error", "message": ""})
    return told, advice_for(told, manifest.label)


def _form(
    api: Context,
    session: LinkSession,
    capability: str,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    advice: Advice | None = None,
    status: int = 200,
) -> Response:
    manifest = system_of(api.catalog, session.system).manifest
    form = _form_of(manifest, session)
    values = {**session.settings, **session.login, **(typed or {})}
    secrets = {credential.key for credential in form.asked_credentials if credential.secret}
    return render(
        "connect.html",
        status=status,
        form_origins=(origin(session.redirect_url),) if session.redirect_url else (),
        title=f"Connect {manifest.label}",
        label=manifest.label,
        action=f"/connect/{capability}",
        reauthorizes=session.reauthorizes,
        settings=form.asked_settings,
        credentials=form.asked_credentials,
        login=[
            (one.title, session.login[one.key])
            for one in manifest.credentials
            if session.reauthorizes and one.key in session.login
        ],
        values={key: value for key, value in values.items() if key not in secrets},
        errors=dict(errors or {}),
        advice=advice,
    )


_REFUSALS = {
    Refusal.EXPIRED: (
        "This link has expired",
        "Ask the people who sent it for a new one.",
    ),
    Refusal.USED: (
        "This link was used already",
        "The connection is made. You can close this window.",
    ),
    Refusal.TOO_MANY_ATTEMPTS: (
        "Too many attempts",
        "Ask the people who sent you this link for a new one.",
    ),
    Refusal.GONE: (
        "This connection has ended",
        "There is nothing to connect. If that surprises you, ask the people who sent you the link.",
    ),
}


def _refused(refusal: Refusal) -> Response:
    title, text = _REFUSALS[refusal]
    return _message(410, title, text)


def _missing() -> Response:
    return _message(404, "There is no such link", "Check that it was copied whole, or ask for a new one.")


def _message(status: int, title: str, text: str) -> Response:
    return render("message.html", status=status, title=title, text=text)


def _problem_or(as_json: bool, page: Response, code: ProblemCode, detail: str) -> Response:  # noqa: FBT001  both callers name it
    if as_json:
        raise _problem(code, detail, page.status_code)
    return page


def _problem(code: ProblemCode, detail: str, status: int) -> ProblemError:
    return problem(code, detail, status=status)
