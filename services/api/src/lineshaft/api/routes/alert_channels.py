"""`/v1/alert-channels`: where people are told, and what became of each message."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from lineshaft.api.adapters.alert_channels import (
    Channel,
    add_address,
    change_channel,
    create_channel,
    find_channel,
    list_channels,
    lock_channel,
)
from lineshaft.api.adapters.commands import ask
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.domain.alert_channels import check_address, check_event_types, shown_address
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, by_id, by_time, page
from lineshaft.common.events.alerts import ALERT_EVENT_TYPES, CHANNEL_KINDS, QuietHours
from lineshaft.common.events.commands import AlertTestRequested
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.pool import Connection as Transaction

ORDER = "channel_id"
MESSAGES = "alert_messages"
COMMAND_WAIT_SECONDS = 5.0

router = APIRouter(prefix="/v1", tags=["alerts"])

ChannelPath = Annotated[str, Path(max_length=100)]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description=f"An address of apprise, kept as a secret. Kinds: {', '.join(CHANNEL_KINDS)}.",
        examples=["slack://TokenA/TokenB/TokenC/#plant", "mailtos://user:password@mail.example.com"],
        json_schema_extra={"writeOnly": True},
    ),
]
EVENT_TYPES = {"items": {"type": "string", "enum": list(ALERT_EVENT_TYPES)}}
EventTypes = Annotated[list[str], Field(min_length=1, max_length=50, json_schema_extra=EVENT_TYPES)]
UrgentTypes = Annotated[
    list[str],
    Field(max_length=50, description="Told in quiet hours too.", json_schema_extra=EVENT_TYPES),
]
Systems = Annotated[list[str], Field(max_length=200, description="Empty: all.")]
ConnectionIds = Annotated[list[str], Field(max_length=1000, description="Empty: all.")]
Metadata = Annotated[
    dict[str, Any],
    Field(max_length=50, description="What a connection's metadata has to hold. Empty: anything."),
]
GroupSeconds = Annotated[
    float,
    Field(
        strict=True, ge=0, le=86_400, description="Events of one type within this time come as one message."
    ),
]
Name = Annotated[str, Field(max_length=200)]


class NewChannel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url
    name: Name = ""
    event_types: EventTypes
    urgent_event_types: UrgentTypes = []
    systems: Systems = []
    connection_ids: ConnectionIds = []
    metadata: Metadata = {}
    quiet_hours: QuietHours | None = None
    group_seconds: GroupSeconds = 30.0
    enabled: StrictBool = True


class ChannelChange(BaseModel):
    """What is left out stays; `quiet_hours: null` ends them."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    name: Name | None = None
    event_types: EventTypes | None = None
    urgent_event_types: UrgentTypes | None = None
    systems: Systems | None = None
    connection_ids: ConnectionIds | None = None
    metadata: Metadata | None = None
    quiet_hours: QuietHours | None = None
    group_seconds: GroupSeconds | None = None
    enabled: StrictBool | None = None


class ChannelModel(BaseModel):
    id: str
    name: str
    address: str = Field(description="The kind alone; the rest is a secret.")
    event_types: list[str]
    urgent_event_types: list[str]
    systems: list[str]
    connection_ids: list[str]
    metadata: dict[str, Any]
    quiet_hours: QuietHours | None
    group_seconds: float
    enabled: bool
    waiting: int = Field(description="Events that are gathered, or held by quiet hours.")
    next_message_at: datetime | None = Field(description="When the next message of these is made.")
    created_at: datetime
    changed_at: datetime


class Message(BaseModel):
    message_id: str
    state: str
    alerts: int
    event_types: dict[str, int]
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    last_error: str | None


class TestAccepted(BaseModel):
    command_id: str


