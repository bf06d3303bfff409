"""Deletions that were held because there were too many at once, and the word that lets them pass."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from lineshaft.api.adapters.connections import SOURCE
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.usability import require_usable
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.existence import require_connection, require_known
from lineshaft.api.routes.ordering import SLOW, order
from lineshaft.common.events.commands import DeletionsApproved
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.syncs import SyncMode, SyncRequested
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.outbox import add_events

router = APIRouter(prefix="/v1/connections/{connection_id}/deletions", tags=["syncs"])


class HeldDeletions(BaseModel):
    object: str
    sync_id: str
    missing: int = Field(description="Records that the last complete read did not find.")
    known: int = Field(description="Records that were there before.")
    sample: list[str] = Field(description="Keys of some of them.")
    held_at: datetime
    approved_at: datetime | None
    approved_by: str | None


class HeldPage(BaseModel):
    data: list[HeldDeletions]
    next_cursor: None = None


class Approved(BaseModel):
    object: str


@router.get("", responses={200: {"model": HeldPage}, **problems(404)}, response_class=Json)
async def held(api: Api, _: CanRead, connection_id: ConnectionPath) -> Json:
    """What complete reads did not find, where that was too much to be believed without a word."""
    await require_connection(api.pool, connection_id)
    rows = await api.pool.fetch(SQL["held_deletions"], connection_id)
    return Json({"data": [dict(row) for row in rows], "next_cursor": None})


@router.post(
    "/{object}/approve",
    responses={200: {"model": Approved}, **SLOW, **problems(404, 409)},
    response_class=Json,
)
async def approve(
    api: Api,
    caller: CanManage,
    connection_id: ConnectionPath,
    object: Annotated[str, Path(max_length=200)],  # noqa: A002  the name in the path
) -> Response:
    """These records are gone: a complete read of the object begins, and what it does not find is deleted."""
    known = await require_known(api.pool, connection_id)
    require_usable(known)
    command = DeletionsApproved(
        command_id=new_id("op"), connection_id=connection_id, object=object, actor=caller.key_id
    )
    answer = await order(api, command, "approve_deletions", by=caller.key_id)
    asked = SyncRequested(
        connection_id=connection_id,
        objects=[object],
        mode=SyncMode.FULL,
        request_id=command.command_id,
    )
    async with api.pool.acquire() as tx, tx.transaction():
        await add_events(tx, [new_event(asked, source=SOURCE, key=connection_id)])
    return answer
