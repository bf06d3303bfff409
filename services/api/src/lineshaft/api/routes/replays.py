"""Replays: the deliveries of a time made once more, and how far they are."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lineshaft.api.adapters.commands import StoredCommand, ask
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.domain.problems import ProblemCode, ProblemError, not_found, problem
from lineshaft.api.domain.webhook_endpoints import check_event_types
from lineshaft.api.domain.writes import refusal
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_endpoint
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, by_time, page
from lineshaft.api.routes.webhook_endpoints import (
    COMMAND_WAIT_SECONDS,
    ConnectionIds,
    EndpointPath,
    EventTypes,
)
from lineshaft.common.events.commands import CommandProblem, ReplayCancelRequested, ReplayRequested
from lineshaft.common.ids import new_id

ORDER = "replays"
MOST_PER_SECOND = 1000.0

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["webhooks"])

ReplayPath = Annotated[str, Path(max_length=100)]


class NewReplay(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime
    until: AwareDatetime | None = Field(default=None, description="Null: until now.")
    event_types: EventTypes = Field(default=[], description="Empty: those that the endpoint chose.")
    connection_ids: ConnectionIds = Field(default=[], description="Empty: those that the endpoint chose.")
    only: Literal["all", "undelivered"] = "all"
    per_second: float = Field(default=20.0, gt=0, le=MOST_PER_SECOND, description="So many at most.")


class ReplayAccepted(BaseModel):
    command_id: str
    replay_id: str | None = Field(description="Null where the notifier has not answered yet.")
    total: int | None = Field(description="How many events it is about; null likewise.")


class ReplayCancelled(BaseModel):
    command_id: str
    replay_id: str


class Replay(BaseModel):
    """How far it is: `passed` of `total` events were looked at, `queued` of them are to be delivered."""

    replay_id: str
    endpoint_id: str
    since: datetime
    until: datetime
    event_types: list[str]
    connection_ids: list[str]
    only: Literal["all", "undelivered"]
    per_second: float
    state: Literal["running", "completed", "cancelled"]
    total: int
    passed: int
    queued: int
    delivered: int
    given_up: int
    due: int
    created_at: datetime
    completed_at: datetime | None


@router.post("/{endpoint_id}/replay", status_code=202, responses=problems(404))
async def replay(api: Api, _: CanManage, endpoint_id: EndpointPath, body: NewReplay) -> ReplayAccepted:
    """The deliveries of a time once more, with the same `webhook-id`s, in the order of the events."""
    await require_endpoint(api.pool, endpoint_id)
    chosen = body.model_dump() | {
        "event_types": check_event_types(body.event_types),
        "connection_ids": list(dict.fromkeys(body.connection_ids)),
    }
    command = ReplayRequested(command_id=new_id("cmd"), endpoint_id=endpoint_id, **chosen)
    answered = await _ask(api, command, "replay", endpoint_id)
    if (error := _problem_of(api, answered)) is not None:
        raise error
    result: dict[str, Any] = (answered.result if answered else None) or {}
    return ReplayAccepted(
        command_id=command.command_id, replay_id=result.get("replay_id"), total=result.get("total")
    )


@router.get(
    "/{endpoint_id}/replays",
    responses={200: {"model": Page[Replay]}, **problems(404)},
    response_class=Json,
)
async def replays(
    api: Api, _: CanRead, endpoint_id: EndpointPath, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """Newest first, with their progress."""
    await require_endpoint(api.pool, endpoint_id)
    before, before_id = by_time(cursor, ORDER)
    rows = await api.pool.fetch(SQL["replays"], endpoint_id, before, before_id, limit + 1)
    return Json(
        page(rows, limit, lambda row: cursors.encode(ORDER, row["created_at"].isoformat(), row["replay_id"]))
    )


@router.post("/{endpoint_id}/replays/{replay_id}/cancel", status_code=202, responses=problems(404, 409))
async def cancel(api: Api, _: CanManage, endpoint_id: EndpointPath, replay_id: ReplayPath) -> ReplayCancelled:
    """What has been queued still goes out; nothing more is."""
    await require_endpoint(api.pool, endpoint_id)
    state = await api.pool.fetchval(SQL["replay_state"], endpoint_id, replay_id)
    if state is None:
        raise not_found("replay")
    if state != "running":
        raise problem(ProblemCode.CONFLICT, f"The replay is {state}.")
    command = ReplayCancelRequested(command_id=new_id("cmd"), replay_id=replay_id)
    answered = await _ask(api, command, "replay_cancel", endpoint_id)
    if answered is not None and answered.problem is not None:
        raise problem(ProblemCode.CONFLICT, answered.problem["message"])
    return ReplayCancelled(command_id=command.command_id, replay_id=replay_id)


async def _ask(
    api: Context,
    command: ReplayRequested | ReplayCancelRequested,
    kind: Literal["replay", "replay_cancel"],
    endpoint_id: str,
) -> StoredCommand | None:
    async with api.pool.acquire() as tx, tx.transaction():
        await ask(tx, command, kind=kind, key=endpoint_id)
    return await api.waiters.wait(command.command_id, COMMAND_WAIT_SECONDS)


def _problem_of(api: Context, answered: StoredCommand | None) -> ProblemError | None:
    if answered is None or answered.problem is None:
        return None
    told = CommandProblem.model_validate(answered.problem)
    return refusal(told, connection_id=None, origins={}, now=api.clock())
