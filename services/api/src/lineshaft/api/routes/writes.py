"""`POST`, `PATCH` and `DELETE` of entities, and the operations that take longer."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Request
from starlette.responses import Response

from lineshaft.api.adapters.commands import (
    StoredCommand,
    ask,
    find_by_idempotency_key,
    release_idempotency_key,
)
from lineshaft.api.adapters.mappings import active_mapping
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.adapters.references import with_source_ids
from lineshaft.api.domain.problems import ProblemCode, not_found, problem
from lineshaft.api.domain.status import Known
from lineshaft.api.domain.usability import require_writable
from lineshaft.api.domain.writes import Operation, request_hash, source_values
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import ConnectionQuery, KeyToWrite, Presented, open_connection
from lineshaft.api.routes.catalog import system_of, unknown_entity
from lineshaft.api.routes.context import Context, context_of
from lineshaft.api.routes.data import EntityId
from lineshaft.api.routes.exact import ExactRoute
from lineshaft.api.routes.operations import OperationModel, entity_of, problem_of, shown_operation
from lineshaft.common.events.commands import WriteRequested
from lineshaft.common.ids import new_id
from lineshaft.common.integrations import System
from lineshaft.common.unified import ENTITIES, ROUTES, entity_id

CREATED, OK, ACCEPTED, NO_CONTENT = 201, 200, 202, 204

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="The same key with the same request gets the same answer, and is written once.",
    ),
]
Values = Annotated[
    dict[str, Any], Body(description="Unified fields; custom ones under `custom_fields`.", max_length=300)
]


@dataclass(frozen=True, slots=True)
class Write:
    known: Known
    system: System
    entity: str
    operation: Operation
    source_id: str | None
    revision: int
    """Which the record gets, unless nothing changes."""


def _add_create(router: APIRouter, entity: str) -> None:
    async def create(
        request: Request,
        key: KeyToWrite,
        values: Values,
        connection_id: ConnectionQuery = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        api = context_of(request)
        write = await _open(api, key, entity, connection_id, operation="create")
        return await _write(api, write, values, idempotency_key)

    router.add_api_route(
        f"/{ROUTES[entity]}",
        create,
        methods=["POST"],
        name=f"create_{entity}",
        operation_id=f"create_{entity}",
        summary=f"Create a {entity.replace('_', ' ')} in the source system",
        status_code=CREATED,
        responses={
            CREATED: {"model": ENTITIES[entity]},
            ACCEPTED: {"model": OperationModel, "description": "It takes longer"},
            **problems(404, 409, 504),
        },
        response_class=Json,
    )


def _add_update(router: APIRouter, entity: str) -> None:
    async def update(
        *,
        request: Request,
        key: KeyToWrite,
        entity_id: EntityId,
        values: Values,
        connection_id: ConnectionQuery = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        api = context_of(request)
        write = await _open(api, key, entity, connection_id, operation="update", of=entity_id)
        return await _write(api, write, values, idempotency_key)

    router.add_api_route(
        f"/{ROUTES[entity]}/{{entity_id}}",
        update,
        methods=["PATCH"],
        name=f"update_{entity}",
        operation_id=f"update_{entity}",
        summary=f"Change a {entity.replace('_', ' ')} in the source system",
        responses={
            OK: {"model": ENTITIES[entity]},
            ACCEPTED: {"model": OperationModel, "description": "It takes longer"},
            **problems(404, 409, 504),
        },
        response_class=Json,
    )


def _add_delete(router: APIRouter, entity: str) -> None:
    async def delete(
        request: Request,
        key: KeyToWrite,
        entity_id: EntityId,
        connection_id: ConnectionQuery = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        api = context_of(request)
        write = await _open(api, key, entity, connection_id, operation="delete", of=entity_id)
        return await _write(api, write, {}, idempotency_key)

    router.add_api_route(
        f"/{ROUTES[entity]}/{{entity_id}}",
        delete,
        methods=["DELETE"],
        name=f"delete_{entity}",
        operation_id=f"delete_{entity}",
        summary=f"Delete a {entity.replace('_', ' ')} in the source system",
        status_code=NO_CONTENT,
        responses={
            NO_CONTENT: {"description": "It is gone at the source"},
            ACCEPTED: {"model": OperationModel, "description": "It takes longer"},
            **problems(404, 409, 504),
        },
        response_class=Response,
    )


async def _open(
    api: Context,
    key: Presented,
    entity: str,
    connection_id: str | None,
    *,
    operation: Operation,
    of: str | None = None,
) -> Write:
    """Everything that can be known before the source is asked."""
    known, system = await writable_connection(api, key, entity, connection_id)
    return await target(api, known, system, entity, operation=operation, of=of)


async def writable_connection(
    api: Context, key: Presented, entity: str, connection_id: str | None
) -> tuple[Known, System]:
    """The connection that takes writes of this entity.

    Raises:
        ProblemError: its system has no such entity, or takes no call now.
    """
    _, known = await open_connection(api, key, connection_id)
    system = system_of(api.catalog, known.system)
    if entity not in system.entities:
        raise unknown_entity(system, entity)
    name = system.object_of(entity)
    if not system.reads(known.objects, name):
        detail = f"The customer has not chosen {name!r} for this connection."
        raise problem(ProblemCode.NOT_SUPPORTED, detail, connection_id=known.connection_id)
    require_writable(known, name, api.clock())
    return known, system


async def target(
    api: Context, known: Known, system: System, entity: str, *, operation: Operation, of: str | None
) -> Write:
    """The record that is to be written, which a creation does not have yet."""
    source_id, revision = None, 1
    if of is not None:
        row = await api.pool.fetchrow(SQL["source_id"], known.connection_id, entity, of)
        source_id = row["source_id"] if row else await _just_created(api, known.connection_id, entity, of)
        if source_id is None:
            raise not_found(entity.replace("_", " "), connection_id=known.connection_id)
        revision = (row["revision"] if row else 1) + 1
    return Write(known, system, entity, operation, source_id, revision)


async def _just_created(api: Context, connection_id: str, entity: str, record_id: str) -> str | None:
    """The key of a record that its creation was answered with, before it has gone the way of all records."""
    created = await api.pool.fetch(SQL["just_created"], connection_id, entity, record_id)
    keys = (str(row["source_id"]) for row in created)
    return next((key for key in keys if entity_id(connection_id, entity, key) == record_id), None)


async def _write(api: Context, write: Write, values: dict[str, Any], idempotency_key: str | None) -> Response:
    command = await begin_write(api, write, values, idempotency_key)
    return await _answer(api, write, await outcome(api, write, command, api.settings.write_wait_seconds))


async def begin_write(api: Context, write: Write, values: dict[str, Any], idempotency_key: str | None) -> str:
    """The id of the command, which is an earlier one where the idempotency key was used before.

    Raises:
        ProblemError: the values have no way to the source.
    """
    known = write.known
    mapping = await active_mapping(api.pool, known.connection_id, write.system, write.entity)
    resolved = await with_source_ids(api.pool, known.connection_id, write.entity, values)
    written, origins = source_values(
        write.system,
        write.entity,
        mapping.effective,
        resolved,
        operation=write.operation,
        connection_id=known.connection_id,
    )
    data = WriteRequested(
        command_id=new_id("op"),
        connection_id=known.connection_id,
        object=mapping.object,
        operation=write.operation,
        source_id=write.source_id,
        values=written,
    )
    asked_for = request_hash(write.entity, write.operation, write.source_id, values)
    async with api.pool.acquire() as tx, tx.transaction():
        if idempotency_key is not None:
            await release_idempotency_key(tx, known.connection_id, idempotency_key, asked_for)
        is_new = await ask(
            tx,
            data,
            kind="write",
            key=known.connection_id,
            request={
                "entity": write.entity,
                "operation": write.operation,
                "values": values,
                "origins": origins,
                "revision": write.revision,
            },
            idempotency=(idempotency_key, asked_for) if idempotency_key else None,
        )
    if is_new:
        return data.command_id
    return await _earlier(api, known.connection_id, idempotency_key or "", asked_for)


async def outcome(api: Context, write: Write, command_id: str, seconds: float) -> StoredCommand:
    """The command, completed where that takes no longer than this."""
    command = await api.waiters.wait(command_id, seconds)
    if command is None:
        raise not_found("operation", connection_id=write.known.connection_id)
    return command


async def _earlier(api: Context, connection_id: str, idempotency_key: str, asked_for: str) -> str:
    earlier = await find_by_idempotency_key(api.pool, connection_id, idempotency_key)
    if earlier is None or earlier.request_hash != asked_for:
        raise problem(
            ProblemCode.IDEMPOTENCY_CONFLICT,
            "This Idempotency-Key was used for another request; use a new one.",
            connection_id=connection_id,
        )
    return earlier.command_id


async def _answer(api: Context, write: Write, command: StoredCommand) -> Response:
    if command.completed_at is None:
        return Json(
            await shown_operation(api, command),
            status_code=ACCEPTED,
            headers={"Location": f"/v1/operations/{command.command_id}"},
        )
    if (error := problem_of(command)) is not None:
        raise error
    if write.operation == "delete":
        return Response(status_code=NO_CONTENT)
    status = CREATED if write.operation == "create" else OK
    return Json(await entity_of(api, command), status_code=status)


def writes_router() -> APIRouter:
    """Create and change for every unified entity."""
    router = APIRouter(prefix="/v1", tags=["data"], route_class=ExactRoute)
    for entity in ENTITIES:
        _add_create(router, entity)
        _add_update(router, entity)
        _add_delete(router, entity)
    return router
