"""The buttons of a connection: the same orders that the API takes."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import ValidationError
from starlette.responses import Response

from lineshaft.api.console.actions import acted
from lineshaft.api.console.connection import ConnectionPath, frame, ladder
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Editor, Form, Signed
from lineshaft.api.domain.problems import invalid
from lineshaft.api.routes import (
    connections,
    diagnoses,
    link_sessions,
    orders,
    schedules,
    support_bundle,
    syncs,
)
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.existence import require_connection, require_known
from lineshaft.common.events.syncs import SyncMode
from lineshaft.common.whole_numbers import whole_number

router = APIRouter(prefix=HOME + "/connections/{connection_id}")


def _at(connection_id: str, page_name: str = "") -> str:
    return f"{HOME}/connections/{connection_id}{page_name}"


@router.post("/sync")
async def sync_now(api: Api, visitor: Editor, connection_id: ConnectionPath, form: Form) -> Response:
    known = await require_known(api.pool, connection_id)
    mode = SyncMode.FULL if form.get("mode") == "full" else SyncMode.INCREMENTAL
    started = syncs.start_sync(api, known, syncs.SyncRequest(mode=mode), by=visitor.caller.key_id)
    return await acted(_at(connection_id, "/syncs"), "A sync was asked for.", started)


@router.post("/pause")
async def pause(api: Api, visitor: Editor, connection_id: ConnectionPath) -> Response:
    paused = connections.pause(api, visitor.caller, connection_id)
    return await acted(_at(connection_id), "Paused. The source is not called until you resume.", paused)


@router.post("/resume")
async def resume(api: Api, visitor: Editor, connection_id: ConnectionPath) -> Response:
    resumed = connections.resume(api, visitor.caller, connection_id)
    return await acted(_at(connection_id), "Resumed.", resumed)


@router.post("/reconnect")
async def reconnect(request: Request, api: Api, visitor: Editor, connection_id: ConnectionPath) -> Response:
    """A link on which the customer types new credentials; everything else of the connection stays."""
    connection = await require_connection(api.pool, connection_id)
    body = link_sessions.NewLinkSession(connection_id=connection_id)
    made = await link_sessions.create(api, visitor.caller, body)
    return page(request, "reconnect_link.html", **await frame(api, visitor, connection), made=made)


@router.post("/breaker")
async def breaker(api: Api, visitor: Editor, connection_id: ConnectionPath, form: Form) -> Response:
    state: Literal["open", "closed"] = "open" if form.get("state") == "open" else "closed"
    reason = str(form.get("reason", "")).strip()[: orders.MAX_REASON]
    if not reason:
        return back_to(_at(connection_id), Notice("failed", "Say why: it stands in the timeline."))
    hours = _whole(str(form.get("hours", "24")), "hours", 24 * 90)
    until = api.clock() + timedelta(hours=hours) if state == "open" else None
    body = orders.BreakerOrder(
        state=state, object=str(form.get("object", "")) or None, until=until, reason=reason
    )
    words = "Calls are stopped." if state == "open" else "The breakers are closed; calls go on."
    return await acted(
        _at(connection_id), words, orders.force_breaker(api, visitor.caller, connection_id, body)
    )


@router.post("/issues/{issue_id}/mute")
async def mute(
    api: Api,
    visitor: Editor,
    connection_id: ConnectionPath,
    issue_id: Annotated[str, Path(max_length=200)],
    form: Form,
) -> Response:
    hours = _whole(str(form.get("hours", "0")), "hours", 24 * 90)
    until = api.clock() + timedelta(hours=hours) if hours else None
    body = orders.MuteOrder(until=until, reason=str(form.get("reason", ""))[: orders.MAX_REASON])
    words = "Muted: nothing new of it is announced." if until else "No longer muted."
    muted = orders.mute_issue(api, visitor.caller, connection_id, issue_id, body)
    return await acted(_at(connection_id), words, muted)


@router.post("/schedule")
async def schedule(api: Api, visitor: Editor, connection_id: ConnectionPath, form: Form) -> Response:
    """Objects with a frequency of their own keep it."""
    now = (await schedules.get_schedule(api, visitor.caller, connection_id)).content
    objects = {
        name: {key: one[key] for key in ("every_minutes", "full_every_hours")}
        for name, one in now["objects"].items()
    }
    body = {
        "every_minutes": _whole(str(form.get("every_minutes", "")), "minutes", 60 * 24 * 31) or None,
        "full_every_hours": _whole(str(form.get("full_every_hours", "")), "hours", 24 * 366) or None,
        "objects": objects,
    }
    try:
        wanted = schedules.ScheduleOrder.model_validate(body)
    except ValidationError as error:
        words = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
        return back_to(_at(connection_id, "/syncs"), Notice("failed", words))
    put = schedules.put_schedule(api, visitor.caller, connection_id, wanted)
    return await acted(_at(connection_id, "/syncs"), "The schedule is in force.", put)


@router.post("/diagnose")
async def diagnose(request: Request, api: Api, visitor: Editor, connection_id: ConnectionPath) -> Response:
    """A part that asks for the ladder again and again, and draws each rung as soon as it is done."""
    operation_id = await diagnoses.begin(api, visitor.caller, connection_id)
    if is_part(request):
        return await ladder(request, api, visitor, connection_id, operation_id)
    return back_to(_at(connection_id), Notice("done", "The ladder is being climbed."))


@router.get("/support-bundle")
async def bundle(api: Api, visitor: Signed, connection_id: ConnectionPath) -> Response:
    return await support_bundle.support_bundle(api, visitor.caller, connection_id)


def _whole(text: str, name: str, most: int) -> int:
    number = whole_number(text.strip() or "0", most)
    if number is None:
        raise invalid(name, f"is a whole number up to {most}")
    return number
