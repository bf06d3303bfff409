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
from lineshaft.api.routes.catalog import system_of
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
    """One that a connection is asked for."""

    known: Known
    system: System
    entity: str
    operation: Operation
    record_id: str | None
    """Of what is changed or deleted."""
    values: dict[str, Any]
    idempotency_key: str | None

    @property
    def connection_id(self) -> str:
        return self.known.connection_id

    @property
    def hash(self) -> str:
        return request_hash(self.entity, self.operation, self.record_id, self.values)


def _add_create(router: APIRouter, entity: str) -> None:
    async def create(
        request: Request,
        key: KeyToWrite,
        values: Values,
        connection_id: ConnectionQuery = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        api = context_of(request)
        known, system = await writable_connection(api, key, entity, connection_id)
        return await _write(api, Write(known, system, entity, "create", None, values, idempotency_key))

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
        known, system = await writable_connection(api, key, entity, connection_id)
        return await _write(api, Write(known, system, entity, "update", entity_id, values, idempotency_key))

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
        known, system = await writable_connection(api, key, entity, connection_id)
        return await _write(api, Write(known, system, entity, "delete", entity_id, {}, idempotency_key))

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
        detail = (
            f"{system.manifest.label} has no {entity.replace('_', ' ')}; it has {', '.join(system.entities)}."
        )
        raise problem(ProblemCode.NOT_SUPPORTED, detail, connection_id=known.connection_id)
    name = system.object_of(entity)
    if not system.reads(known.objects, name):
        detail = f"The customer has not chosen {name!r} for this connection."
        raise problem(ProblemCode.NOT_SUPPORTED, detail, connection_id=known.connection_id)
    require_writable(known, name, api.clock())
    return known, system


async def begin_write(api: Context, write: Write) -> str:
    """The id of the command: that of an earlier request where the idempotency key was used before.

    Raises:
        ProblemError: there is no such record, or the values have no way to the source.
    """
    if (earlier := await _earlier(api, write)) is not None:
        return earlier
    source_id, revision = await _target(api, write)
    mapping = await active_mapping(api.pool, write.connection_id, write.system, write.entity)
    resolved = await with_source_ids(api.pool, write.connection_id, write.entity, write.values)
    written, origins = source_values(
        write.system,
        write.entity,
        mapping.effective,
        resolved,
        operation=write.operation,
        connection_id=write.connection_id,
    )
    data = WriteRequested(
        command_id=new_id("op"),
        connection_id=write.connection_id,
        object=mapping.object,
        operation=write.operation,
        source_id=source_id,
        values=written,
    )
    async with api.pool.acquire() as tx, tx.transaction():
        is_new = await ask(
            tx,
            data,
            kind="write",
            key=write.connection_id,
            request={
                "entity": write.entity,
                "operation": write.operation,
                "values": write.values,
                "origins": origins,
                "revision": revision,
            },
            idempotency=(write.idempotency_key, write.hash) if write.idempotency_key else None,
        )
    return data.command_id if is_new else await begin_write(api, write)


async def _earlier(api: Context, write: Write) -> str | None:
    """The command of the request that came with the same idempotency key.

    It is looked for before anything else, as the record of a deletion that is done is no longer there.

    Raises:
        ProblemError: it was another request.
    """
    if write.idempotency_key is None:
        return None
    key = write.connection_id, write.idempotency_key
    await release_idempotency_key(api.pool, *key, write.hash)
    earlier = await find_by_idempotency_key(api.pool, *key)
    if earlier is not None and earlier.request_hash != write.hash:
        raise problem(
            ProblemCode.IDEMPOTENCY_CONFLICT,
            "This Idempotency-Key was used for another request; use a new one.",
            connection_id=write.connection_id,
        )
    return None if earlier is None else earlier.command_id


async def _target(api: Context, write: Write) -> tuple[str | None, int]:
    """The key at the source of what is changed, which a creation does not have yet; and the next revision."""
    if write.record_id is None:
        return None, 1
    about = write.connection_id, write.entity, write.record_id
    row = await api.pool.fetchrow(SQL["source_id"], *about)
    source_id = row["source_id"] if row else await _just_created(api, *about)
    if source_id is None:
        raise not_found(write.entity.replace("_", " "), connection_id=write.connection_id)
    return source_id, (row["revision"] if row else 1) + 1


async def _just_created(api: Context, connection_id: str, entity: str, record_id: str) -> str | None:
    """The key of a record that its creation was answered with, before it has gone the way of all records."""
    created = await api.pool.fetch(SQL["just_created"], connection_id, entity, record_id)
    keys = (str(row["source_id"]) for row in created)
    return next((key for key in keys if entity_id(connection_id, entity, key) == record_id), None)


async def _write(api: Context, write: Write) -> Response:
    command = await begin_write(api, write)
    return await _answer(api, write, await outcome(api, write, command, api.settings.write_wait_seconds))


async def outcome(api: Context, write: Write, command_id: str, seconds: float) -> StoredCommand:
    """The command, completed where that takes no longer than this."""
    command = await api.waiters.wait(command_id, seconds)
    if command is None:
        raise not_found("operation", connection_id=write.connection_id)
    return command


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
