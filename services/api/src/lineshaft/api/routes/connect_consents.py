"""Systems at which customers log in themselves: there, and back at `/connect/callback`.

The way back is bound to the link session by a state that works once, and to the browser by a cookie; a code
that somebody else got is worth nothing without the verifier, which stays here.
"""

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from lineshaft.api.adapters import consents
from lineshaft.api.adapters.link_sessions import find_session
from lineshaft.api.adapters.oauth_clients import find_client
from lineshaft.api.domain.consents import (
    CALLBACK_PATH,
    DENIED,
    LIFETIME,
    Consent,
    consent_address,
    new_secret,
)
from lineshaft.api.domain.forms import Submitted
from lineshaft.api.domain.link_sessions import LinkSession
from lineshaft.api.routes.answers import JSON, Json
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.connect_answers import CALLBACK, FAILURES
from lineshaft.api.routes.connect_attempts import json_result, page_result, start
from lineshaft.api.routes.connect_pages import missing, not_ready, refused
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.pages import page_headers, render
from lineshaft.common.integrations.manifest import Manifest
from lineshaft.common.integrations.oauth import CLIENT_ID

COOKIE = "lineshaft_consent"
MISSED, FORBIDDEN, GONE = 400, 403, 410

router = APIRouter(tags=["connect"])


class _Sent(BaseModel):
    """What the system adds to the address; whatever else it adds is passed over."""

    state: str = Field(default="", max_length=200)
    code: str | None = Field(default=None, max_length=4000)
    error: str = Field(default="", max_length=100)


async def send_to_system(
    api: Context,
    session: LinkSession,
    capability: str,
    submitted: Submitted,
    login: dict[str, str],
    *,
    as_json: bool,
    chooses: bool,
) -> Response:
    """A page that leads there. A redirect would be bound, with all that follow it, by the form's policy."""
    manifest = system_of(api.catalog, session.system).manifest
    client_id = await _client_id(api, manifest, submitted)
    state, browser = new_secret(), new_secret()
    consent = Consent(
        capability=capability,
        browser=browser,
        code_verifier=new_secret(),
        redirect_uri=api.callback_url,
        settings=submitted.settings,
        credentials=submitted.credentials,
        login=login,
        chooses=chooses,
    )
    expires_at = api.clock() + LIFETIME
    await consents.keep(api.pool, session.session_id, state, consent, keys=api.keys, expires_at=expires_at)
    address = consent_address(
        manifest,
        submitted.settings,
        client_id=client_id,
        redirect_uri=consent.redirect_uri,
        state=state,
        verifier=consent.code_verifier,
    )
    response: Response
    if as_json:
        response = Json({"status": "consent", "authorize_url": address}, headers=page_headers())
    else:
        label = manifest.label
        response = render("consent.html", api.brand, title=f"On to {label}", label=label, address=address)
    response.set_cookie(
        COOKIE,
        browser,
        max_age=int(LIFETIME.total_seconds()),
        path=CALLBACK_PATH,
        secure=api.callback_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get(CALLBACK_PATH, responses=CALLBACK | FAILURES, response_class=Response)
async def come_back(
    request: Request,
    api: Api,
    sent: Annotated[_Sent, Query()],
) -> Response:
    """Where the system sends the customer after the login there."""
    found = await _taken(api, sent.state, request.cookies.get(COOKIE, ""))
    if isinstance(found, Response):
        return found
    session = await find_session(api.pool, found.capability)
    if session is None:
        raise missing()
    if (refusal := session.refusal(api.clock())) is not None:
        raise refused(refusal)
    if sent.code is None:
        return _not_allowed(api, session, found, sent.error)
    command_id = await start(
        api,
        session,
        found.settings,
        found.with_code(sent.code),
        found.login,
        chooses=found.chooses,
    )
    patience = api.settings.page_wait_seconds if found.chooses else api.settings.connect_wait_seconds
    command = await api.waiters.wait(command_id, patience)
    if command is None:
        raise missing()
    if JSON in request.headers.get("accept", ""):
        return await json_result(api, session, found.capability, command)
    return await page_result(api, session, found.capability, command)


async def _client_id(api: Context, manifest: Manifest, submitted: Submitted) -> str:
    own = submitted.credentials.get(CLIENT_ID)
    if own is not None:
        return own
    client = await find_client(api.pool, manifest.id)
    if client is None:
        raise not_ready(manifest.label)
    return client.client_id


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    text: str
    status: int


_UNKNOWN = _Words(
    "This login was used already",
    "Or it never was one of ours. Open the link that you were sent once more.",
    GONE,
)
_LATE = _Words("This took too long", "You were away for more than a quarter of an hour.", GONE)
_ELSEWHERE = _Words(
    "Please use the browser in which you began",
    "The login began in another browser, or yours keeps no cookies. Nothing was changed.",
    FORBIDDEN,
)


async def _taken(api: Context, state: str, browser: str) -> Consent | Response:
    """What was kept for this state, once; or the page that says why there is nothing."""
    async with api.pool.acquire() as tx, tx.transaction():
        found = await consents.lock(tx, state, keys=api.keys)
        if found is None:
            return _page(api, _UNKNOWN)
        session_id, expires_at, consent = found
        if not secrets.compare_digest(browser.encode(), consent.browser.encode()):
            return _page(api, _ELSEWHERE)
        await consents.end(tx, session_id)
    return consent if api.clock() < expires_at else _page(api, _LATE, consent.capability)


def _not_allowed(api: Context, session: LinkSession, consent: Consent, error: str) -> Response:
    label = system_of(api.catalog, session.system).manifest.label
    if error == DENIED:
        words = _Words(
            f"{label} was not connected",
            f"You did not allow it there, or your account may not. Without it nothing is read from {label}.",
            FORBIDDEN,
        )
    else:
        told = error if error and error.isascii() and error.isprintable() else "nothing"
        words = _Words(f"{label} did not let you in", f"It said: {told}. Nothing was changed.", MISSED)
    return _page(api, words, consent.capability)


def _page(api: Context, words: _Words, capability: str | None = None) -> Response:
    """`capability`: of the page at which the customer can start again."""
    return render(
        "consent_refused.html",
        api.brand,
        status=words.status,
        title=words.title,
        text=words.text,
        again=f"/connect/{capability}" if capability else None,
    )
