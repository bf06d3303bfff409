"""The audit log as a page, and as a file."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from lineshaft.api.console.listing import ROWS, After, listed
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Signed, Visitor
from lineshaft.api.routes.audit_log import audit_log
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.paging import MAX_LIMIT
from lineshaft.common.whole_numbers import whole_number

COLUMNS = ("at", "actor", "action", "connection_id", "subject", "before", "after")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet."""
KINDS = {
    "connection": "Connections",
    "connection.deleted": "Deleted connections",
    "link_session": "Links for customers",
    "mapping": "Mappings",
    "sync": "Syncs",
    "order": "Orders of health and schedule",
    "webhook_endpoint": "Webhooks",
    "alert_channel": "Alerts",
    "admin_key": "Admin keys",
    "token": "Tokens",
    "oauth_client": "OAuth apps",
    "console": "Signing in",
}
"""The beginning of an action to what a reader looks for."""
PERIODS = {1: "The last day", 7: "The last 7 days", 30: "The last 30 days", 90: "The last 90 days"}
"""Days back from now: the same in every zone."""

router = APIRouter(prefix=HOME + "/audit-log")


async def _filters(
    actor: Annotated[str, Query(max_length=200)] = "",
    action: Annotated[str, Query(max_length=100)] = "",
    connection_id: Annotated[str, Query(max_length=100)] = "",
    days: Annotated[str, Query(max_length=4)] = "",
) -> dict[str, str]:
    given = {"actor": actor, "action": action, "connection_id": connection_id, "days": days}
    return {name: text.strip() for name, text in given.items() if text.strip()}


Filters = Annotated[dict[str, str], Depends(_filters)]


@router.get("")
async def show(request: Request, api: Api, visitor: Signed, filters: Filters, after: After = "") -> Response:
    found = await _entries(api, visitor, filters, limit=ROWS, cursor=after or None)
    return page(
        request,
        "audit_rows.html" if is_part(request) else "audit.html",
        visitor=visitor,
        **listed(found, after),
        filters=filters,
        kinds=KINDS,
        periods=PERIODS,
    )


@router.get("/export")
async def export(api: Api, visitor: Signed, filters: Filters) -> Response:
    """All that fits, as CSV, the newest first."""
    name = f"lineshaft-audit-{api.clock():%Y%m%dT%H%M%SZ}.csv"
    return StreamingResponse(
        _lines(api, visitor, filters),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _lines(api: Context, visitor: Visitor, filters: dict[str, str]) -> AsyncIterator[str]:
    yield _csv([COLUMNS])
    cursor = None
    while True:
        found = await _entries(api, visitor, filters, limit=MAX_LIMIT, cursor=cursor)
        yield _csv([_cell(row[name]) for name in COLUMNS] for row in found["data"])
        cursor = found["next_cursor"]
        if cursor is None:
            return


async def _entries(
    api: Context, visitor: Visitor, filters: dict[str, str], *, limit: int, cursor: str | None
) -> dict[str, Any]:
    wanted: dict[str, Any] = dict(filters)
    days = whole_number(wanted.pop("days", ""), max(PERIODS))
    if days and days in PERIODS:
        wanted["since"] = api.clock() - timedelta(days=days)
    answer = await audit_log(api=api, _=visitor.caller, limit=limit, cursor=cursor, **wanted)
    found: dict[str, Any] = answer.content
    return found


def _csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode() if value else ""
    return f"'{text}" if text.startswith(FORMULA) else text
