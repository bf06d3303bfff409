"""Home, which begins with what needs attention, and the list of all connections."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lineshaft.api.adapters.fleet import URGENCY, fleet_rows
from lineshaft.api.console.pages import HOME, is_part, page
from lineshaft.api.console.visitors import Signed
from lineshaft.api.domain.problems import invalid
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.fleet import fleet_cursor, fleet_document, fleet_place
from lineshaft.common.outcomes import ConnectionStatus

ROWS = 50
URGENT_ROWS = 12
ATTENTION = "attention"
NEEDS_ATTENTION = (
    ConnectionStatus.REAUTHORIZATION_REQUIRED,
    ConnectionStatus.UNREACHABLE,
    ConnectionStatus.DEGRADED,
    ConnectionStatus.RATE_LIMITED,
)

router = APIRouter(prefix=HOME)


@router.get("")
async def home(request: Request, api: Api, visitor: Signed) -> Response:
    fleet = await fleet_document(api)
    urgent = await fleet_rows(api.pool, limit=URGENT_ROWS + 1, statuses=NEEDS_ATTENTION)
    return page(
        request,
        "home_part.html" if is_part(request) else "home.html",
        visitor=visitor,
        fleet=fleet,
        statuses=[status.value for status in URGENCY],
        urgent=urgent[:URGENT_ROWS],
        urgent_count=sum(fleet["by_status"][status] for status in NEEDS_ATTENTION),
        labels=labels(api),
    )


@router.get("/connections")
async def connections(
    *,
    request: Request,
    api: Api,
    visitor: Signed,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=40)] = "",
    system: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    rows = await fleet_rows(
        api.pool,
        limit=ROWS + 1,
        system=system or None,
        text=q.strip() or None,
        statuses=_statuses(status),
        after=fleet_place(after) if after else None,
    )
    shown = rows[:ROWS]
    filters = {"q": q, "status": status, "system": system}
    return page(
        request,
        "fleet_rows.html" if is_part(request) else "fleet.html",
        visitor=visitor,
        rows=shown,
        filters={name: value for name, value in filters.items() if value},
        after=after,
        next=fleet_cursor(shown[-1]) if len(rows) > ROWS else None,
        statuses=[one.value for one in URGENCY],
        labels=labels(api),
    )


def labels(api: Api) -> dict[str, str]:
    """System to the name that people know it by."""
    return {system.id: system.manifest.label for system in api.catalog.systems.values()}


def _statuses(text: str) -> tuple[ConnectionStatus, ...] | None:
    if not text:
        return None
    if text == ATTENTION:
        return NEEDS_ATTENTION
    if text not in set(ConnectionStatus):
        raise invalid("status", f"is one of {ATTENTION}, {', '.join(ConnectionStatus)}")
    return (ConnectionStatus(text),)
