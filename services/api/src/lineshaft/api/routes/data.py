"""`/v1/assets`, `/v1/work-orders` and the rest: a customer's records, normalized."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, Field, create_model
from starlette.responses import Response

from lineshaft.api.adapters import entities
from lineshaft.api.domain.problems import not_found
from lineshaft.api.domain.reading import list_body
from lineshaft.api.domain.status import Known
from lineshaft.api.routes.answers import JSON, Json, problems
from lineshaft.api.routes.authentication import ConnectionQuery, Secret, open_connection
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Context, context_of
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit
from lineshaft.common.mapping import CompiledMapping
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.common.unified import ENTITIES, ROUTES, fields_of

EntityId = Annotated[str, Path(max_length=100)]
ModifiedAfter = Annotated[
    AwareDatetime | None,
    Query(
        description="Changed in Lineshaft after this moment; ordered by change, so that nothing is missed."
    ),
]
Include = Annotated[Literal["raw"] | None, Query(description="`raw` adds the source's own record.")]


class Meta(BaseModel):
    connection_status: ConnectionStatus
    data_as_of: datetime | None = Field(description="End of the last sync whose records are readable.")


def mapping_in_force(api: Context, known: Known, entity: str, version: int) -> entities.Mapping:
    async def compiled() -> CompiledMapping:
        system = system_of(api.catalog, known.system)
        return await api.compiled.get(api.pool, known.connection_id, system, entity, version)

    return entities.Mapping(version, compiled)


def _add_list(router: APIRouter, entity: str, page_model: type[BaseModel]) -> None:
    status_field = fields_of(entity).get("status")
    values = status_field.kind.values if status_field else ()
    StatusFilter: Any = Annotated[Literal[values or ("",)] | None, Query()]  # noqa: N806  a type

    async def read(
        request: Request,
        secret: str,
        *,
        connection_id: str | None,
        limit: int,
        cursor: str | None,
        modified_after: datetime | None,
        status: str | None,
        include: str | None,
    ) -> Response:
        api = context_of(request)
        access, known = await open_connection(api, secret, connection_id, entity)
        page = await entities.read_page(
            api.pool,
            entities.Query(
                connection_id=known.connection_id,
                entity=entity,
                limit=limit,
                cursor=cursor,
                modified_after=modified_after,
                status=status,
                include_raw=include == "raw",
            ),
            mapping_in_force(api, known, entity, access.mapping_version),
        )
        meta = {"connection_status": known.status, "data_as_of": known.data_as_of}
        return Response(list_body(page.entities, page.next_cursor, meta), media_type=JSON)

    async def list_with_status(
        *,
        request: Request,
        secret: Secret,
        connection_id: ConnectionQuery = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
        modified_after: ModifiedAfter = None,
        status: StatusFilter = None,
        include: Include = None,
    ) -> Response:
        return await read(
            request,
            secret,
            connection_id=connection_id,
            limit=limit,
            cursor=cursor,
            modified_after=modified_after,
            status=status,
            include=include,
        )

    async def list_without_status(
        *,
        request: Request,
        secret: Secret,
        connection_id: ConnectionQuery = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
        modified_after: ModifiedAfter = None,
        include: Include = None,
    ) -> Response:
        return await read(
            request,
            secret,
            connection_id=connection_id,
            limit=limit,
            cursor=cursor,
            modified_after=modified_after,
            status=None,
            include=include,
        )

    router.add_api_route(
        f"/{ROUTES[entity]}",
        list_with_status if values else list_without_status,
        methods=["GET"],
        name=f"list_{entity}",
        operation_id=f"list_{entity}",
        summary=f"List {ROUTES[entity].replace('-', ' ')}",
        responses={200: {"model": page_model}, **problems(404)},
        response_class=Json,
    )


def _add_get(router: APIRouter, entity: str) -> None:
    async def get(
        request: Request,
        secret: Secret,
        entity_id: EntityId,
        connection_id: ConnectionQuery = None,
        include: Include = None,
    ) -> Response:
        api = context_of(request)
        access, known = await open_connection(api, secret, connection_id, entity)
        found = await entities.read_one(
            api.pool,
            known.connection_id,
            entity,
            entity_id,
            mapping_in_force(api, known, entity, access.mapping_version),
            include_raw=include == "raw",
        )
        if found is None:
            raise not_found(entity.replace("_", " "), connection_id=known.connection_id)
        return Response(found, media_type=JSON)

    router.add_api_route(
        f"/{ROUTES[entity]}/{{entity_id}}",
        get,
        methods=["GET"],
        name=f"get_{entity}",
        operation_id=f"get_{entity}",
        summary=f"Read one {entity.replace('_', ' ')}",
        responses={200: {"model": ENTITIES[entity]}, **problems(404)},
        response_class=Json,
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
