"""Custom objects: any table or object of the source as an entity of its own."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import ValidationError
from starlette.responses import Response

from lineshaft.api.console.actions import acted
from lineshaft.api.console.connection import ConnectionPath, frame
from lineshaft.api.console.forms import FRESH, Filled
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, page
from lineshaft.api.console.visitors import Editor, Form, Signed, Visitor
from lineshaft.api.domain.problems import ProblemError
from lineshaft.api.routes import objects, schemas
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection, require_known

router = APIRouter(prefix=HOME + "/connections/{connection_id}/mapping-objects")

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


@router.get("")
async def show(request: Request, api: Api, visitor: Signed, connection_id: ConnectionPath) -> Response:
    return await _page(request, api, visitor, connection_id)


@router.post("")
async def request_one(
    request: Request, api: Api, visitor: Editor, connection_id: ConnectionPath, form: Form
) -> Response:
    """The source is asked what it holds; its first sync begins at once."""
    typed = {name: str(form.get(name, "")).strip() for name in ("object", "name", "key", "cursor")}
    known = await require_known(api.pool, connection_id)
    given: dict[str, Any] = {
        "name": typed["name"] or _name_of(typed["object"]),
        "object": typed["object"],
        "cursor": typed["cursor"] or None,
    }
    if typed["key"]:
        given["key"] = [part.strip() for part in typed["key"].split(",") if part.strip()]
    try:
        order = objects.ObjectOrder.model_validate(given)
        made = await objects.request_object(api, known, order, by=visitor.caller.key_id)
    except (ProblemError, ValidationError) as error:
        return await _page(request, api, visitor, connection_id, Filled.refused(typed, error))
    entity = made.content["entity"]
    words = "It is an entity now, and its first sync begins. Leave out or rename its fields here."
    return back_to(f"{HOME}/connections/{connection_id}/mapping/{entity}", Notice("done", words))


@router.post("/{name}/remove")
async def remove(
    api: Api, visitor: Editor, connection_id: ConnectionPath, name: Annotated[str, Path(max_length=100)]
) -> Response:
    target = f"{HOME}/connections/{connection_id}/mapping-objects"
    removed = objects.remove_object(api, visitor.caller, connection_id, name)
    return await acted(target, "It is read no more and shown no more.", removed)


async def _page(
    request: Request, api: Context, visitor: Visitor, connection_id: str, filled: Filled = FRESH
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    held = (await objects.list_objects(api, visitor.caller, connection_id)).content["data"]
    source = (await schemas.schema(api, visitor.caller, connection_id)).content["data"]
    return page(
        request,
        "objects.html",
        **await frame(api, visitor, connection),
        held=held,
        source=[{**one, "name": _name_of(one["object"])} for one in source],
        **filled.shown(),
    )


def _name_of(source_object: str) -> str:
    """What the object is called here unless somebody says otherwise."""
    name = _NOT_IN_A_NAME.sub("_", source_object.lower()).strip("_")[:60]
    return name if name[:1].isalpha() else f"o_{name}"
