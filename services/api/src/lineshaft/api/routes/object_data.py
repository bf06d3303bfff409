"""`/v1/objects/{name}`: records of custom objects, read like those of any entity."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from lineshaft.api.adapters import entities
from lineshaft.api.domain.custom_objects import OBJECT_NAME, entity_of
from lineshaft.api.domain.problems import not_found
from lineshaft.api.domain.reading import chosen_fields, list_body, with_fields
from lineshaft.api.routes.answers import JSON, Json, problems
from lineshaft.api.routes.authentication import Secret, open_connection
from lineshaft.api.routes.context import Context, context_of
from lineshaft.api.routes.data import (
    UNCHANGED,
    EntityId,
    GetParameters,
    ListParameters,
    Meta,
    mapping_in_force,
)
from lineshaft.api.routes.etags import tagged
from lineshaft.common.unified import CustomObject, fields_of

_ANY = entity_of("any")

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
    request: Request, secret: Secret, name: Name, query: Annotated[ListParameters, Query()]
) -> Response:
    api, entity = context_of(request), entity_of(name)
    chosen = chosen_fields(query.fields, frozenset(fields_of(_ANY)))
    access, known = await open_connection(api, secret, query.connection_id, entity)
    await _require(api, known.connection_id, entity)
    page = await entities.read_page(
        api.pool,
        entities.Query(
            connection_id=known.connection_id,
            entity=entity,
            limit=query.limit,
            cursor=query.cursor,
            modified_after=query.modified_after,
            number=query.number,
            source_id=query.source_id,
            include_raw="raw" in query.include,
            include_deleted="deleted" in query.include,
        ),
        mapping_in_force(api, known, entity, access.mapping_version),
    )
    rows = page.entities if chosen is None else [with_fields(one, chosen) for one in page.entities]
    meta = {"connection_status": known.status, "data_as_of": known.data_as_of}
    body, content = list_body(rows, page.next_cursor, meta)
    return tagged(request, body, JSON, content)


@router.get(
    "/{name}/{entity_id}",
    responses={200: {"model": CustomObject}, **UNCHANGED, **problems(404)},
    response_class=Json,
)
async def get_record(
    request: Request,
    secret: Secret,
    name: Name,
    entity_id: EntityId,
    query: Annotated[GetParameters, Query()],
) -> Response:
    api, entity = context_of(request), entity_of(name)
    chosen = chosen_fields(query.fields, frozenset(fields_of(_ANY)))
    access, known = await open_connection(api, secret, query.connection_id, entity)
    await _require(api, known.connection_id, entity)
    found = await entities.read_one(
        api.pool,
        known.connection_id,
        entity,
        entity_id,
        mapping_in_force(api, known, entity, access.mapping_version),
        include_raw="raw" in query.include,
        include_deleted="deleted" in query.include,
    )
    if found is None:
        raise not_found("record", connection_id=known.connection_id)
    return tagged(request, found if chosen is None else with_fields(found, chosen), JSON)


async def _require(api: Context, connection_id: str, entity: str) -> None:
    if not await entities.has_custom_object(api.pool, connection_id, entity):
        raise not_found("custom object of this name", connection_id=connection_id)
