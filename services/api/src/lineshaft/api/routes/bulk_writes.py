"""`POST /v1/{entities}/bulk`: many writes in one request, each with its own outcome."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.api.adapters.commands import StoredCommand
from lineshaft.api.adapters.postgres import as_problem
from lineshaft.api.domain.problems import Problem, ProblemError, invalid
from lineshaft.api.domain.status import Known
from lineshaft.api.domain.writes import Operation
from lineshaft.api.routes.answers import Json, ProblemModel, problems, request_id_of
from lineshaft.api.routes.authentication import ConnectionQuery, KeyToWrite
from lineshaft.api.routes.context import Context, context_of
from lineshaft.api.routes.exact import ExactRoute
from lineshaft.api.routes.operations import entity_of, problem_of
from lineshaft.api.routes.writes import (
    ACCEPTED,
    CREATED,
    NO_CONTENT,
    OK,
    Write,
    begin_write,
    outcome,
    writable_connection,
)
from lineshaft.common.integrations import System
from lineshaft.common.unified import ENTITIES, ROUTES

MULTI_STATUS = 207
MAX_ITEMS = 100

_DONE: dict[Operation, int] = {"create": CREATED, "update": OK, "delete": NO_CONTENT}


class BulkItem(BaseModel):
    model_config = ConfigDict(extra="forbid")

    operation: Literal["create", "update", "delete"] = "create"
    id: str | None = Field(default=None, max_length=200, description="Of what is changed or deleted.")
    values: dict[str, Any] = Field(
        default_factory=dict, max_length=300, description="Unified fields; custom ones under `custom_fields`."
    )
    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The same key with the same item gets the same answer, and is written once.",
    )


class BulkOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[BulkItem], Field(min_length=1, max_length=MAX_ITEMS)]


class BulkResult(BaseModel):
    index: int = Field(description="Of the item in the request.")
    status: int = Field(
        description="What a request of its own would answer: 200, 201, 202, 204 or a problem's status."
    )
    operation_id: str | None = Field(description="For `/v1/operations/{id}`; none if nothing was begun.")
    data: dict[str, Any] | None = Field(description="The record, of a create or update that is done.")
    problem: ProblemModel | None


class BulkAnswer(BaseModel):
    data: list[BulkResult] = Field(description="One result per item, in the order of the request.")


def bulk_router() -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["data"], route_class=ExactRoute)
    for entity in ENTITIES:
        _add_bulk(router, entity)
    return router


def _add_bulk(router: APIRouter, entity: str) -> None:
    async def bulk(
        request: Request, key: KeyToWrite, order: BulkOrder, connection_id: ConnectionQuery = None
    ) -> Json:
        """Results come in the order of the items; one that fails does not stop the others.

        Items are carried out side by side, so a record has one of them at most.
        """
        api = context_of(request)
        known, system = await writable_connection(api, key, entity, connection_id)
        earlier: set[str] = set()
        begun = [await _begin(api, known, system, entity, item, earlier=earlier) for item in order.items]
        results = await _results(api, begun, request_id_of(request))
        return Json({"data": results}, status_code=MULTI_STATUS)

    router.add_api_route(
        f"/{ROUTES[entity]}/bulk",
        bulk,
        methods=["POST"],
        name=f"bulk_{entity}",
        operation_id=f"bulk_{entity}",
        summary=f"Create, change and delete many {ROUTES[entity].replace('-', ' ')} in the source system",
        status_code=MULTI_STATUS,
        responses={
            MULTI_STATUS: {"model": BulkAnswer, "description": "A result per item"},
            **problems(404, 409),
        },
        response_class=Json,
    )


_Begun = tuple[Write, str]


async def _begin(
    api: Context, known: Known, system: System, entity: str, item: BulkItem, *, earlier: set[str]
) -> _Begun | Problem:
    try:
        _check_id(known, item, earlier)
        write = Write(known, system, entity, item.operation, item.id, item.values, item.idempotency_key)
        return write, await begin_write(api, write)
    except Exception as error:
        # Items before it are under way: an answer without their results would invite to send them again.
        told = error if isinstance(error, ProblemError) else as_problem(error)
        if told is None:
            raise
        return told.problem


def _check_id(known: Known, item: BulkItem, earlier: set[str]) -> None:
    if (item.id is None) != (item.operation == "create"):
        need = "a create has none" if item.id else f"is needed for {item.operation}"
        raise invalid("id", need, connection_id=known.connection_id)
    if item.id in earlier:
        raise invalid("id", "an earlier item writes this record; send a second request after this one")
    if item.id is not None:
        earlier.add(item.id)


async def _results(api: Context, begun: list[_Begun | Problem], request_id: str) -> list[dict[str, Any]]:
    """All of them wait together, no longer than one write would."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + api.settings.write_wait_seconds
    results = []
    for index, one in enumerate(begun):
        if isinstance(one, Problem):
            result = _failed(one, None, request_id)
        else:
            write, command_id = one
            command = await outcome(api, write, command_id, max(0.0, deadline - clock()))
            result = await _result(api, write, command, request_id)
        results.append({"index": index, **result})
    return results


async def _result(api: Context, write: Write, command: StoredCommand, request_id: str) -> dict[str, Any]:
    done = command.completed_at is not None
    if done and (error := problem_of(command)) is not None:
        return _failed(error.problem, command.command_id, request_id)
    has_data = done and write.operation != "delete"
    return {
        "status": _DONE[write.operation] if done else ACCEPTED,
        "operation_id": command.command_id,
        "data": await entity_of(api, command) if has_data else None,
        "problem": None,
    }


def _failed(found: Problem, operation_id: str | None, request_id: str) -> dict[str, Any]:
    return {
        "status": found.status,
        "operation_id": operation_id,
        "data": None,
        "problem": found.body(request_id),
    }
