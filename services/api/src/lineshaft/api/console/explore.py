"""Any entity of a connection as a table, and one record with its raw source beside it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from lineshaft.api.adapters import entities
from lineshaft.api.console import copies
from lineshaft.api.console.connection import ConnectionPath, frame
from lineshaft.api.console.entities import mapping_of
from lineshaft.api.console.listing import ROWS, After
from lineshaft.api.console.notices import back_to
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Signed
from lineshaft.api.domain.connections import Connection
from lineshaft.api.domain.custom_objects import name_of
from lineshaft.api.domain.mappings import ActiveMapping
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.data import mapping_in_force
from lineshaft.api.routes.existence import require_connection, require_known
from lineshaft.common import exact_json
from lineshaft.common.mapping import field_sources
from lineshaft.common.unified import ROUTES, fields_of, is_custom

COLUMNS = 6
FIRST = ("number", "display", "name", "status")
ENVELOPE = ("id", "entity", "connection_id", "custom_fields")

router = APIRouter(prefix=HOME + "/connections/{connection_id}/records")

EntityPath = Annotated[str, Path(max_length=100)]


async def _mapping(
    api: Context, connection: Connection, entity: str
) -> tuple[ActiveMapping, entities.Mapping]:
    active = await mapping_of(api, connection, entity)
    known = await require_known(api.pool, connection.connection_id)
    return active, mapping_in_force(
        api, known, entity, active.version, active.object if is_custom(entity) else None
    )


@router.get("")
async def first(request: Request, api: Api, _: Signed, connection_id: ConnectionPath) -> Response:
    connection = await require_connection(api.pool, connection_id)
    system = system_of(api.catalog, connection.system)
    if not system.entities:
        raise not_found("entity")
    return back_to(f"{request.url.path}/{next(iter(system.entities))}")


@router.get("/{entity}")
async def table(
    *,
    request: Request,
    api: Api,
    visitor: Signed,
    connection_id: ConnectionPath,
    entity: EntityPath,
    after: After = "",
    status: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    active, mapping = await _mapping(api, connection, entity)
    values = fields_of(entity)["status"].kind.values if "status" in fields_of(entity) else ()
    query = entities.Query(
        connection_id=connection_id,
        entity=entity,
        limit=ROWS,
        cursor=after or None,
        modified_after=None,
        status=status if status in values else None,
        include_raw=False,
    )
    found = await entities.read_page(api.pool, query, mapping)
    return page(
        request,
        "record_rows.html" if is_part(request) else "records.html",
        **await frame(api, visitor, connection),
        entity=entity,
        rows=[exact_json.decode(one) for one in found.entities],
        columns=_columns(active),
        next=found.next_cursor,
        after=after,
        filters={"status": status} if status in values else {},
        status_values=values,
        copies=copies.of_list(_url(api), _route(entity), entity, connection_id),
    )


@router.get("/{entity}/{entity_id}")
async def record(
    *,
    request: Request,
    api: Api,
    visitor: Signed,
    connection_id: ConnectionPath,
    entity: EntityPath,
    entity_id: Annotated[str, Path(max_length=100)],
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    active, mapping = await _mapping(api, connection, entity)
    found = await entities.read_one(api.pool, connection_id, entity, entity_id, mapping, include_raw=True)
    if found is None:
        raise not_found(entity.replace("_", " "), connection_id=connection_id)
    document = exact_json.decode(found)
    raw = document.pop("raw")
    return page(
        request,
        "record.html",
        **await frame(api, visitor, connection),
        entity=entity,
        active=active,
        document=document,
        raw=raw,
        values=_rows(active, document),
        copies=copies.of_record(_url(api), _route(entity), entity_id, connection_id),
    )


def _rows(active: ActiveMapping, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Each unified value with the source fields that it was made of."""
    sources = {
        name: [".".join(path) for path in paths] for name, paths in field_sources(active.effective).items()
    }
    known = fields_of(active.entity)
    values = {name: document[name] for name in known if name in document and name not in ENVELOPE}
    values |= {f"custom_fields.{name}": value for name, value in document["custom_fields"].items()}
    return [
        {"name": name, "value": value, "sources": sources.get(name, [])}
        for name, value in values.items()
        if value not in (None, [], {})
    ]


def _columns(active: ActiveMapping) -> list[str]:
    mapped = active.effective.fields
    names = [name for name in FIRST if name in mapped]
    names += [name for name in mapped if name not in names and not name.endswith("_at")]
    return names[:COLUMNS] + [f"custom_fields.{name}" for name in active.effective.custom_fields][:COLUMNS]


def _route(entity: str) -> str:
    return f"objects/{name_of(entity)}" if is_custom(entity) else ROUTES[entity]


def _url(api: Context) -> str:
    return api.settings.public_url.rstrip("/")
