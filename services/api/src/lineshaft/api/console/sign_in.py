"""`/console/sign-in`: a password of the settings, or an admin key."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.console_sessions import ConsoleSession, begin_session, end_session
from lineshaft.api.adapters.keys import find_caller
from lineshaft.api.console.notices import back_to
from lineshaft.api.console.pages import HOME, page
from lineshaft.api.console.throttle import Throttle
from lineshaft.api.console.visitors import (
    COOKIE,
    SIGN_IN,
    Form,
    begin_visit,
    find_visitor,
    form_of,
    passwords_of,
    require_own_origin,
)
from lineshaft.api.domain.keys import KeyKind, kind_of
from lineshaft.api.domain.sign_in import is_csrf_token, new_session_token, role_of, safe_target
from lineshaft.api.routes.context import Api, Context

LONGEST_NAME = 60
REFUSED = 401
UNNAMED = "console"

router = APIRouter(prefix=HOME)


@router.get("/sign-in")
async def show(request: Request, api: Api, target: Annotated[str, Query(alias="next")] = "") -> Response:
    if await find_visitor(api, request) is not None:
        return back_to(safe_target(target, HOME))
    return _page(request, api, target=target)


@router.post("/sign-in")
async def sign_in(request: Request, api: Api, form: Form) -> Response:
    require_own_origin(request)
    target = safe_target(str(form.get("next", "")), HOME)
    secret = str(form.get("secret", "")).strip()
    name = " ".join(str(form.get("name", "")).split())[:LONGEST_NAME]
    token = new_session_token()
    if not await _begin(request, api, token, secret, name):
        return _page(request, api, target=target, name=name, refused=True)
    response = back_to(target)
    begin_visit(response, api, token)
    return response


async def _begin(request: Request, api: Context, token: str, secret: str, name: str) -> bool:
    expires_at = api.clock() + api.settings.console_session_lifetime
    if kind_of(secret) is KeyKind.ADMIN:
        caller = await find_caller(api.pool, secret)
        role = role_of(caller.scopes) if caller is not None else None
        if caller is None or role is None:
            return False
        session = ConsoleSession(f"{name} ({caller.key_id})" if name else caller.key_id, role)
        await begin_session(api.pool, token, session, expires_at=expires_at, key_id=caller.key_id)
        await _noted(api, session)
        return True
    throttle: Throttle = request.app.state.throttle
    throttle.check(api.clock())
    passwords = passwords_of(api.settings)
    role = passwords.role_of(secret)
    if role is None:
        throttle.failed(api.clock())
        return False
    session = ConsoleSession(name or UNNAMED, role)
    await begin_session(api.pool, token, session, expires_at=expires_at, mark=passwords.mark(role))
    await _noted(api, session)
    return True


async def _noted(api: Context, session: ConsoleSession) -> None:
    await audit.note(
        api.pool, "console.signed_in", by=session.who, at=api.clock(), after={"role": session.role}
    )


@router.post("/sign-out")
async def sign_out(request: Request, api: Api) -> Response:
    """A viewer may, too."""
    require_own_origin(request)
    token = request.cookies.get(COOKIE, "")
    response = back_to(SIGN_IN)
    if token and is_csrf_token(token, str((await form_of(request)).get("csrf", ""))):
        await end_session(api.pool, token)
        response.delete_cookie(COOKIE, path=HOME, httponly=True, samesite="strict")
    return response


def _page(request: Request, api: Context, *, target: str, name: str = "", refused: bool = False) -> Response:
    return page(
        request,
        "sign_in.html",
        http_status=REFUSED if refused else 200,
        target=target,
        name=name,
        refused=refused,
        provider=api.settings.console_oidc_name if api.settings.console_oidc_issuer else None,
        has_password=bool(passwords_of(api.settings).by_role),
    )
