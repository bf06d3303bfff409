"""`/v1/operations/{id}`: what became of a write, or of an operator's order."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from lineshaft.api.adapters.commands import StoredCommand, find_command, progress_of
from lineshaft.api.adapters.connections import find_connection
from lineshaft.api.adapters.entities import revision_of
from lineshaft.api.adapters.keys import Caller
from lineshaft.api.adapters.mappings import active_mapping
from lineshaft.api.domain.keys import KeyKind
from lineshaft.api.domain.problems import ProblemCode, ProblemError, not_found
from lineshaft.api.domain.writes import refusal
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import KeyToRead, identify
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.common.clock import now
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.events.diagnoses import Climbing
from lineshaft.common.unified import entity_id

WRITE = "write"
DIAGNOSE = "diagnose"
ORDERS = {
    "breaker": "force_breaker",
    "mute": "mute_issue",
    "schedule": "set_schedule",
    DIAGNOSE: "diagnose",
    "describe": "describe",
    "approve_deletions": "approve_deletions",
    "drift_policy": "set_drift_policy",
    "accept_changes": "accept_schema_changes",
}
"""The kinds of orders, and what an operation calls them."""

router = APIRouter(prefix="/v1/operations", tags=["data"])


class OperationModel(BaseModel):
    """A write or an order that takes longer."""

    id: str
    status: Literal["pending", "succeeded", "failed", "unknown"] = Field(
        description="unknown: nobody knows whether the source did it; look there before you send it again."
    )
    connection_id: str
    entity: str | None = Field(description="Of a write.")
    operation: Literal[
        "create",
        "update",
        "delete",
        "force_breaker",
        "mute_issue",
        "set_schedule",
        "diagnose",
        "describe",
        "approve_deletions",
        "set_drift_policy",
        "accept_schema_changes",
    ]
    created_at: datetime
    completed_at: datetime | None
    progress: Climbing | None = Field(description="Of a diagnosis that is not done: the rungs so far.")
    data: dict[str, Any] | None
    problem: dict[str, Any] | None


@router.get(
    "/{operation_id}",
    responses={200: {"model": OperationModel}, **problems(404)},
    response_class=Json,
)
async def get_operation(api: Api, key: KeyToRead, operation_id: Annotated[str, Path(max_length=100)]) -> Json:
    caller = await identify(api, key)
    command = await find_command(api.pool, operation_id)
    if command is None or not _may_see(caller, command):
        raise not_found("operation")
    return Json(await shown_operation(api, command))


def _may_see(caller: Caller, command: StoredCommand) -> bool:
    """A connection's token sees its own writes; orders are the operators'."""
    if caller.kind is KeyKind.ADMIN:
        return command.kind in {WRITE, *ORDERS}
    return command.kind == WRITE and caller.connection_id == command.connection_id


def problem_of(command: StoredCommand) -> ProblemError | None:
    if command.result is not None:
        return None
    told = CommandProblem.model_validate(command.problem or {"code": "internal_error", "message": ""})
    return refusal(
        told,
        connection_id=command.connection_id or "",
        origins=command.request.get("origins", {}),
        now=now(),
    )


async def entity_of(api: Context, command: StoredCommand) -> dict[str, Any]:
    """The record's identity with what was written; what the source says it stored comes first."""
    result = command.result or {}
    connection_id, entity = command.connection_id or "", command.request["entity"]
    source_id = str(result["source_id"])
    written = {
        "id": entity_id(connection_id, entity, source_id),
        "entity": entity,
        "connection_id": connection_id,
        "source_id": source_id,
        "revision": command.request["revision"],
        "observed_at": command.completed_at,
        **command.request["values"],
    }
    stored = result.get("record") or result.get("values")
    connection = await find_connection(api.pool, connection_id)
    if stored and connection is not None:
        system = system_of(api.catalog, connection.system)
        mapping = await active_mapping(api.pool, connection_id, system, entity)
        compiled = await api.compiled.get(api.pool, connection_id, system, entity, mapping.version)
        mapped = compiled.apply(connection_id, source_id, stored, command.completed_at or "")
        if result.get("record"):
            return mapped.document | {
                "revision": await revision_of(api.pool, mapped.document, command.request["revision"])
            }
        custom = {**written.get("custom_fields", {}), **_filled(mapped.document["custom_fields"])}
        written |= {
            **_filled({name: mapped.document.get(name) for name in mapping.effective.fields}),
            "custom_fields": custom,
        }
    return written


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


async def _data_of(api: Context, command: StoredCommand) -> dict[str, Any] | None:
    if command.kind != WRITE:
        return command.result
    return None if command.request["operation"] == "delete" else await entity_of(api, command)


async def shown_operation(api: Context, command: StoredCommand) -> dict[str, Any]:
    status = "pending"
    data = found = progress = None
    if command.completed_at is None:
        progress = await progress_of(api.pool, command) if command.kind == DIAGNOSE else None
    else:
        error = problem_of(command)
        status = "failed" if error else "succeeded"
        if error and error.problem.code is ProblemCode.OUTCOME_UNKNOWN:
            status = "unknown"
        found = error.problem.body(command.command_id) if error else None
        data = None if error else await _data_of(api, command)
    return {
        "id": command.command_id,
        "status": status,
        "connection_id": command.connection_id,
        "entity": command.request.get("entity"),
        "operation": command.request["operation"],
        "created_at": command.created_at,
        "completed_at": command.completed_at,
        "progress": progress,
        "data": data,
        "problem": found,
    }
