"""`/console/sign-in/oidc`: signing in where the vendor's people sign in to everything."""

from typing import Annotated

import orjson
from fastapi import APIRouter, FastAPI, Query, Request
from starlette.responses import RedirectResponse, Response

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.console_sessions import ConsoleSession, begin_session
from lineshaft.api.adapters.oidc import OidcError, OidcProvider
from lineshaft.api.console.notices import SEE_OTHER
from lineshaft.api.console.pages import HOME, page
from lineshaft.api.console.visitors import begin_visit, oidc_mark
from lineshaft.api.domain.oidc import Attempt, RoleRules, name_of, new_attempt
from lineshaft.api.domain.problems import ProblemCode, not_found, problem
from lineshaft.api.domain.sign_in import Role, new_session_token, safe_target
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.settings import ApiSettings
from lineshaft.common.encryption import UnreadableSecretError
from lineshaft.common.logs import logger

COOKIE = "lineshaft_oidc"
MINUTES = 10
START = f"{HOME}/sign-in/oidc"
BACK = f"{START}/callback"

log = logger(__name__)
router = APIRouter(prefix=START)


def install_provider(app: FastAPI, settings: ApiSettings) -> None:
    secret = settings.console_oidc_client_secret
    app.state.oidc = (
        OidcProvider(
            settings.console_oidc_issuer,
            settings.console_oidc_client_id,
            secret.get_secret_value() if secret else "",
            settings.console_oidc_scopes,
        )
        if settings.console_oidc_issuer
        else None
    )


@router.get("")
async def leave(request: Request, api: Api, target: Annotated[str, Query(alias="next")] = "") -> Response:
    """Send the browser to the provider; what is needed on the way back goes along in a sealed cookie."""
    provider = _provider(request)
    attempt = new_attempt(safe_target(target, HOME))
    try:
        address = await provider.login_url(attempt, _redirect_uri(api))
    except OidcError as error:
        raise _unavailable(error) from error
    response = RedirectResponse(address, status_code=SEE_OTHER, headers={"Cache-Control": "no-store"})
    sealed = api.keys.seal(orjson.dumps(attempt.values()), bound_to=COOKIE)
    response.set_cookie(
        COOKIE,
        sealed.hex(),
        max_age=MINUTES * 60,
        path=START,
        secure=api.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",  # the way back begins at the provider's site
    )
    return response


@router.get("/callback")
async def come_back(
    request: Request,
    api: Api,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    provider = _provider(request)
    attempt = _attempt(request, api)
    if attempt is None or attempt.state != state:
        raise _refused("This sign-in was not begun in this browser, or too long ago. Begin again.")
    if error or not code:
        raise _refused(f"The identity provider ended the sign-in: {error or 'it sent no code'}.")
    try:
        claims = await provider.claims(attempt, code, _redirect_uri(api))
    except OidcError as reason:
        raise _unavailable(reason) from reason
    rules = _rules(api.settings)
    role = rules.role_of(claims)
    if role is None:
        held = ", ".join(sorted(rules.held(claims))) or "nothing"
        raise _refused(
            f"{name_of(claims)} has no role here: {rules.claim} says {held}. Ask who runs Lineshaft."
        )
    return await _signed_in(request, api, ConsoleSession(name_of(claims), role), attempt.target)


async def _signed_in(request: Request, api: Context, session: ConsoleSession, target: str) -> Response:
    """A page of ours, not a redirect: a strict cookie does not go along where another site led here."""
    token = new_session_token()
    expires_at = api.clock() + api.settings.console_session_lifetime
    await begin_session(api.pool, token, session, expires_at=expires_at, mark=oidc_mark(api.settings))
    await audit.note(
        api.pool, "console.signed_in", by=session.who, at=api.clock(), after={"role": session.role}
    )
    response = page(request, "signed_in.html", who=session.who, target=target)
    begin_visit(response, api, token)
    response.delete_cookie(COOKIE, path=START, httponly=True, samesite="lax")
    return response


def _rules(settings: ApiSettings) -> RoleRules:
    listed = {Role.EDITOR: settings.console_oidc_editors, Role.VIEWER: settings.console_oidc_viewers}
    return RoleRules(
        settings.console_oidc_role_claim,
        {role: {one.strip() for one in text.split(",") if one.strip()} for role, text in listed.items()},
    )


def _attempt(request: Request, api: Context) -> Attempt | None:
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    try:
        sealed = bytes.fromhex(cookie)
        return Attempt(**orjson.loads(api.keys.open(sealed, bound_to=COOKIE)))
    except (ValueError, UnreadableSecretError):
        return None


def _provider(request: Request) -> OidcProvider:
    provider: OidcProvider | None = request.app.state.oidc
    if provider is None:
        raise not_found("identity provider; set LINESHAFT_CONSOLE_OIDC_ISSUER")
    return provider


def _redirect_uri(api: Context) -> str:
    return api.settings.public_url.rstrip("/") + BACK


def _refused(detail: str) -> Exception:
    return problem(ProblemCode.FORBIDDEN, detail)


def _unavailable(error: OidcError) -> Exception:
    log.warning("oidc_failed", reason=str(error))
    return problem(
        ProblemCode.CONNECTION_UNAVAILABLE,
        "The identity provider does not answer as it should; api's log says why. A password still signs in.",
    )
