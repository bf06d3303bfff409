"""`/v1/assets`, `/v1/work-orders` and the rest: a customer's records, normalized."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, Field, create_model
from starlette.responses import Response

from lineshaft.api.adapters import entities
from lineshaft.api.adapters.keys import Access
from lineshaft.api.domain.problems import not_found
from lineshaft.api.domain.reading import chosen_fields, list_body, with_fields
from lineshaft.api.domain.status import Known
from lineshaft.api.routes.answers import JSON, Json, problems
from lineshaft.api.routes.authentication import KeyToRead, open_connection
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Context, context_of
from lineshaft.api.routes.etags import tagged
from lineshaft.api.routes.paging import DEFAULT_LIMIT, MAX_LIMIT
from lineshaft.api.routes.thin import Parameters, ThinRoute
from lineshaft.common.mapping import CompiledMapping
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.common.unified import ENTITIES, ROUTES, fields_of

EntityId = Annotated[str, Path(max_length=100)]
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing changed since that ETag"}}


class GetParameters(Parameters):
    connection_id: str | None = Field(
        None, max_length=100, description="Needed with an admin key; a token has its own connection."
    )
    fields: list[str] = Field([], description="These fields alone; `id` is always there.")
    include: list[Literal["raw", "deleted"]] = Field(
        [],
        description="`raw` adds the source's own record, `deleted` shows what the source no longer has too.",
    )


class ListParameters(GetParameters):
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Rows of a page.")
    cursor: str | None = Field(None, max_length=1000, description="`next_cursor` of the page before.")
    modified_after: AwareDatetime | None = Field(
        None,
        description="Changed in Lineshaft after this moment; ordered by change, so that nothing is missed.",
    )
    number: str | None = Field(None, max_length=200, description="Its number at the source, whole.")
    source_id: str | None = Field(None, max_length=500, description="Its key at the source.")


class Meta(BaseModel):
    connection_status: ConnectionStatus
    data_as_of: datetime | None = Field(description="End of the last sync whose records are readable.")


def mapping_in_force(
    api: Context, known: Known, entity: str, version: int, source_object: str | None = None
) -> entities.Mapping:
    async def compiled() -> CompiledMapping:
        system = system_of(api.catalog, known.system)
        return await api.compiled.get(api.pool, known.connection_id, system, entity, version)

    return entities.Mapping(version, compiled, source_object)


Opened = tuple[Access, Known]
"""What `open_connection` gives."""


async def list_answer(
    request: Request, opened: Opened, entity: str, asked: Any, *, source_object: str | None = None
) -> Response:
    """A page, with how fresh its connection is."""
    access, known = opened
    api = context_of(request)
    chosen = chosen_fields(asked.fields, fields_of(entity))
    mapping = mapping_in_force(api, known, entity, access.mapping_version, source_object)
    page = await entities.read_page(api.pool, entities.Query.of(known.connection_id, entity, asked), mapping)
    rows = page.entities if chosen is None else [with_fields(one, chosen) for one in page.entities]
    meta = {"connection_status": known.status, "data_as_of": known.data_as_of}
    body, content = list_body(rows, page.next_cursor, meta)
    return tagged(request, body, JSON, content, known.status.encode())


async def record_answer(
    request: Request,
    opened: Opened,
    entity: str,
    record_id: str,
    asked: GetParameters,
    *,
    source_object: str | None = None,
) -> Response | None:
    """None where there is no such record."""
    access, known = opened
    api = context_of(request)
    chosen = chosen_fields(asked.fields, fields_of(entity))
    found = await entities.read_one(
        api.pool,
        known.connection_id,
        entity,
        record_id,
        mapping_in_force(api, known, entity, access.mapping_version, source_object),
        include_raw="raw" in asked.include,
        include_deleted="deleted" in asked.include,
    )
    if found is None:
        return None
    return tagged(request, found if chosen is None else with_fields(found, chosen), JSON)


def _list_parameters(entity: str) -> type[Parameters]:
    status_field = fields_of(entity).get("status")
    values = status_field.kind.values if status_field else ()
    status: Any = {"status": (Literal[values] | None, None)} if values else {}
    model: type[Parameters] = create_model(
        f"List_{entity}", __base__=ListParameters, __module__=__name__, **status
    )
    return model


def _add_list(router: APIRouter, entity: str, page_model: type[BaseModel]) -> None:
    parameters: Any = _list_parameters(entity)

    async def read(request: Request, key: KeyToRead, query: Annotated[parameters, Query()]) -> Response:
        asked: Any = query
        opened = await open_connection(context_of(request), key, asked.connection_id, entity)
        return await list_answer(request, opened, entity, asked)

    router.add_api_route(
        f"/{ROUTES[entity]}",
        read,
        methods=["GET"],
        name=f"list_{entity}",
        operation_id=f"list_{entity}",
        summary=f"List {ROUTES[entity].replace('-', ' ')}",
        responses={200: {"model": page_model}, **UNCHANGED, **problems(404)},
        response_class=Json,
        route_class_override=ThinRoute,
    )


def _add_get(router: APIRouter, entity: str) -> None:
    async def get(
        request: Request, key: KeyToRead, entity_id: EntityId, query: Annotated[GetParameters, Query()]
    ) -> Response:
        opened = await open_connection(context_of(request), key, query.connection_id, entity)
        found = await record_answer(request, opened, entity, entity_id, query)
        if found is None:
            raise not_found(entity.replace("_", " "), connection_id=opened[1].connection_id)
        return found

    router.add_api_route(
        f"/{ROUTES[entity]}/{{entity_id}}",
        get,
        methods=["GET"],
        name=f"get_{entity}",
        operation_id=f"get_{entity}",
        summary=f"Read one {entity.replace('_', ' ')}",
        responses={200: {"model": ENTITIES[entity]}, **UNCHANGED, **problems(404)},
        response_class=Json,
        route_class_override=ThinRoute,
    )


def _page_model(entity: str) -> type[BaseModel]:
    model: Any = ENTITIES[entity]
    fields: Any = {
        "data": (list[model], ...),
        "next_cursor": (str | None, ...),
        "meta": (Meta, ...),
    }
    return create_model(f"{model.__name__}Page", **fields)


def data_router() -> APIRouter:
    """List and read for every unified entity."""
    router = APIRouter(prefix="/v1", tags=["data"])
    for entity in ENTITIES:
        _add_list(router, entity, _page_model(entity))
        _add_get(router, entity)
    return router
