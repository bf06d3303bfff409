"""Admin keys: who has one, what it opens, until when."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from lineshaft.api.console.actions import acted
from lineshaft.api.console.forms import FRESH, Filled
from lineshaft.api.console.listing import ROWS, After, listed
from lineshaft.api.console.pages import HOME, page
from lineshaft.api.console.visitors import Editor, Form, Signed, Visitor
from lineshaft.api.domain.keys import Scope
from lineshaft.api.domain.problems import ProblemError
from lineshaft.api.routes import admin_keys
from lineshaft.api.routes.admin_keys import KeyPath
from lineshaft.api.routes.context import Api, Context
from lineshaft.common.whole_numbers import whole_number

NEW: dict[str, Any] = {"name": "", "scopes": [], "days": "365"}
MOST_DAYS = 3650
OVERLAPS = {"0": 0, "1": 3600, "24": 24 * 3600, "168": 7 * 24 * 3600}
"""By the hours that the form gives."""

KEYS = HOME + "/keys"
router = APIRouter(prefix=KEYS)


@router.get("")
async def keys(request: Request, api: Api, visitor: Signed, after: After = "") -> Response:
    return await _keys(request, api, visitor, after=after)


@router.post("")
async def create(request: Request, api: Api, visitor: Editor, form: Form) -> Response:
    """The key is shown on the page that answers, and never again."""
    days = str(form.get("days", ""))
    typed = {
        "name": str(form.get("name", "")).strip(),
        "scopes": [str(one) for one in form.getlist("scopes")],
    }
    valid_for = whole_number(days, MOST_DAYS) if days else None
    if days and not valid_for:
        wrong = {"days": f"is a whole number of days, up to {MOST_DAYS}"}
        return await _keys(request, api, visitor, filled=Filled({**typed, "days": days}, wrong))
    expires_at = api.clock() + timedelta(days=valid_for) if valid_for else None
    try:
        body = admin_keys.NewAdminKey.model_validate({**typed, "expires_at": expires_at})
        made = await admin_keys.create(api, visitor.caller, body)
    except (ProblemError, ValidationError) as error:
        refused = Filled.refused({**typed, "days": days}, error)
        return await _keys(request, api, visitor, filled=refused)
    return page(request, "key_secret.html", visitor=visitor, made=made, replaced=None)


@router.post("/{key_id}/rotate")
async def rotate(request: Request, api: Api, visitor: Editor, key_id: KeyPath, form: Form) -> Response:
    seconds = OVERLAPS.get(str(form.get("hours", "24")), admin_keys.DAY)
    try:
        made = await admin_keys.rotate(
            api, visitor.caller, key_id, admin_keys.Rotation(overlap_seconds=seconds)
        )
    except ProblemError as error:
        return await _keys(request, api, visitor, filled=Filled.refused({}, error))
    old = await admin_keys.get(api, visitor.caller, key_id)
    return page(request, "key_secret.html", visitor=visitor, made=made, replaced=old)


@router.post("/{key_id}/revoke")
async def revoke(api: Api, visitor: Editor, key_id: KeyPath) -> Response:
    return await acted(KEYS, "The key is revoked.", admin_keys.revoke(api, visitor.caller, key_id))


async def _keys(
    request: Request, api: Context, visitor: Visitor, *, after: str = "", filled: Filled = FRESH
) -> Response:
    found = await admin_keys.list_all(api, visitor.caller, ROWS, after or None)
    return page(
        request,
        "keys.html",
        visitor=visitor,
        scopes=[(scope, _SCOPE_WORDS[scope]) for scope in Scope],
        **listed(found, after),
        **filled.shown(NEW),
    )


_SCOPE_WORDS = {
    Scope.READ: "look at everything but secrets",
    Scope.CONNECT: "send customers their links, and get tokens",
    Scope.MANAGE: "change everything, and write records",
}
