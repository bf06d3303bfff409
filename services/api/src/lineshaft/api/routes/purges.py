"""`/v1/connections/{id}/purge`: what became of the data of a connection that was deleted."""

from datetime import datetime
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, Field

from lineshaft.api.adapters import purges
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import CanRead, ConnectionPath
from lineshaft.api.routes.context import Api
from lineshaft.common.events.purges import TopicReceipt

router = APIRouter(prefix="/v1/connections", tags=["connections"])


class PurgeState(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"


class ServiceReceipt(BaseModel):
    service: str
    state: PurgeState
    completed_at: datetime | None
    rows: dict[str, int] = Field(description="Rows that were deleted, by table.")
    topics: list[TopicReceipt] = Field(description="What is left on topics, and until when.")


class Purge(BaseModel):
    connection_id: str
    state: PurgeState
    asked_at: datetime
    asked_by: str
    completed_at: datetime | None = Field(description="When the last service was done.")
    topics_until: datetime | None = Field(description="From then on no topic holds anything of it either.")
    receipts: list[ServiceReceipt]


@router.get("/{connection_id}/purge", responses=problems(404))
async def purge(api: Api, _: CanRead, connection_id: ConnectionPath) -> Purge:
    """The receipt of each service, after `DELETE /connections/{id}`."""
    asked = await purges.list_purges(api.pool, connection_id)
    if not asked:
        raise not_found("purge of a connection", connection_id=connection_id)
    receipts = [_shown(one) for one in asked]
    ended = [one.completed_at for one in asked if one.completed_at is not None]
    is_done = len(ended) == len(asked)
    untils = [topic.until for one in receipts for topic in one.topics if topic.until is not None]
    return Purge(
        connection_id=connection_id,
        state=PurgeState.COMPLETED if is_done else PurgeState.RUNNING,
        asked_at=asked[0].asked_at,
        asked_by=asked[0].asked_by,
        completed_at=max(ended) if is_done else None,
        topics_until=max(untils) if is_done and untils else None,
        receipts=receipts,
    )


def _shown(one: purges.Purge) -> ServiceReceipt:
    receipt = one.receipt or {}
    return ServiceReceipt(
        service=one.service,
        state=PurgeState.COMPLETED if one.completed_at else PurgeState.RUNNING,
        completed_at=one.completed_at,
        rows=receipt.get("rows", {}),
        topics=receipt.get("topics", []),
    )
