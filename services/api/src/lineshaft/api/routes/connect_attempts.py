"""An attempt to connect: the candidate is sent off, and its result becomes a page or JSON."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import RedirectResponse, Response

from lineshaft.api.adapters.commands import StoredCommand, find_command
from lineshaft.api.adapters.connections import lock_connection
from lineshaft.api.adapters.link_sessions import code_for, find_session, lock_session, submit
from lineshaft.api.domain.consents import asks_for_consent
from lineshaft.api.domain.link_sessions import LinkSession, Refusal, SessionState, with_code
from lineshaft.api.domain.refusals import Advice, advice_for
from lineshaft.api.domain.verification import steps
from lineshaft.api.routes.answers import Json
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.connect_pages import form_page, missing, refused
from lineshaft.api.routes.context import Context
from lineshaft.api.routes.pages import page_headers, render
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.events.connections import Lifecycle


async def start(
    api: Context,
    session: LinkSession,
    settings: dict[str, Any],
    credentials: dict[str, str],
    login: dict[str, str],
    *,
    chooses: bool,
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
            connection = await lock_connection(tx, session.connection_id)
            if connection is None or connection.lifecycle is Lifecycle.DELETED:
                raise refused(Refusal.GONE)
            expected = connection.account_id
        return await submit(
            tx,
            locked,
            keys=api.keys,
            settings=settings,
            credentials=credentials,
            login=login,
            expected_account_id=expected,
            chooses=chooses and not session.reauthorizes,
            at=api.clock(),
        )


async def find_attempt(api: Context, capability: str, command_id: str) -> tuple[LinkSession, StoredCommand]:
    """Raises a problem, a page in browsers, for what is no attempt of this link."""
    session = await find_session(api.pool, capability)
    command = await find_command(api.pool, command_id)
    if (
        session is None
        or command is None
        or command.session_id != session.session_id
        or command.kind != "authorize"
    ):
        raise missing()
    return session, command


async def json_result(
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
    state = await _state(api, capability)
    if state is SessionState.CHOOSING:
        return Json({"status": "choosing"}, headers=page_headers())
    if state is not SessionState.COMPLETED:
        raise refused(Refusal.GONE)
    code = await code_for(api.pool, session, command.command_id, keys=api.keys)
    result = {"status": "connected", "connection_id": session.connection_id}
    return Json(result | ({"code": code} if code else {}), headers=page_headers())


async def page_result(
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
        return await form_page(
            api,
            manifest,
            session,
            capability,
            typed=typed or command.request["login"],
            advice=advice,
            steps=steps(manifest.label, reauthorizes=session.reauthorizes, failed=told),
        )
    state = await _state(api, capability)
    if state is SessionState.CHOOSING:
        address = address_of(capability, command.command_id)
        return RedirectResponse(address, status_code=303, headers=page_headers())
    if state is not SessionState.COMPLETED:
        raise refused(Refusal.GONE)
    code = await code_for(api.pool, session, command.command_id, keys=api.keys)
    if code is not None and session.redirect_url is not None:
        return RedirectResponse(
            with_code(session.redirect_url, code), status_code=303, headers=page_headers()
        )
    return render(
        "done.html",
        api.brand,
        label=manifest.label,
        title="Connected",
        reauthorizes=session.reauthorizes,
    )


async def _state(api: Context, capability: str) -> SessionState | None:
    """Open again where the connection was deleted while its credentials were verified."""
    session = await find_session(api.pool, capability)
    return session.state if session is not None else None


def address_of(capability: str, command_id: str) -> str:
    """Of the page where the customer chooses."""
    return f"/connect/{capability}/attempts/{command_id}/objects"


def _attempt_address(capability: str, command: StoredCommand) -> str:
    return f"/connect/{capability}/attempts/{command.command_id}"


def _refusal_of(command: StoredCommand) -> CommandProblem | None:
    if command.result is not None:
        return None
    return CommandProblem.model_validate(command.problem or {"code": "internal_error", "message": ""})


def _advice(api: Context, session: LinkSession, told: CommandProblem) -> Advice:
    manifest = system_of(api.catalog, session.system).manifest
    return advice_for(told, manifest.label, consents=asks_for_consent(manifest))
