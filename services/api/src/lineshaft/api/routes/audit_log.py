"""`/v1/audit-log`: who changed what, through the API or the console."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanRead
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, by_id, page

ORDER = "audit"

router = APIRouter(prefix="/v1/audit-log", tags=["audit"])


class AuditEntry(BaseModel):
    audit_id: str
    at: datetime
    actor: str = Field(
        description="A key's id, the name that somebody signed in to the console with, or `customer`."
    )
    action: str = Field(description="Such as `connection.paused`, `mapping.changed`, `order.mute_issue`.")
    connection_id: str | None
    subject: str = Field(description="What of it: an entity, an endpoint, an object.")
    before: dict[str, Any] | None = Field(description="What was otherwise before.")
    after: dict[str, Any] | None


@router.get("", responses={200: {"model": Page[AuditEntry]}, **problems()}, response_class=Json)
async def audit_log(
    *,
    api: Api,
    _: CanRead,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    connection_id: Annotated[str | None, Query(max_length=100)] = None,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[
        str | None, Query(max_length=100, description="Its beginning, such as `mapping`.")
    ] = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> Json:
    """Newest first. Of a deleted connection only who did what and when is left."""
    rows = await api.pool.fetch(
        SQL["audit_entries"],
        connection_id,
        actor,
        action,
        since,
        until,
        by_id(cursor, ORDER) or None,
        limit + 1,
    )
    return Json(page(rows, limit, lambda row: cursors.encode(ORDER, row["audit_id"])))
