"""Who looks at a page: the session behind the cookie, and whether a form may be taken from them."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from lineshaft.api.adapters.console_sessions import find_console_session
from lineshaft.api.adapters.keys import Caller
from lineshaft.api.console.notices import back_to
from lineshaft.api.console.pages import HOME, is_part
from lineshaft.api.domain.keys import KeyKind
from lineshaft.api.domain.problems import ProblemCode, problem
from lineshaft.api.domain.sign_in import SCOPES, Passwords, Role, csrf_token, is_csrf_token
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.settings import ApiSettings

COOKIE = "lineshaft_console"
CSRF_FIELD = "csrf"
MAX_FIELDS = 10_000
SIGN_IN = f"{HOME}/sign-in"


class SignInNeededError(Exception):
    """Nobody is signed in, or no longer."""


@dataclass(frozen=True, slots=True)
class Visitor:
    who: str
    role: Role
    csrf: str

    @property
    def edits(self) -> bool:
        return self.role is Role.EDITOR

    @property
    def caller(self) -> Caller:
        """As the API's own functions know who asks."""
        return Caller(self.who, KeyKind.ADMIN, None, SCOPES[self.role])


def passwords_of(settings: ApiSettings) -> Passwords:
    given = {Role.EDITOR: settings.console_password, Role.VIEWER: settings.console_viewer_password}
    return Passwords(
        {role: secret.get_secret_value() for role, secret in given.items() if secret is not None},
        settings.link_signing_key.get_secret_value(),
    )


def oidc_mark(settings: ApiSettings) -> str:
    """What a session keeps of the provider that it began with: it ends when another one is set."""
    told = f"console/oidc/{settings.console_oidc_issuer}/{settings.console_oidc_client_id}"
    key = settings.link_signing_key.get_secret_value()
    return hmac.new(key.encode(), told.encode(), hashlib.sha256).hexdigest()


def _marks(settings: ApiSettings) -> list[str]:
    marks = passwords_of(settings).marks
    return [*marks, oidc_mark(settings)] if settings.console_oidc_issuer else marks


def begin_visit(response: Response, api: Context, token: str) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(api.settings.console_session_seconds),
        path=HOME,
        secure=api.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )


async def find_visitor(api: Context, request: Request) -> Visitor | None:
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    session = await find_console_session(api.pool, token, marks=_marks(api.settings), at=api.clock())
    return Visitor(session.who, session.role, csrf_token(token)) if session else None


async def _visitor(request: Request, api: Api) -> Visitor:
    visitor = await find_visitor(api, request)
    if visitor is None:
        raise SignInNeededError
    return visitor


def require_own_origin(request: Request) -> None:
    """A browser says where a form comes from; another site's is refused even if its cookie came along.

    Raises:
        ProblemError: the form stands on a page of somebody else.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise problem(ProblemCode.FORBIDDEN, "This form was sent from another site.")


async def _editor(request: Request, visitor: Annotated[Visitor, Depends(_visitor)]) -> Visitor:
    require_own_origin(request)
    form = await form_of(request)
    if not is_csrf_token(request.cookies[COOKIE], str(form.get(CSRF_FIELD, ""))):
        raise problem(ProblemCode.FORBIDDEN, "The page was open for too long. Load it again, then repeat.")
    if not visitor.edits:
        raise problem(ProblemCode.FORBIDDEN, "You are signed in as a viewer; ask an editor to do this.")
    return visitor


async def form_of(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=MAX_FIELDS)


async def _form(request: Request) -> FormData:
    return await form_of(request)


Signed = Annotated[Visitor, Depends(_visitor)]
"""Somebody who is signed in."""
Editor = Annotated[Visitor, Depends(_editor)]
"""An editor who sends a form of ours."""
Form = Annotated[FormData, Depends(_form)]


async def on_sign_in_needed(request: Request, _: Exception) -> Response:
    if is_part(request):
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN, "Cache-Control": "no-store"})
    target = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    wanted = request.method == "GET" and target != HOME
    return back_to(f"{SIGN_IN}?{urlencode({'next': target})}" if wanted else SIGN_IN)
