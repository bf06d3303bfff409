"""One connection: its verdict, its objects, its history."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from lineshaft.api.adapters.commands import find_command
from lineshaft.api.console.charts import chart_of
from lineshaft.api.console.entities import entity_names
from lineshaft.api.console.listing import ROWS, After, listed
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Signed, Visitor
from lineshaft.api.console.words import FAULT_WORDS, OUTCOMES, URGENT_DAYS, days_left
from lineshaft.api.domain.connections import Connection
from lineshaft.api.domain.problems import ProblemCode, ProblemError, invalid, not_found
from lineshaft.api.routes import diagnoses, health, networks, schedules, syncs
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection, require_known
from lineshaft.api.routes.operations import DIAGNOSE, shown_operation
from lineshaft.common.outcomes import Outcome

LATEST = 3

router = APIRouter(prefix=HOME + "/connections/{connection_id}")

ConnectionPath = Annotated[str, Path(max_length=100)]


async def frame(api: Context, visitor: Visitor, connection: Connection) -> dict[str, Any]:
    """What the head of every page of a connection needs."""
    system = api.catalog.systems.get(connection.system)
    label = system.manifest.label if system else connection.system
    return {
        "visitor": visitor,
        "connection": connection,
        "system": system,
        "system_label": label,
        "name": connection.label or connection.account_label or label,
        "base": f"{HOME}/connections/{connection.connection_id}",
        "entities": await entity_names(api, connection),
    }


def _labels(api: Context, connection: Connection) -> dict[str, str]:
    """Source object to the name that people know it by."""
    system = api.catalog.systems.get(connection.system)
    return {name: one.label for name, one in system.manifest.objects.items()} if system else {}


def _titles(api: Context, connection: Connection) -> dict[str, str]:
    """Settings as the customer's form names them."""
    system = api.catalog.systems.get(connection.system)
    return {one.key: one.title for one in system.manifest.settings} if system else {}


@router.get("")
async def overview(request: Request, api: Api, visitor: Signed, connection_id: ConnectionPath) -> Response:
    connection = await require_connection(api.pool, connection_id)
    known = await require_known(api.pool, connection_id)
    latest = await syncs.list_syncs(api=api, _=visitor.caller, connection_id=connection_id, limit=LATEST)
    issues = await health.issues(api, visitor.caller, connection_id, ROWS, None, "open")
    status = health.describe(api, known)
    return page(
        request,
        "connection_live.html" if is_part(request) else "connection.html",
        **await frame(api, visitor, connection),
        status=status,
        ending_in=_ending_in(status["credentials_expire_at"], api.clock()),
        labels=_labels(api, connection),
        titles=_titles(api, connection),
        issues=issues.content["data"],
        syncs=latest.content["data"],
        network=None if is_part(request) else await networks.get(api, visitor.caller, connection_id),
        ladder=None if is_part(request) else await _last_ladder(api, visitor, connection_id),
    )


def _ending_in(moment: str | None, now: datetime) -> int | None:
    """Days until the credentials end; None while nobody has to think of it."""
    left = None if moment is None else days_left(moment, now)
    return left if left is not None and left <= URGENT_DAYS else None


async def _last_ladder(api: Context, visitor: Visitor, connection_id: str) -> dict[str, Any] | None:
    try:
        answer = await diagnoses.last_diagnosis(api, visitor.caller, connection_id)
    except ProblemError as error:
        if error.problem.code is ProblemCode.NOT_FOUND:
            return None
        raise
    document: dict[str, Any] = answer.content
    return document


@router.get("/ladder")
async def ladder(
    request: Request,
    api: Api,
    visitor: Signed,
    connection_id: ConnectionPath,
    operation: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """As far as it was climbed; the part asks again until it is done."""
    connection = await require_connection(api.pool, connection_id)
    command = await find_command(api.pool, operation)
    if command is None or command.connection_id != connection_id or command.kind != DIAGNOSE:
        raise not_found("ladder", connection_id=connection_id)
    shown = await shown_operation(api, command)
    climbing = shown["status"] == "pending"
    return page(
        request,
        "ladder.html",
        **await frame(api, visitor, connection),
        ladder=shown["progress"] if climbing else shown["data"],
        operation=operation if climbing else None,
        problem=shown["problem"],
    )


@router.get("/syncs")
async def sync_list(
    request: Request, api: Api, visitor: Signed, connection_id: ConnectionPath, after: After = ""
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    found = await syncs.list_syncs(
        api=api, _=visitor.caller, connection_id=connection_id, limit=ROWS, cursor=after or None
    )
    schedule = await schedules.get_schedule(api, visitor.caller, connection_id)
    return page(
        request,
        "sync_rows.html" if is_part(request) else "syncs.html",
        **await frame(api, visitor, connection),
        **listed(found.content, after),
        chart=None if after else chart_of(found.content["data"]),
        schedule=schedule.content,
    )


@router.get("/errors")
async def error_list(
    *,
    request: Request,
    api: Api,
    visitor: Signed,
    connection_id: ConnectionPath,
    after: After = "",
    name: Annotated[str, Query(alias="object", max_length=200)] = "",
    outcome: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    if outcome and outcome not in OUTCOMES:
        raise invalid("outcome", f"is one of {', '.join(OUTCOMES)}")
    found = await health.errors(
        api=api,
        _=visitor.caller,
        connection_id=connection_id,
        limit=ROWS,
        cursor=after or None,
        object=name or None,
        outcome=Outcome(outcome) if outcome else None,
    )
    filters = {"object": name, "outcome": outcome}
    return page(
        request,
        "error_rows.html" if is_part(request) else "errors.html",
        **await frame(api, visitor, connection),
        **listed(found.content, after),
        filters={key: value for key, value in filters.items() if value},
        outcomes=OUTCOMES,
    )


@router.get("/history")
async def history(
    request: Request, api: Api, visitor: Signed, connection_id: ConnectionPath, after: After = ""
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    found = await health.timeline(api, visitor.caller, connection_id, ROWS, after or None)
    issues = await health.issues(api, visitor.caller, connection_id, ROWS)
    return page(
        request,
        "history.html",
        **await frame(api, visitor, connection),
        **listed(found.content, after),
        issues=issues.content["data"],
        faults=FAULT_WORDS,
    )
