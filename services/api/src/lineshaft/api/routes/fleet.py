"""`/v1/status`: the health of all connections at once, and the outages of their sources."""

from collections import Counter
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanRead
from lineshaft.api.routes.context import Api, Context
from lineshaft.common.outcomes import ConnectionStatus, Fault

router = APIRouter(prefix="/v1", tags=["health"])


class SystemCounts(BaseModel):
    system: str
    connections: int
    by_status: dict[ConnectionStatus, int]


class Outage(BaseModel):
    """A source that many connections cannot reach, told once for all of them."""

    outage_id: str
    system: str
    host: str = Field(description="Empty where connections of several hosts are concerned.")
    fault: Fault
    connections: int = Field(description="How many were out of reach at most.")
    opened_at: datetime
    announced_at: datetime | None = Field(description="Null while nobody has been told.")
    cleared_at: datetime | None = Field(description="Since when the source answers again, not yet for sure.")


class FleetStatus(BaseModel):
    connections: int
    by_status: dict[ConnectionStatus, int] = Field(description="Every status; some have none.")
    systems: list[SystemCounts]
    outages: list[Outage] = Field(description="Those that last, the oldest first.")


@router.get("/status", responses={200: {"model": FleetStatus}, **problems()}, response_class=Json)
async def fleet_status(api: Api, _: CanRead) -> Json:
    """How many connections are how, and which sources are out of reach for many."""
    return Json(await fleet_document(api))


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
