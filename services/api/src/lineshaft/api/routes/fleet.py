"""`/v1/status`: the health of all connections at once, and the outages of their sources."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from lineshaft.api.adapters.fleet import FleetRow, Place, fleet_rows
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.domain.problems import invalid
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanRead
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, page
from lineshaft.common.events.health import Verdict
from lineshaft.common.outcomes import ConnectionStatus, Fault

ORDER = "fleet"
MAX_RANK_DIGITS = 4

router = APIRouter(prefix="/v1", tags=["health"])


class SystemCounts(BaseModel):
    system: str
    connections: int
    by_status: dict[ConnectionStatus, int]


class Outage(BaseModel):
    """A source that many connections cannot reach, told once for all of them."""

    outage_id: str
    system: str = Field(description="Empty where our own network is at fault.")
    host: str = Field(description="Empty where connections of several hosts are concerned.")
    fault: Fault
    connections: int = Field(description="How many were out of reach at most.")
    opened_at: datetime
    announced_at: datetime | None = Field(description="Null while nobody has been told.")
    cleared_at: datetime | None = Field(description="Since when the source answers again, not yet for sure.")


class ConnectionHealth(BaseModel):
    connection_id: str
    system: str
    label: str
    account_label: str
    status: ConnectionStatus
    since: datetime
    verdict: Verdict | None
    last_sync_at: datetime | None


class FleetStatus(BaseModel):
    connections: int
    by_status: dict[ConnectionStatus, int] = Field(description="Every status; some have none.")
    systems: list[SystemCounts]
    outages: list[Outage] = Field(description="Those that last, the oldest first.")


@router.get("/status", responses={200: {"model": FleetStatus}, **problems()}, response_class=Json)
async def fleet_status(api: Api, _: CanRead) -> Json:
    """How many connections are how, and which sources are out of reach for many."""
    return Json(await fleet_document(api))


@router.get(
    "/status/connections",
    responses={200: {"model": Page[ConnectionHealth]}, **problems()},
    response_class=Json,
)
async def connections(
    *,
    api: Api,
    _: CanRead,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    status: ConnectionStatus | None = None,
    system: Annotated[str | None, Query(max_length=100)] = None,
    text: Annotated[
        str | None, Query(max_length=200, description="Stands in label, account, id, system or metadata.")
    ] = None,
) -> Json:
    """Each connection with its verdict, what needs attention first."""
    rows = await fleet_rows(
        api.pool,
        limit=limit + 1,
        system=system,
        text=text,
        statuses=[status] if status else None,
        after=fleet_place(cursor) if cursor else None,
    )
    return Json(page(rows, limit, fleet_cursor, _shown))


def fleet_cursor(row: FleetRow) -> str:
    rank, name, connection_id = row.place
    return cursors.encode(ORDER, str(rank), name, connection_id)


def fleet_place(cursor: str) -> Place:
    rank, name, connection_id = cursors.decode(cursor, ORDER, 3)
    if (
        not rank.isascii()
        or not rank.isdigit()
        or len(rank) > MAX_RANK_DIGITS
        or "\0" in name + connection_id
    ):
        raise invalid("cursor", "take it unchanged from the next_cursor of the page before")
    return int(rank), name, connection_id


def _shown(row: FleetRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ConnectionHealth.model_fields}


async def fleet_document(api: Context) -> dict[str, Any]:
    counts: dict[str, Counter[str]] = {}
    for row in await api.pool.fetch(SQL["fleet_status"]):
        counts.setdefault(row["system"], Counter())[row["status"]] = row["connections"]
    total: Counter[str] = Counter()
    for one in counts.values():
        total.update(one)
    outages = await api.pool.fetch(SQL["open_outages"])
    return {
        "connections": total.total(),
        "by_status": _each(total),
        "systems": [
            {"system": system, "connections": one.total(), "by_status": _each(one)}
            for system, one in sorted(counts.items())
        ],
        "outages": [dict(row) for row in outages],
    }


def _each(counts: Counter[str]) -> dict[str, int]:
    return {status.value: counts[status.value] for status in ConnectionStatus}
