"""`/v1/connections/{id}/mappings/{entity}`: see and change how a customer's records are mapped."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.api.adapters.connections import lock_connection
from lineshaft.api.adapters.mappings import (
    active_mapping,
    list_versions,
    mapping_version,
    store_version,
)
from lineshaft.api.adapters.postgres import Executor
from lineshaft.api.domain import cursors
from lineshaft.api.domain.custom_objects import kept
from lineshaft.api.domain.mappings import ActiveMapping, changed
from lineshaft.api.domain.problems import ProblemCode, invalid, not_found, problem
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.catalog import system_of, unknown_entity
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, page
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.integrations import System
from lineshaft.common.postgres.pool import Connection as Transaction
from lineshaft.common.unified import is_custom
from lineshaft.common.whole_numbers import whole_number

ORDER = "mapping_version"
NO_VERSION = 2**31 - 1

router = APIRouter(prefix="/v1/connections/{connection_id}/mappings/{entity}", tags=["mapping"])

EntityPath = Annotated[str, Path(max_length=100, description="A unified entity, such as `work_order`.")]
Changes = Annotated[
    dict[str, Any],
    Body(
        description="The changes to the default; they replace the changes made before. Null removes a field.",
        examples=[
            {
                "fields": {"name": {"path": "rec_name"}},
                "custom_fields": {"sap_class": {"path": "x_class", "type": "string", "label": "Class"}},
                "value_maps": {"asset_status": {"30": "in_service"}},
                "comment": "Names as the plant uses them",
            }
        ],
    ),
]
IfMatch = Annotated[
    str | None, Header(max_length=100, description="The version that the change was made from.")
]


class MappingModel(BaseModel):
    entity: str
    object: str = Field(description="The source object that the entity comes from.")
    version: int = Field(description="1 is the system's default.")
    default: dict[str, Any]
    overlay: dict[str, Any]
    effective: dict[str, Any]
    comment: str
    updated_at: datetime | None
    updated_by: str


class Version(BaseModel):
    version: int
    overlay: dict[str, Any]
    comment: str
    created_at: datetime | None
    created_by: str


class Rollback(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(
        strict=True, ge=1, le=NO_VERSION, description="The version whose changes come back as a new one."
    )


@router.get("", responses={200: {"model": MappingModel}, **problems(404)}, response_class=Json)
async def get(api: Api, _: CanRead, connection_id: ConnectionPath, entity: EntityPath) -> Json:
    connection = await require_connection(api.pool, connection_id)
    system = system_with(api, connection.system, entity, connection_id)
    return _answer(await current(api.pool, connection_id, system, entity))


@router.put("", responses={200: {"model": MappingModel}, **problems(404, 412)}, response_class=Json)
async def put(
    *,
    api: Api,
    caller: CanManage,
    connection_id: ConnectionPath,
    entity: EntityPath,
    body: Changes,
    if_match: IfMatch = None,
) -> Json:
    """In force at once: the next read shows it, and stored records are mapped again in the background."""
    async with api.pool.acquire() as tx, tx.transaction():
        system, active = await _locked(api, tx, connection_id, entity)
        _require_match(active, if_match)
        return await _store(api, tx, system, active, body=body, by=caller.key_id)


@router.get("/versions", responses={200: {"model": Page[Version]}, **problems(404)}, response_class=Json)
async def versions(
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    entity: EntityPath,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """Newest first, down to the default."""
    connection = await require_connection(api.pool, connection_id)
    system_with(api, connection.system, entity, connection_id)
    before = _before(cursor)
    rows: list[dict[str, Any]] = [
        {
            "version": row["version"],
            "overlay": row["overlay"],
            "comment": row["comment"],
            "created_at": row["created_at"],
            "created_by": row["created_by"],
        }
        for row in await list_versions(api.pool, connection_id, entity, before=before, limit=limit + 1)
    ]
    if len(rows) <= limit and before > 1:
        rows.append({"version": 1, "overlay": {}, "comment": "", "created_at": None, "created_by": "default"})
    return Json(page(rows, limit, lambda row: cursors.encode(ORDER, str(row["version"]))))


@router.post("/rollback", responses={200: {"model": MappingModel}, **problems(404, 412)}, response_class=Json)
async def rollback(
    *,
    api: Api,
    caller: CanManage,
    connection_id: ConnectionPath,
    entity: EntityPath,
    body: Rollback,
    if_match: IfMatch = None,
) -> Json:
    """The changes of an earlier version, as a new version."""
    async with api.pool.acquire() as tx, tx.transaction():
        system, active = await _locked(api, tx, connection_id, entity)
        _require_match(active, if_match)
        earlier = await version_of(tx, active, system, body.version, field="version")
        changes = {**earlier.overlay, "comment": f"back to version {body.version}"}
        return await _store(api, tx, system, active, body=changes, by=caller.key_id)


def system_with(api: Context, system_id: str, entity: str, connection_id: str) -> System:
    system = system_of(api.catalog, system_id)
    if entity not in system.entities and not is_custom(entity):
        raise unknown_entity(system, entity, connection_id=connection_id)
    return system


async def current(tx: Executor, connection_id: str, system: System, entity: str) -> ActiveMapping:
    try:
        return await active_mapping(tx, connection_id, system, entity)
    except KeyError:
        raise unknown_entity(system, entity, connection_id=connection_id) from None


async def version_of(
    tx: Executor, active: ActiveMapping, system: System, version: int, *, field: str
) -> ActiveMapping:
    """A version of the same mapping; `field` of the request has named it."""
    found = await mapping_version(tx, active.connection_id, system, active.entity, version)
    if found is None:
        raise invalid(field, f"there is no mapping of version {version}; the newest is {active.version}")
    return found


async def _locked(
    api: Context, tx: Transaction, connection_id: str, entity: str
) -> tuple[System, ActiveMapping]:
    """The connection's row serializes its mapping changes."""
    connection = await lock_connection(tx, connection_id)
    if connection is None or connection.lifecycle is Lifecycle.DELETED:
        raise not_found("connection", connection_id=connection_id)
    system = system_with(api, connection.system, entity, connection_id)
    return system, await current(tx, connection_id, system, entity)


async def _store(
    api: Context, tx: Transaction, system: System, active: ActiveMapping, *, body: dict[str, Any], by: str
) -> Json:
    changes, effective = changed(active.entity, active.default, kept(active, system, body))
    await store_version(tx, active, changes, effective, by=by, at=api.clock())
    return _answer(await active_mapping(tx, active.connection_id, system, active.entity))


def _require_match(active: ActiveMapping, if_match: str | None) -> None:
    if if_match is None or if_match.strip() == "*":
        return
    if if_match.strip().removeprefix("W/").strip('"') != str(active.version):
        raise problem(
            ProblemCode.CONFLICT,
            f"The mapping is at version {active.version} now; read it again before you change it.",
            status=412,
            connection_id=active.connection_id,
        )


def _before(cursor: str | None) -> int:
    if cursor is None:
        return NO_VERSION
    (text,) = cursors.decode(cursor, ORDER, 1)
    if (version := whole_number(text, NO_VERSION)) is None:
        raise invalid("cursor", "take it unchanged from the next_cursor of the page before")
    return version


def _answer(active: ActiveMapping) -> Json:
    return Json(active.shown(), headers={"ETag": f'"{active.version}"'})
