"""`/connect/{capability}/attempts/{attempt}/objects`: the customer sees what would be read, and chooses.

Whoever logged in has this address; the link alone leads back to the login.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from lineshaft.api.adapters.commands import StoredCommand, find_command
from lineshaft.api.adapters.link_sessions import lock_session
from lineshaft.api.adapters.visits import forget_samples, sample_of
from lineshaft.api.domain import choices
from lineshaft.api.domain.link_sessions import LinkSession, SessionState
from lineshaft.api.domain.verification import LOGGED_IN
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.connect_answers import CHOOSE, FAILURES
from lineshaft.api.routes.connect_attempts import address_of, find_attempt, page_result
from lineshaft.api.routes.connect_pages import (
    Capability,
    CommandPath,
    choice_page,
    refused,
    waiting_page,
)
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.pages import page_headers
from lineshaft.common.events.commands import SampledObject

NOTHING_CHOSEN = 422
LONGEST_LOOK = timedelta(seconds=90)
"""After that the customer chooses without a sample."""

router = APIRouter(tags=["connect"])


@router.get(
    "/connect/{capability}/attempts/{command_id}/objects",
    responses=CHOOSE | FAILURES,
    response_class=Response,
)
async def show_choice(
    *,
    api: Api,
    capability: Capability,
    command_id: CommandPath,
    objects: Annotated[list[str], Query(max_length=200)] = [],  # noqa: B006  FastAPI copies it
    sample: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Which objects the system offers, and a mapped sample of one; `objects` are those ticked so far."""
    session, command = await find_attempt(api, capability, command_id)
    if (elsewhere := await _elsewhere(api, session, capability, command)) is not None:
        return elsewhere
    looked = await api.waiters.wait(sample_of(command_id), api.settings.page_wait_seconds)
    if looked is not None and looked.completed_at is None and api.clock() - looked.created_at < LONGEST_LOOK:
        manifest = system_of(api.catalog, session.system).manifest
        return waiting_page(api.brand, manifest, session, done=LOGGED_IN)
    ticked = objects if sample else None
    action = address_of(capability, command_id)
    return _page(api, session, command, looked, action=action, ticked=ticked, shown=sample)


@router.post(
    "/connect/{capability}/attempts/{command_id}/objects",
    responses=CHOOSE | FAILURES,
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "description": "The objects that are to be read; the others are not.",
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "properties": {"objects": {"type": "array", "items": {"type": "string"}}},
                    }
                }
            },
        }
    },
)
async def choose(request: Request, api: Api, capability: Capability, command_id: CommandPath) -> Response:
    """Make the connection that reads what was chosen."""
    session, command = await find_attempt(api, capability, command_id)
    if (elsewhere := await _elsewhere(api, session, capability, command)) is not None:
        return elsewhere
    looked = await find_command(api.pool, sample_of(command_id))
    form = await request.form(max_files=0)
    ticked = {one for one in form.getlist("objects") if isinstance(one, str)}
    offered = choices.choices(system_of(api.catalog, session.system), _sampled(looked))
    chosen = choices.chosen_of(offered, ticked)
    if not chosen:
        return _page(
            api,
            session,
            command,
            looked,
            action=address_of(capability, command_id),
            ticked=(),
            shown=None,
            status=NOTHING_CHOSEN,
        )
    async with api.pool.acquire() as tx, tx.transaction():
        locked = await lock_session(tx, session.session_id)
        if locked is not None and locked.state is SessionState.CHOOSING and locked.command_id == command_id:
            await api.visits.end(tx, locked, command, objects=chosen)
            await forget_samples(tx, locked.session_id)
    return await page_result(api, session, capability, command)


async def _elsewhere(
    api: Context, session: LinkSession, capability: str, command: StoredCommand
) -> Response | None:
    """Where there is nothing to choose: the choice was made, or another login followed."""
    if session.state is SessionState.COMPLETED:
        return await page_result(api, session, capability, command)
    if (refusal := session.refusal(api.clock())) is not None:
        raise refused(refusal)
    if session.state is not SessionState.CHOOSING or session.command_id != command.command_id:
        return RedirectResponse(f"/connect/{capability}", status_code=303, headers=page_headers())
    return None


def _sampled(looked: StoredCommand | None) -> list[SampledObject]:
    found = looked.result if looked is not None else None
    return [SampledObject.model_validate(one) for one in (found or {}).get("objects", ())]


def _page(
    api: Context,
    session: LinkSession,
    command: StoredCommand,
    looked: StoredCommand | None,
    *,
    action: str,
    ticked: Collection[str] | None,
    shown: str | None,
    status: int = 200,
) -> Response:
    system = system_of(api.catalog, session.system)
    offered = choices.choices(system, _sampled(looked))
    if ticked is None:
        ticked = {one.object for one in offered if one.sensible}
    return choice_page(
        api.brand,
        system,
        session,
        offered,
        action=action,
        ticked=ticked,
        shown=shown,
        account=str((command.result or {}).get("account_label") or ""),
        status=status,
    )
