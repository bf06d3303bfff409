"""`.../mappings/{entity}/yaml`: a customer's changes as a file."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from lineshaft.api.domain.mapping_yaml import from_yaml, to_yaml
from lineshaft.api.routes import mappings
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.mappings import EntityPath, IfMatch, MappingModel

YAML = "application/yaml"
CONTENT = {YAML: {"schema": {"type": "object"}}}

router = APIRouter(prefix="/v1/connections/{connection_id}/mappings/{entity}/yaml", tags=["mapping"])


@router.get("", responses={200: {"content": CONTENT}, **problems(404)}, response_class=Response)
async def export(api: Api, _: CanRead, connection_id: ConnectionPath, entity: EntityPath) -> Response:
    """The changes to the default, as a PUT of the same route takes them."""
    connection = await require_connection(api.pool, connection_id)
    system = mappings.system_with(api, connection.system, entity, connection_id)
    active = await mappings.current(api.pool, connection_id, system, entity)
    headers = {"ETag": f'"{active.version}"'}
    return Response(to_yaml(active.overlay), media_type=YAML, headers=headers)


@router.put(
    "",
    responses={200: {"model": MappingModel}, **problems(404, 412)},
    response_class=Json,
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
)
async def take(
    *,
    request: Request,
    api: Api,
    caller: CanManage,
    connection_id: ConnectionPath,
    entity: EntityPath,
    if_match: IfMatch = None,
) -> Json:
    """In force at once, like the changes in JSON."""
    changes = await asyncio.to_thread(from_yaml, await request.body())
    return await mappings.put(
        api=api,
        caller=caller,
        connection_id=connection_id,
        entity=entity,
        body=changes,
        if_match=if_match,
    )
