"""`/v1/objects/{name}`: records of custom objects, read like those of any entity."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from lineshaft.api.adapters import entities
from lineshaft.api.domain.custom_objects import OBJECT_NAME, entity_of
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import KeyToRead, Presented, open_connection
from lineshaft.api.routes.context import context_of
from lineshaft.api.routes.data import (
    UNCHANGED,
    EntityId,
    GetParameters,
    ListParameters,
    Meta,
    Opened,
    list_answer,
    record_answer,
)
from lineshaft.common.unified import CustomObject

router = APIRouter(prefix="/v1/objects", tags=["data"])

Name = Annotated[str, Path(pattern=OBJECT_NAME, description="As it was registered for the connection.")]


class CustomObjectPage(BaseModel):
    data: list[CustomObject]
    next_cursor: str | None
    meta: Meta


@router.get(
    "/{name}",
    responses={200: {"model": CustomObjectPage}, **UNCHANGED, **problems(404)},
    response_class=Json,
)
async def list_records(
    request: Request, key: KeyToRead, name: Name, query: Annotated[ListParameters, Query()]
) -> Response:
    entity = entity_of(name)
    opened, source = await _open(request, key, query.connection_id, entity)
    return await list_answer(request, opened, entity, query, source_object=source)


@router.get(
    "/{name}/{entity_id}",
    responses={200: {"model": CustomObject}, **UNCHANGED, **problems(404)},
    response_class=Json,
)
async def get_record(
    request: Request,
    key: KeyToRead,
    name: Name,
    entity_id: EntityId,
    query: Annotated[GetParameters, Query()],
) -> Response:
    entity = entity_of(name)
    opened, source = await _open(request, key, query.connection_id, entity)
    found = await record_answer(request, opened, entity, entity_id, query, source_object=source)
    if found is None:
        raise not_found("record", connection_id=opened[1].connection_id)
    return found


async def _open(
    request: Request, key: Presented, connection_id: str | None, entity: str
) -> tuple[Opened, str]:
    """With the object that its records come from.

    Raises:
        ProblemError: a custom object that the connection does not have.
    """
    api = context_of(request)
    access, known = await open_connection(api, key, connection_id, entity)
    source = await entities.custom_source(api.pool, known.connection_id, entity)
    if source is None:
        raise not_found("custom object of this name", connection_id=known.connection_id)
    return (access, known), source
