"""`/v1/connections/{id}/objects`: objects of the source that are read as entities of their own."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.api.adapters.connections import lock_connection
from lineshaft.api.adapters.descriptions import described, look
from lineshaft.api.adapters.mappings import active_mapping, store_version
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.custom_objects import (
    OBJECT_NAME,
    definition_body,
    entity_of,
    json_schema,
    name_of,
    source_object,
)
from lineshaft.api.domain.mappings import ActiveMapping, changed
from lineshaft.api.domain.problems import ProblemCode, invalid, not_found, problem
from lineshaft.api.domain.status import Known
from lineshaft.api.domain.usability import require_usable
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection, require_known
from lineshaft.api.routes.operations import problem_of
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.integrations import System
from lineshaft.common.mapping import MappingDefinition, MappingOverlay
from lineshaft.common.postgres.pool import Connection as Transaction

FIRST = 1

router = APIRouter(prefix="/v1/connections/{connection_id}/objects", tags=["mapping"])

Name = Annotated[str, Path(pattern=OBJECT_NAME, description="The name that the object has here.")]


class ObjectOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=OBJECT_NAME, description="Its name here: `/v1/objects/<name>`.")
    object: str = Field(min_length=1, max_length=200, description="The table, model or collection.")
    key: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=10,
        description="The fields that identify a record, `id` if absent; of an object that is read already,"
        " those by which it is read.",
    )
    cursor: str | None = Field(
        default=None,
        max_length=200,
        description="The field that tells when a record was changed; of an object that is read already, the"
        " one by which it is read.",
    )
    fields: list[str] | None = Field(
        default=None, max_length=200, description="Fields to take; all plain ones if absent."
    )


class CustomObjectModel(BaseModel):
    name: str
    object: str = Field(description="The object of the source.")
    entity: str = Field(description="Its name for mappings: `custom:<name>`.")
    key: list[str]
    cursor: str | None
    version: int
    fields: dict[str, Any] = Field(description="Custom field to where it comes from.")
    json_schema: dict[str, Any] = Field(description="Of one record's custom fields.")
    updated_at: datetime
    updated_by: str


class CustomObjects(BaseModel):
    data: list[CustomObjectModel]
    next_cursor: None = None


@router.get("", responses={200: {"model": CustomObjects}, **problems(404)}, response_class=Json)
async def list_objects(api: Api, _: CanRead, connection_id: ConnectionPath) -> Json:
    connection = await require_connection(api.pool, connection_id)
    system = system_of(api.catalog, connection.system)
    rows = await api.pool.fetch(SQL["custom_objects"], connection_id)
    return Json({"data": [_shown(row, system) for row in rows], "next_cursor": None})


@router.post(
    "",
    status_code=201,
    responses={201: {"model": CustomObjectModel}, **problems(404, 409)},
    response_class=Json,
)
async def add_object(api: Api, caller: CanManage, connection_id: ConnectionPath, body: ObjectOrder) -> Json:
    """The source is asked what the object holds; its first sync begins at once."""
    known = await require_known(api.pool, connection_id)
    return await request_object(api, known, body, by=caller.key_id)


async def request_object(api: Context, known: Known, body: ObjectOrder, *, by: str) -> Json:
    require_usable(known)
    connection_id = known.connection_id
    system = system_of(api.catalog, known.system)
    if not system.manifest.custom_objects:
        raise problem(
            ProblemCode.NOT_SUPPORTED,
            f"{system.manifest.label} has no custom objects here.",
            connection_id=connection_id,
        )
    if not system.reads(known.objects, body.object):
        raise invalid(
            "object",
            f"the customer has not chosen {body.object!r}; add it to the objects of the connection first",
            connection_id=connection_id,
        )
    fields = await _fields(api, connection_id, body.object)
    entity = entity_of(body.name)
    async with api.pool.acquire() as tx, tx.transaction():
        await _lock(tx, connection_id)
        version = await _version(tx, connection_id, system, entity)
        rows = await tx.fetch(SQL["custom_objects"], connection_id)
        others = {
            row["entity"]: MappingDefinition.parse(row["effective"])
            for row in rows
            if row["object"] == body.object
        }
        source = source_object(system, body.object, others, key=body.key, cursor=body.cursor)
        overlay_body = definition_body(
            fields,
            chosen=body.fields,
            source=None if body.object in system.manifest.objects else source,
            comment=f"{body.object} requested",
        )
        changes, effective = changed(entity, MappingDefinition(), overlay_body)
        active = _empty(connection_id, system, entity, body.object, version)
        await store_version(tx, active, changes, effective, by=by, at=api.clock())
        rows = await tx.fetch(SQL["custom_objects"], connection_id)
    return Json(next(_shown(row, system) for row in rows if row["entity"] == entity), status_code=201)


@router.delete("/{name}", status_code=204, responses=problems(404))
async def remove_object(api: Api, caller: CanManage, connection_id: ConnectionPath, name: Name) -> None:
    """It is read no more and shown no more."""
    connection = await require_connection(api.pool, connection_id)
    system = system_of(api.catalog, connection.system)
    entity = entity_of(name)
    async with api.pool.acquire() as tx, tx.transaction():
        await _lock(tx, connection_id)
        try:
            active = await active_mapping(tx, connection_id, system, entity)
        except KeyError:
            raise not_found("custom object", connection_id=connection_id) from None
        removed = _empty(connection_id, system, entity, "", active.version)
        await store_version(
            tx,
            removed,
            MappingOverlay(comment="removed"),
            MappingDefinition(),
            by=caller.key_id,
            at=api.clock(),
        )


async def _fields(api: Context, connection_id: str, name: str) -> list[dict[str, Any]]:
    """Looked at now, so that a table that was made a moment ago is found."""
    command = await look(api.pool, api.waiters, connection_id, [name], api.settings.write_wait_seconds)
    if command is None or command.completed_at is None:
        raise problem(
            ProblemCode.CONNECTION_UNAVAILABLE,
            "The source has not answered in time; ask again.",
            connection_id=connection_id,
        )
    if command.result is None:
        refusal = problem_of(command)
        known = ", ".join(one["object"] for one in await described(api.pool, connection_id))
        outcome = (command.problem or {}).get("outcome")
        if outcome in {"configuration_error", "permission_denied"}:
            raise invalid(
                "object",
                f"the source does not show {name!r} to this account"
                + (f"; it has been seen with {known}" if known else ""),
                connection_id=connection_id,
            )
        raise refusal or invalid("object", "cannot be described", connection_id=connection_id)
    fields: list[dict[str, Any]] = command.result["objects"][0]["fields"]
    return fields


async def _lock(tx: Transaction, connection_id: str) -> None:
    connection = await lock_connection(tx, connection_id)
    if connection is None or connection.lifecycle is Lifecycle.DELETED:
        raise not_found("connection", connection_id=connection_id)


async def _version(tx: Transaction, connection_id: str, system: System, entity: str) -> int:
    """The last one, of an object that was removed before.

    Raises:
        ProblemError: the name is in use.
    """
    try:
        await active_mapping(tx, connection_id, system, entity)
    except KeyError:
        row = await tx.fetchrow(SQL["active_mapping"], connection_id, entity)
        return row["version"] if row else FIRST
    raise problem(
        ProblemCode.CONFLICT,
        f"There is an object {name_of(entity)!r} already; change its mapping, or remove it first.",
        connection_id=connection_id,
    )


def _empty(
    connection_id: str, system: System, entity: str, source_object: str, version: int
) -> ActiveMapping:
    return ActiveMapping(
        connection_id=connection_id,
        system=system.id,
        entity=entity,
        object=source_object,
        version=version,
        default=MappingDefinition(),
        overlay={},
        effective=MappingDefinition(),
        comment="",
        updated_at=None,
        updated_by="",
    )


def _shown(row: Any, system: System) -> dict[str, Any]:
    effective = MappingDefinition.parse(row["effective"])
    source = system.object(row["object"], [effective])
    name = name_of(row["entity"])
    return {
        "name": name,
        "object": row["object"],
        "entity": row["entity"],
        "key": source.key,
        "cursor": source.cursor.field if source.cursor else None,
        "version": row["version"],
        "fields": effective.dump().get("custom_fields", {}),
        "json_schema": json_schema(name, effective),
        "updated_at": row["created_at"],
        "updated_by": row["created_by"],
    }
