"""What an operator orders of a connection's health: calls stopped or let go on, a fault muted."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from lineshaft.api.domain.problems import invalid
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, ConnectionPath
from lineshaft.api.routes.catalog import require_object
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.ordering import SLOW, order
from lineshaft.common.events.commands import BreakerForced, IssueMuted
from lineshaft.common.ids import new_id

MAX_REASON = 500

router = APIRouter(prefix="/v1/connections", tags=["health"])


class BreakerOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "closed"] = Field(
        description="open: nothing is called until `until`. closed: the breakers are closed now."
    )
    object: str | None = Field(default=None, max_length=200, description="Null: the whole connection.")
    until: AwareDatetime | None = Field(default=None, description="Of `open`; null: for a day.")
    reason: str = Field(min_length=1, max_length=MAX_REASON, description="Stands in the timeline.")


class BreakerSet(BaseModel):
    state: Literal["open", "closed"]
    object: str | None
    until: datetime | None


class MuteOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    until: AwareDatetime | None = Field(description="Null: it is no longer muted.")
    reason: str = Field(default="", max_length=MAX_REASON, description="Stands in the timeline.")


class MuteSet(BaseModel):
    issue_id: str
    muted_until: datetime | None


@router.post(
    "/{connection_id}/breaker",
    responses={200: {"model": BreakerSet}, **SLOW, **problems(404, 409)},
    response_class=Json,
)
async def force_breaker(
    api: Api, caller: CanManage, connection_id: ConnectionPath, body: BreakerOrder
) -> Response:
    """Stop the calls to the source, or let them go on; refused credentials are mended by reconnecting."""
    connection = await require_connection(api.pool, connection_id)
    if body.object is not None:
        require_object(api.catalog, connection.system, body.object, connection_id)
    if body.state == "closed" and body.until is not None:
        raise invalid("until", "goes with `open` only", connection_id=connection_id)
    _check_future(api, body.until, connection_id)
    command = BreakerForced(
        command_id=new_id("op"), connection_id=connection_id, actor=caller.key_id, **body.model_dump()
    )
    return await order(api, command, "breaker", by=caller.key_id)


@router.post(
    "/{connection_id}/issues/{issue_id}/mute",
    responses={200: {"model": MuteSet}, **SLOW, **problems(404)},
    response_class=Json,
)
async def mute_issue(
    api: Api,
    caller: CanManage,
    connection_id: ConnectionPath,
    issue_id: Annotated[str, Path(max_length=200)],
    body: MuteOrder,
) -> Response:
    """Nothing new of an open issue is announced for a while; the end of what was announced is."""
    await require_connection(api.pool, connection_id)
    _check_future(api, body.until, connection_id)
    command = IssueMuted(
        command_id=new_id("op"),
        connection_id=connection_id,
        issue_id=issue_id,
        actor=caller.key_id,
        **body.model_dump(),
    )
    return await order(api, command, "mute", by=caller.key_id)


def _check_future(api: Context, until: datetime | None, connection_id: str) -> None:
    if until is not None and until <= api.clock():
        raise invalid("until", "has passed", connection_id=connection_id)
