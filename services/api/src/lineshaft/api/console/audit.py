"""The audit log as a page, and as a file."""

import csv
import io
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lineshaft.api.console.listing import ROWS, After, listed
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Signed, Visitor
from lineshaft.api.routes.audit_log import audit_log
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.paging import MAX_LIMIT

MOST_EXPORTED = 20_000
COLUMNS = ("at", "actor", "action", "connection_id", "subject", "before", "after")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet."""

router = APIRouter(prefix=HOME + "/audit-log")

Actor = Annotated[str, Query(max_length=200)]
Action = Annotated[str, Query(max_length=100)]
ConnectionId = Annotated[str, Query(max_length=100)]


@router.get("")
async def show(
    *,
    request: Request,
    api: Api,
    visitor: Signed,
    after: After = "",
    actor: Actor = "",
    action: Action = "",
    connection_id: ConnectionId = "",
) -> Response:
    filters = _filters(actor, action, connection_id)
    found = (await audit_log(api=api, _=visitor.caller, limit=ROWS, cursor=after or None, **filters)).content
    return page(
        request,
        "audit_rows.html" if is_part(request) else "audit.html",
        visitor=visitor,
        **listed(found, after),
        filters=filters,
    )


@router.get("/export")
async def export(
    *, api: Api, visitor: Signed, actor: Actor = "", action: Action = "", connection_id: ConnectionId = ""
) -> Response:
    """As CSV, the newest first."""
    rows = await _all(api, visitor, _filters(actor, action, connection_id))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
    name = f"lineshaft-audit-{api.clock():%Y%m%dT%H%M%SZ}.csv"
    return Response(
        text.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _all(api: Context, visitor: Visitor, filters: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = None
    while len(rows) < MOST_EXPORTED:
        answer = await audit_log(api=api, _=visitor.caller, limit=MAX_LIMIT, cursor=cursor, **filters)
        rows += answer.content["data"]
        cursor = answer.content["next_cursor"]
        if cursor is None:
            break
    return rows


def _filters(actor: str, action: str, connection_id: str) -> dict[str, Any]:
    given = {"actor": actor.strip(), "action": action.strip(), "connection_id": connection_id.strip()}
    return {name: value for name, value in given.items() if value}


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode() if value else ""
    return f"'{text}" if text.startswith(FORMULA) else text
