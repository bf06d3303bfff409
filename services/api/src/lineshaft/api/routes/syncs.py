"""`/v1/connections/{id}/syncs`: ask for one, and see what became of those before."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.connections import SOURCE
from lineshaft.api.adapters.entities import custom_source
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.domain.problems import invalid
from lineshaft.api.domain.status import Known
from lineshaft.api.domain.usability import require_usable
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection, require_known
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, by_time, page
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.syncs import SyncMode, SyncRequested
from lineshaft.common.ids import new_id
from lineshaft.common.integrations import System
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.unified import is_custom

ORDER = "syncs"

router = APIRouter(prefix="/v1/connections/{connection_id}/syncs", tags=["syncs"])


class SyncRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    entities: list[str] | None = Field(default=None, max_length=100, description="All that the system has.")
    objects: list[str] | None = Field(
        default=None, max_length=100, description="Source objects, beside or instead of entities."
    )
    mode: SyncMode = SyncMode.INCREMENTAL
    request_id: str | None = Field(
        default=None, min_length=1, max_length=200, description="Makes the request idempotent."
    )


RequestId = Annotated[
    str, Query(min_length=1, max_length=200, description="The sync that answered this request alone.")
]


class SyncAccepted(BaseModel):
    connection_id: str
    request_id: str


class SyncedObject(BaseModel):
    object: str
    status: str | None = None
    result: str | None = Field(default=None, description="Once its records are readable.")
    records: int = 0
    pages: int | None = None
    outcome: str | None = None
    message: str | None = None


class Sync(BaseModel):
    sync_id: str
    request_id: str | None = Field(description="One of the requests that it answers.")
    mode: SyncMode
    status: str = Field(
        description="queued, running, waiting, read; then the result: completed, partially_completed, failed."
    )
    result: str | None
    records: int | None
    objects: list[SyncedObject]
    created_at: datetime
    ended_at: datetime | None = Field(description="When the last page was read.")
    completed_at: datetime | None = Field(description="When all records were readable.")


@router.post("", status_code=202, responses=problems(404, 409))
async def request_sync(
    api: Api, caller: CanManage, connection_id: ConnectionPath, body: SyncRequest
) -> SyncAccepted:
    """Read the source now. Equal requests that have not begun are done once."""
    known = await require_known(api.pool, connection_id)
    return await start_sync(api, known, body, by=caller.key_id)


async def start_sync(api: Context, known: Known, body: SyncRequest, *, by: str) -> SyncAccepted:
    require_usable(known)
    await _check(api, known, body)
    request_id = body.request_id or new_id("req")
    data = SyncRequested(
        connection_id=known.connection_id,
        entities=body.entities,
        objects=body.objects,
        mode=body.mode,
        request_id=request_id,
        requested_by=by,
        on_demand=True,
    )
    async with api.pool.acquire() as tx, tx.transaction():
        await add_events(tx, [new_event(data, source=SOURCE, key=known.connection_id)])
        await audit.note(
            tx,
            "sync.requested",
            by=by,
            at=api.clock(),
            connection_id=known.connection_id,
            after=body.model_dump(mode="json", exclude_none=True),
        )
    return SyncAccepted(connection_id=known.connection_id, request_id=request_id)


@router.get("", responses={200: {"model": Page[Sync]}, **problems(404)}, response_class=Json)
async def list_syncs(
    *,
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    request_id: RequestId | None = None,
) -> Json:
    """Newest first."""
    await require_connection(api.pool, connection_id)
    before, before_id = by_time(cursor, ORDER)
    rows = await api.pool.fetch(SQL["syncs"], connection_id, before, before_id, limit + 1, request_id)
    return Json(
        page(
            rows,
            limit,
            lambda row: cursors.encode(ORDER, row["created_at"].isoformat(), row["sync_id"]),
            _shown,
        )
    )


async def _check(api: Context, known: Known, body: SyncRequest) -> None:
    system = system_of(api.catalog, known.system)
    for entity in body.entities or ():
        own = is_custom(entity) and await custom_source(api.pool, known.connection_id, entity)
        if entity not in system.entities and not own:
            raise invalid("entities", f"there is no {entity!r}; there are {', '.join(system.entities)}")
        if not own:
            _require_read(known, system, "entities", system.object_of(entity))
    if not system.manifest.custom_objects:
        for name in body.objects or ():
            if name not in system.manifest.objects:
                raise invalid(
                    "objects", f"there is no {name!r}; there are {', '.join(system.manifest.objects)}"
                )
    for name in body.objects or ():
        _require_read(known, system, "objects", name)


def _require_read(known: Known, system: System, field: str, name: str) -> None:
    if not system.reads(known.objects, name):
        raise invalid(field, f"the customer has not chosen {name!r}", connection_id=known.connection_id)


def _shown(row: Any) -> dict[str, Any]:
    readable = {one["object"]: one for one in row["readable"] or ()}
    return {
        "sync_id": row["sync_id"],
        "request_id": row["request_id"],
        "mode": row["mode"],
        "status": row["result"] or row["status"],
        "result": row["result"],
        "records": row["records"],
        "objects": [
            {**one, "result": readable.get(one["object"], {}).get("result")} for one in row["objects"] or ()
        ],
        "created_at": row["created_at"],
        "ended_at": row["ended_at"],
        "completed_at": row["completed_at"],
    }
