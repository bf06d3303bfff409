"""`/connect/{capability}`: the hosted page where a customer logs in.

The address is the capability: whoever has it may submit credentials, once, until it expires.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from lineshaft.api.adapters.commands import StoredCommand, find_command
from lineshaft.api.adapters.connections import find_connection
from lineshaft.api.adapters.link_sessions import code_for, find_session, lock_session, submit
from lineshaft.api.domain.link_sessions import LinkSession, Refusal, SessionState, with_code
from lineshaft.api.domain.problems import FieldProblem, ProblemCode, invalid, problem
from lineshaft.api.domain.refusals import Advice, advice_for
from lineshaft.api.routes.answers import JSON, Json
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.connect_answers import FAILURES, HTML, SUBMIT
from lineshaft.api.routes.connect_pages import form_of, form_page, missing, refused
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.pages import page_headers, render
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.integrations.manifest import Manifest

MAX_FIELDS = 100
WAIT_PAGE_SECONDS = 2

router = APIRouter(tags=["connect"])

Capability = Annotated[str, Path(max_length=200)]
CommandPath = Annotated[str, Path(max_length=100)]


@router.get("/connect/{capability}", responses=HTML | FAILURES, response_class=Response)
async def show(api: Api, capability: Capability) -> Response:
    session = await find_session(api.pool, capability)
    if session is None:
        raise missing()
    if (refusal := session.refusal(api.clock())) is not None:
        raise refused(refusal)
    manifest = system_of(api.catalog, session.system).manifest
    return form_page(manifest, session, capability)


@router.post(
    "/connect/{capability}",
    responses=SUBMIT | FAILURES,
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
        raise missing()
    if (refusal := session.refusal(api.clock())) is not None:
        raise refused(refusal)
    manifest = system_of(api.catalog, session.system).manifest
    if session.pending(api.clock()) and session.command_id is not None:
        command_id = session.command_id
    else:
        submitted = form_of(manifest, session).submit(typed)
        if submitted.errors:
            if as_json:
                raise problem(
                    ProblemCode.VALIDATION_FAILED,
                    "; ".join(f"{key}: {message}" for key, message in submitted.errors.items()),
                    errors=[FieldProblem(key, message) for key, message in submitted.errors.items()],
                )
            return form_page(manifest, session, capability, typed=typed, errors=submitted.errors, status=422)
        command_id = await _start(api, session, manifest, submitted.settings, submitted.credentials)
    command = await api.waiters.wait(command_id, api.settings.connect_wait_seconds)
    if command is None:
        raise missing()
    if as_json:
        return await _json_result(api, session, capability, command)
    return await _page_result(api, session, capability, command, typed=typed)


@router.get(
    "/connect/{capability}/attempts/{command_id}", responses=SUBMIT | FAILURES, response_class=Response
)
async def attempt(request: Request, api: Api, capability: Capability, command_id: CommandPath) -> Response:
    """What became of an attempt that took long; the page loads itself again until there is a result."""
    as_json = JSON in request.headers.get("accept", "")
    session = await find_session(api.pool, capability)
    command = await find_command(api.pool, command_id)
    if session is None or command is None or command.session_id != session.session_id:
        raise missing()
    if as_json:
        return await _json_result(api, session, capability, command)
    if command.completed_at is None:
        label = system_of(api.catalog, session.system).manifest.label
        return render("wait.html", label=label, seconds=WAIT_PAGE_SECONDS, title="One moment")
    return await _page_result(api, session, capability, command)


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


async def _start(
    api: Context,
    session: LinkSession,
    manifest: Manifest,
    settings: dict[str, Any],
    credentials: dict[str, str],
) -> str:
    """The command of the new attempt, or of one that another request has just begun."""
    async with api.pool.acquire() as tx, tx.transaction():
        locked = await lock_session(tx, session.session_id)
        if locked is None:
            raise refused(Refusal.GONE)
        if (refusal := locked.refusal(api.clock())) is not None:
            raise refused(refusal)
        if locked.pending(api.clock()) and locked.command_id is not None:
            return locked.command_id
        expected = None
        if session.reauthorizes:
            connection = await find_connection(tx, session.connection_id)
            if connection is None:
                raise refused(Refusal.GONE)
            expected = connection.account_id
        return await submit(
            tx,
            locked,
            keys=api.keys,
            settings=settings,
            credentials=credentials,
            login=form_of(manifest, session).login_of(credentials),
            expected_account_id=expected,
            at=api.clock(),
        )


async def _json_result(
    api: Context, session: LinkSession, capability: str, command: StoredCommand
) -> Response:
    if command.completed_at is None:
        pending = {"status": "verifying", "attempt": _attempt_address(capability, command)}
        return Json(pending, headers=page_headers())
    if (told := _refusal_of(command)) is not None:
        advice = _advice(api, session, told)
        shown = {
            "code": told.code,
            "outcome": told.outcome,
            "detail": f"{advice.summary} {advice.action}",
            "field": advice.field,
        }
        return Json({"status": "refused", "problem": shown}, headers=page_headers())
    if not await _is_completed(api, capability):
        raise refused(Refusal.GONE)
    code = await code_for(api.pool, session, command.command_id, keys=api.keys)
    result = {"status": "connected", "connection_id": session.connection_id}
    return Json(result | ({"code": code} if code else {}), headers=page_headers())


async def _page_result(
    api: Context,
    session: LinkSession,
    capability: str,
    command: StoredCommand,
    *,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    manifest = system_of(api.catalog, session.system).manifest
    if command.completed_at is None:
        address = _attempt_address(capability, command)
        return RedirectResponse(address, status_code=303, headers=page_headers())
    if (told := _refusal_of(command)) is not None:
        session = await find_session(api.pool, capability) or session
        if (refusal := session.refusal(api.clock())) is not None:
            raise refused(refusal)
        advice = _advice(api, session, told)
        return form_page(
            manifest, session, capability, typed=typed or command.request["login"], advice=advice
        )
    if not await _is_completed(api, capability):
        raise refused(Refusal.GONE)
    code = await code_for(api.pool, session, command.command_id, keys=api.keys)
    if code is not None and session.redirect_url is not None:
        return RedirectResponse(
            with_code(session.redirect_url, code), status_code=303, headers=page_headers()
        )
    return render("done.html", label=manifest.label, title="Connected")


async def _is_completed(api: Context, capability: str) -> bool:
    """False where the connection was deleted while its credentials were verified."""
    session = await find_session(api.pool, capability)
    return session is not None and session.state is SessionState.COMPLETED


def _attempt_address(capability: str, command: StoredCommand) -> str:
    return f"/connect/{capability}/attempts/{command.command_id}"


def _refusal_of(command: StoredCommand) -> CommandProblem | None:
    if command.result is not None:
        return None
    return CommandProblem.model_validate(command.problem or {"code": "internal_error", "message": ""})


def _advice(api: Context, session: LinkSession, told: CommandProblem) -> Advice:
    return advice_for(told, system_of(api.catalog, session.system).manifest.label)
