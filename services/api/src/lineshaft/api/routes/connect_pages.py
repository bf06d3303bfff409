"""The pages a customer sees while connecting."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from lineshaft.api.adapters.keys import find_known
from lineshaft.api.adapters.oauth_clients import find_client
from lineshaft.api.domain import verification
from lineshaft.api.domain.branding import Brand
from lineshaft.api.domain.choices import Choice, sample_of
from lineshaft.api.domain.consents import asks_for_consent
from lineshaft.api.domain.forms import Form
from lineshaft.api.domain.link_sessions import LinkSession, Refusal, origin
from lineshaft.api.domain.problems import Problem, ProblemCode, ProblemError
from lineshaft.api.domain.reconnecting import next_steps, why
from lineshaft.api.domain.refusals import Advice
from lineshaft.api.domain.verification import Step
from lineshaft.api.routes.context import Context, context_of
from lineshaft.api.routes.pages import WAIT_SCRIPT_PATH, render
from lineshaft.common.integrations import System
from lineshaft.common.integrations.manifest import Manifest
from lineshaft.common.integrations.oauth import operators_client

OK, MISSING, NOT_READY, GONE = 200, 404, 409, 410
WAIT_PAGE_SECONDS = 1

Capability = Annotated[str, Path(max_length=200)]
CommandPath = Annotated[str, Path(max_length=100)]

REFUSALS = {
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
    Refusal.INVALID_LINK: (
        "This link is not valid any more",
        "It has expired or was not copied whole. Ask the people who sent it for a new one.",
    ),
    Refusal.GONE: (
        "This connection has ended",
        "There is nothing to connect to. If that surprises you, ask the people who sent you the link.",
    ),
}


def refused(refusal: Refusal) -> ProblemError:
    """Becomes a page in a browser, JSON for a program."""
    title, detail = REFUSALS[refusal]
    return ProblemError(Problem(ProblemCode.CONFLICT, detail, GONE, title))


def missing() -> ProblemError:
    detail = "Check that it was copied whole, or ask for a new one."
    return ProblemError(Problem(ProblemCode.NOT_FOUND, detail, MISSING, "There is no such link"))


def not_ready(label: str) -> ProblemError:
    detail = f"The people who sent you this link have to register with {label} first. Tell them, please."
    return ProblemError(Problem(ProblemCode.CONFLICT, detail, NOT_READY, f"{label} cannot be connected yet"))


def problem_page(found: Problem, request: Request) -> Response:
    return render(
        "message.html", context_of(request).brand, status=found.status, title=found.title, text=found.detail
    )


def form_of(manifest: Manifest, session: LinkSession) -> Form:
    return Form(manifest, session.reauthorizes, session.settings, session.login)


async def systems_page(api: Context, session: LinkSession, capability: str) -> Response:
    """Those that are offered and can be connected now, by name."""
    offered = [api.catalog.systems[name] for name in session.offered or () if name in api.catalog.systems]
    ready = [
        one
        for one in offered
        if not operators_client(one.manifest) or await find_client(api.pool, one.id) is not None
    ]
    return render(
        "systems.html",
        api.brand,
        title="Which system do you use?",
        action=f"/connect/{capability}",
        systems=sorted(ready, key=lambda one: one.manifest.label.lower()),
    )


async def form_page(
    api: Context,
    manifest: Manifest,
    session: LinkSession,
    capability: str,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    advice: Advice | None = None,
    steps: Sequence[Step] = (),
    status: int = 200,
) -> Response:
    form = form_of(manifest, session)
    values = {**session.settings, **session.login, **(typed or {})}
    secrets = {credential.key for credential in form.asked_credentials if credential.secret}
    known = await find_known(api.pool, session.connection_id) if session.reauthorizes else None
    return render(
        "connect.html",
        api.brand,
        status=status,
        form_origins=(origin(session.redirect_url),) if session.redirect_url else (),
        title=f"{'Reconnect' if session.reauthorizes else 'Connect'} {manifest.label}",
        label=manifest.label,
        action=f"/connect/{capability}" + (f"?system={session.system}" if session.offered else ""),
        others=f"/connect/{capability}?system=" if session.offered else None,
        reauthorizes=session.reauthorizes,
        consents=asks_for_consent(manifest),
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
        steps=steps,
        why=why(known, manifest.label) if known and advice is None else [],
        next_steps=next_steps(manifest.label),
    )


def waiting_page(brand: Brand, manifest: Manifest, session: LinkSession, *, done: int = 0) -> Response:
    """Loads itself again until there is a result."""
    return render(
        "wait.html",
        brand,
        label=manifest.label,
        scripted=True,
        script_path=WAIT_SCRIPT_PATH,
        seconds=WAIT_PAGE_SECONDS,
        title=f"Checking with {manifest.label}",
        steps=verification.steps(manifest.label, reauthorizes=session.reauthorizes, done=done),
    )


def choice_page(
    brand: Brand,
    system: System,
    session: LinkSession,
    offered: Sequence[Choice],
    *,
    action: str,
    ticked: Collection[str],
    shown: str | None,
    account: str,
    status: int = 200,
) -> Response:
    """With a sample of the object `shown`, else of the first that has one."""
    with_records = [one for one in offered if one.records]
    chosen = next((one for one in offered if one.object == shown), next(iter(with_records), None))
    return render(
        "choose.html",
        brand,
        status=status,
        form_origins=(origin(session.redirect_url),) if session.redirect_url else (),
        action=action,
        title=f"What is read from {system.manifest.label}",
        label=system.manifest.label,
        account=account,
        offered=offered,
        ticked=set(ticked),
        shown=chosen,
        samples=sample_of(system, chosen) if chosen else [],
        failed=status != OK,
    )
