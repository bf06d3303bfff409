"""Webhook endpoints: where events are sent, what became of each, and sending them once more."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from lineshaft.api.console.actions import acted
from lineshaft.api.console.event_words import EVENT_MEANINGS
from lineshaft.api.console.forms import FRESH, Filled
from lineshaft.api.console.listing import ROWS, After, listed
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Editor, Form, Signed, Visitor
from lineshaft.api.domain.problems import ProblemError, invalid
from lineshaft.api.routes import replays, webhook_endpoints
from lineshaft.api.routes.context import Api, Context
from lineshaft.common.events.webhooks import WEBHOOK_EVENT_TYPES
from lineshaft.common.whole_numbers import whole_number

NEW: dict[str, Any] = {"url": "", "description": "", "event_types": [], "ordered": False, "max_per_second": 0}
EVENTS: dict[str, Any] = {"event_types": WEBHOOK_EVENT_TYPES, "meanings": EVENT_MEANINGS}
LATEST_REPLAYS = 5
MOST_HOURS = 24 * 90

router = APIRouter(prefix=HOME + "/webhooks")

EndpointPath = Annotated[str, Path(max_length=100)]
STATES = ("due", "delivered", "given_up", "cancelled")


def _at(endpoint_id: str) -> str:
    return f"{HOME}/webhooks/{endpoint_id}"


@router.get("")
async def endpoints(request: Request, api: Api, visitor: Signed, after: After = "") -> Response:
    return await _endpoints(request, api, visitor, after=after)


async def _endpoints(
    request: Request, api: Context, visitor: Visitor, *, after: str = "", filled: Filled = FRESH
) -> Response:
    found = await webhook_endpoints.list_all(api, visitor.caller, ROWS, after or None)
    return page(
        request,
        "webhooks.html",
        visitor=visitor,
        **listed(found, after),
        **filled.shown(NEW),
        **EVENTS,
    )


@router.post("")
async def create(request: Request, api: Api, visitor: Editor, form: Form) -> Response:
    """The secret is shown on the page that answers, and never again."""
    typed = _typed(form)
    try:
        body = webhook_endpoints.NewEndpoint.model_validate(typed)
        made = await webhook_endpoints.create(api, visitor.caller, body)
    except (ProblemError, ValidationError) as error:
        return await _endpoints(request, api, visitor, filled=Filled.refused(typed, error))
    return page(
        request,
        "webhook_secret.html",
        visitor=visitor,
        endpoint_id=made.id,
        secret=made.secret,
        rotated=False,
    )


@router.get("/{endpoint_id}")
async def endpoint(
    *,
    request: Request,
    api: Api,
    visitor: Signed,
    endpoint_id: EndpointPath,
    after: After = "",
    state: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    return await _endpoint(request, api, visitor, endpoint_id, after=after, state=state)


async def _endpoint(
    request: Request,
    api: Context,
    visitor: Visitor,
    endpoint_id: str,
    *,
    after: str = "",
    state: str = "",
    filled: Filled = FRESH,
) -> Response:
    shown = await webhook_endpoints.get(api, visitor.caller, endpoint_id)
    found = await webhook_endpoints.deliveries(
        api, visitor.caller, endpoint_id, ROWS, after or None, _state(state)
    )
    latest = await replays.replays(api, visitor.caller, endpoint_id, LATEST_REPLAYS)
    return page(
        request,
        "delivery_rows.html" if is_part(request) else "webhook.html",
        visitor=visitor,
        base=_at(endpoint_id),
        endpoint=shown,
        **listed(found.content, after),
        filters={"state": state} if state else {},
        states=STATES,
        replays=latest.content["data"],
        **filled.shown(shown.model_dump()),
        **EVENTS,
    )


@router.post("/{endpoint_id}")
async def change(
    request: Request, api: Api, visitor: Editor, endpoint_id: EndpointPath, form: Form
) -> Response:
    typed = _typed(form)
    try:
        body = webhook_endpoints.EndpointChange.model_validate(typed)
        await webhook_endpoints.change(api, visitor.caller, endpoint_id, body)
    except (ProblemError, ValidationError) as error:
        return await _endpoint(request, api, visitor, endpoint_id, filled=Filled.refused(typed, error))
    return back_to(_at(endpoint_id), Notice("done", "Saved."))


@router.post("/{endpoint_id}/delete")
async def delete(api: Api, visitor: Editor, endpoint_id: EndpointPath) -> Response:
    deleted = webhook_endpoints.delete(api, visitor.caller, endpoint_id)
    return await acted(f"{HOME}/webhooks", "The endpoint is deleted; nothing more is sent to it.", deleted)


@router.post("/{endpoint_id}/test")
async def test(api: Api, visitor: Editor, endpoint_id: EndpointPath) -> Response:
    tried = webhook_endpoints.test(api, visitor.caller, endpoint_id)
    return await acted(_at(endpoint_id), "A test event is on its way; its delivery stands below.", tried)


@router.post("/{endpoint_id}/rotate-secret")
async def rotate(request: Request, api: Api, visitor: Editor, endpoint_id: EndpointPath) -> Response:
    made = await webhook_endpoints.rotate_secret(api, visitor.caller, endpoint_id)
    return page(
        request,
        "webhook_secret.html",
        visitor=visitor,
        endpoint_id=endpoint_id,
        secret=made.secret,
        rotated=True,
    )


@router.post("/{endpoint_id}/replay")
async def replay(api: Api, visitor: Editor, endpoint_id: EndpointPath, form: Form) -> Response:
    hours = whole_number(str(form.get("hours", "24")).strip(), MOST_HOURS)
    if not hours:
        return back_to(_at(endpoint_id), Notice("failed", f"hours: a whole number from 1 to {MOST_HOURS}"))
    only: Literal["all", "undelivered"] = "all" if form.get("only") == "all" else "undelivered"
    body = replays.NewReplay(since=api.clock() - timedelta(hours=hours), only=only)
    started = replays.replay(api, visitor.caller, endpoint_id, body)
    return await acted(_at(endpoint_id), "The replay has begun; its progress stands below.", started)


@router.post("/{endpoint_id}/replays/{replay_id}/cancel")
async def cancel(
    api: Api, visitor: Editor, endpoint_id: EndpointPath, replay_id: Annotated[str, Path(max_length=100)]
) -> Response:
    cancelled = replays.cancel(api, visitor.caller, endpoint_id, replay_id)
    return await acted(_at(endpoint_id), "Cancelled. What is queued still goes out.", cancelled)


@router.post("/{endpoint_id}/deliveries/{delivery_id}/redeliver")
async def redeliver(
    api: Api, visitor: Editor, endpoint_id: EndpointPath, delivery_id: Annotated[str, Path(max_length=100)]
) -> Response:
    again = webhook_endpoints.redeliver(api, visitor.caller, delivery_id)
    return await acted(_at(endpoint_id), "It is sent once more, with the same webhook-id.", again)


def _typed(form: Form) -> dict[str, Any]:
    return {
        "url": str(form.get("url", "")).strip(),
        "description": str(form.get("description", "")).strip(),
        "event_types": [str(one) for one in form.getlist("event_types")],
        "enabled": form.get("enabled", "yes") == "yes",
        "ordered": form.get("ordered") == "yes",
        "max_per_second": str(form.get("max_per_second", "")).strip() or 0,
    }


def _state(text: str) -> Any:
    if text and text not in STATES:
        raise invalid("state", f"is one of {', '.join(STATES)}")
    return text or None