@router.get("/alert-channels", responses=problems())
async def list_all(
    api: Api, _: CanRead, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[ChannelModel]:
    rows = await list_channels(api.pool, after=by_id(cursor, ORDER), limit=limit + 1)
    return Page[ChannelModel].model_validate(
        page(rows, limit, lambda row: cursors.encode(ORDER, row.channel_id), _shown)
    )


@router.post("/alert-channels", status_code=201, responses=problems())
async def create(api: Api, caller: CanManage, body: NewChannel) -> ChannelModel:
    """The address is stored sealed and never shown again; `POST /alert-channels/{id}/test` tries it."""
    url, choice = check_address(body.url), _checked(body.model_dump(mode="json", exclude={"url"}))
    async with api.pool.acquire() as tx, tx.transaction():
        channel = await create_channel(
            tx, address=shown_address(url), by=caller.key_id, at=api.clock(), **choice
        )
        await add_address(tx, channel.channel_id, url, keys=api.keys, by=caller.key_id, at=api.clock())
    return ChannelModel(**_shown(channel))


@router.get("/alert-channels/{channel_id}", responses=problems(404))
async def get(api: Api, _: CanRead, channel_id: ChannelPath) -> ChannelModel:
    return ChannelModel(**_shown(await _existing(api, channel_id)))


@router.patch("/alert-channels/{channel_id}", responses=problems(404))
async def change(api: Api, caller: CanManage, channel_id: ChannelPath, body: ChannelChange) -> ChannelModel:
    given = body.model_dump(mode="json", exclude_unset=True)
    changes = _checked(
        {name: value for name, value in given.items() if value is not None or name == "quiet_hours"}
    )
    url = changes.pop("url", None)
    if url is not None:
        changes["address"] = shown_address(check_address(url))
    async with api.pool.acquire() as tx, tx.transaction():
        channel = await _locked(tx, channel_id)
        if changes:
            await change_channel(tx, replace(channel, **changes), by=caller.key_id, at=api.clock())
        if url is not None:
            await add_address(tx, channel_id, url, keys=api.keys, by=caller.key_id, at=api.clock())
    return ChannelModel(**_shown(await _existing(api, channel_id)))


@router.delete("/alert-channels/{channel_id}", status_code=204, responses=problems(404))
async def delete(api: Api, caller: CanManage, channel_id: ChannelPath) -> Response:
    async with api.pool.acquire() as tx, tx.transaction():
        channel = await _locked(tx, channel_id)
        await change_channel(
            tx, replace(channel, deleted=True, enabled=False), by=caller.key_id, at=api.clock()
        )
    return Response(status_code=204)


@router.post("/alert-channels/{channel_id}/test", status_code=202, responses=problems(404))
async def test(api: Api, _: CanManage, channel_id: ChannelPath) -> TestAccepted:
    """Sends a test at once; `/deliveries` tells what became of it."""
    await _existing(api, channel_id)
    command = AlertTestRequested(command_id=new_id("cmd"), channel_id=channel_id)
    async with api.pool.acquire() as tx, tx.transaction():
        await ask(tx, command, kind="alert_test", key=channel_id)
    answered = await api.waiters.wait(command.command_id, COMMAND_WAIT_SECONDS)
    if answered is not None and answered.problem is not None:
        raise not_found("alert channel")
    return TestAccepted(command_id=command.command_id)


@router.get(
    "/alert-channels/{channel_id}/deliveries",
    responses={200: {"model": Page[Message]}, **problems(404)},
    response_class=Json,
)
async def deliveries(
    api: Api, _: CanRead, channel_id: ChannelPath, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """Its messages, newest first: how many events of which types, and what the last try came to."""
    await _existing(api, channel_id)
    before, before_id = by_time(cursor, MESSAGES)
    rows = await api.pool.fetch(SQL["alert_messages"], channel_id, before, before_id, limit + 1)
    return Json(
        page(
            rows,
            limit,
            lambda row: cursors.encode(MESSAGES, row["created_at"].isoformat(), row["message_id"]),
        )
    )


def _checked(choice: dict[str, Any]) -> dict[str, Any]:
    checked = dict(choice)
    for field in ("event_types", "urgent_event_types"):
        if field in checked:
            checked[field] = check_event_types(field, checked[field])
    return checked


async def _existing(api: Context, channel_id: str) -> Channel:
    channel = await find_channel(api.pool, channel_id)
    if channel is None:
        raise not_found("alert channel")
    return channel


async def _locked(tx: Transaction, channel_id: str) -> Channel:
    channel = await lock_channel(tx, channel_id)
    if channel is None:
        raise not_found("alert channel")
    return channel


def _shown(channel: Channel) -> dict[str, Any]:
    shown = asdict(channel)
    return {
        "id": shown.pop("channel_id"),
        **{n: v for n, v in shown.items() if n not in {"deleted", "revision"}},
    }
