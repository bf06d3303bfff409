"""Alert channels: which people are told of what, and what became of each message."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import ValidationError
from starlette.responses import Response

from lineshaft.api.console.actions import acted
from lineshaft.api.console.event_words import EVENT_MEANINGS
from lineshaft.api.console.fleet import labels
from lineshaft.api.console.forms import FRESH, Filled
from lineshaft.api.console.listing import ROWS, After, listed
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Editor, Form, Signed, Visitor
from lineshaft.api.domain.problems import ProblemError
from lineshaft.api.routes import alert_channels
from lineshaft.api.routes.context import Api, Context
from lineshaft.common.events.alerts import ALERT_EVENT_TYPES

QUIET = ("begin", "end", "timezone")
NEW: dict[str, Any] = {
    "url": "",
    "name": "",
    "urgent_event_types": [],
    "systems": [],
    "metadata": {},
    "quiet_hours": None,
    "event_types": ["connection.reauthorization_required", "connection.recovered", "system.outage"],
    "group_seconds": 30,
    "enabled": True,
}

router = APIRouter(prefix=HOME + "/alerts")

ChannelPath = Annotated[str, Path(max_length=100)]


def _at(channel_id: str) -> str:
    return f"{HOME}/alerts/{channel_id}"


@router.get("")
async def channels(request: Request, api: Api, visitor: Signed, after: After = "") -> Response:
    return await _channels(request, api, visitor, after=after)


async def _channels(
    request: Request, api: Context, visitor: Visitor, *, after: str = "", filled: Filled = FRESH
) -> Response:
    found = await alert_channels.list_all(api, visitor.caller, ROWS, after or None)
    return page(
        request,
        "alerts.html",
        visitor=visitor,
        **listed(found, after),
        **filled.shown(NEW),
        **_choices(api),
    )


@router.post("")
async def create(request: Request, api: Api, visitor: Editor, form: Form) -> Response:
    typed = _typed(form)
    try:
        body = alert_channels.NewChannel.model_validate(typed)
        made = await alert_channels.create(api, visitor.caller, body)
    except (ProblemError, ValidationError) as error:
        return await _channels(request, api, visitor, filled=Filled.refused(typed, error))
    return back_to(_at(made.id), Notice("done", "The channel is made. Send a test to see that it arrives."))


@router.get("/{channel_id}")
async def channel(
    request: Request, api: Api, visitor: Signed, channel_id: ChannelPath, after: After = ""
) -> Response:
    return await _channel(request, api, visitor, channel_id, after=after)


async def _channel(
    request: Request,
    api: Context,
    visitor: Visitor,
    channel_id: str,
    *,
    after: str = "",
    filled: Filled = FRESH,
) -> Response:
    shown = await alert_channels.get(api, visitor.caller, channel_id)
    found = await alert_channels.deliveries(api, visitor.caller, channel_id, ROWS, after or None)
    return page(
        request,
        "alert_rows.html" if is_part(request) else "alert.html",
        visitor=visitor,
        base=_at(channel_id),
        channel=shown,
        **listed(found.content, after),
        **filled.shown(shown.model_dump()),
        **_choices(api),
    )


@router.post("/{channel_id}")
async def change(
    request: Request, api: Api, visitor: Editor, channel_id: ChannelPath, form: Form
) -> Response:
    """An empty address leaves the one that is stored."""
    typed = _typed(form)
    try:
        body = alert_channels.ChannelChange.model_validate(
            {name: value for name, value in typed.items() if name != "url" or value}
        )
        await alert_channels.change(api, visitor.caller, channel_id, body)
    except (ProblemError, ValidationError) as error:
        return await _channel(request, api, visitor, channel_id, filled=Filled.refused(typed, error))
    return back_to(_at(channel_id), Notice("done", "Saved."))


@router.post("/{channel_id}/delete")
async def delete(api: Api, visitor: Editor, channel_id: ChannelPath) -> Response:
    deleted = alert_channels.delete(api, visitor.caller, channel_id)
    return await acted(
        f"{HOME}/alerts", "The channel is deleted; nobody is told through it any more.", deleted
    )


@router.post("/{channel_id}/test")
async def test(api: Api, visitor: Editor, channel_id: ChannelPath) -> Response:
    tried = alert_channels.test(api, visitor.caller, channel_id)
    return await acted(_at(channel_id), "A test is on its way; what became of it stands below.", tried)


def _choices(api: Context) -> dict[str, Any]:
    return {
        "event_types": ALERT_EVENT_TYPES,
        "meanings": EVENT_MEANINGS,
        "labels": labels(api),
    }


def _typed(form: Form) -> dict[str, Any]:
    seconds = str(form.get("group_seconds", "")).strip()
    quiet = {name: str(form.get(f"quiet_{name}", "")).strip() for name in QUIET}
    return {
        "url": str(form.get("url", "")).strip(),
        "name": str(form.get("name", "")).strip(),
        "event_types": [str(one) for one in form.getlist("event_types")],
        "urgent_event_types": [str(one) for one in form.getlist("urgent_event_types")],
        "systems": [str(one) for one in form.getlist("systems")],
        "metadata": _pairs(str(form.get("metadata", ""))),
        "quiet_hours": quiet if quiet["begin"] or quiet["end"] else None,
        "group_seconds": float(seconds) if seconds.isascii() and seconds.isdigit() else seconds or 0,
        "enabled": form.get("enabled", "yes") == "yes",
    }


def _pairs(text: str) -> dict[str, str]:
    """One `name = value` on each line."""
    lines = (line.partition("=") for line in text.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _, value in lines}
