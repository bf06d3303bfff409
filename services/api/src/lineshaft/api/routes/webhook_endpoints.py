"""`/v1/webhook-endpoints`: where events are sent, and what became of each delivery."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from lineshaft.api.adapters.commands import ask
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.adapters.webhook_endpoints import (
    Endpoint,
    add_secret,
    change_endpoint,
    create_endpoint,
    list_endpoints,
    lock_endpoint,
)
from lineshaft.api.domain import cursors
from lineshaft.api.domain.problems import not_found
from lineshaft.api.domain.webhook_endpoints import check_event_types, check_url
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_endpoint
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, by_id, by_time, page
from lineshaft.common.events.commands import EndpointTestRequested, RedeliveryRequested
from lineshaft.common.events.webhooks import WEBHOOK_EVENT_TYPES
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.pool import Connection as Transaction

ORDER = "endpoint_id"
DELIVERIES = "deliveries"
COMMAND_WAIT_SECONDS = 5.0
MAX_CONNECTIONS = 1000

router = APIRouter(prefix="/v1", tags=["webhooks"])

EndpointPath = Annotated[str, Path(max_length=100)]
EventTypes = Annotated[
    list[str],
    Field(
        max_length=50,
        description="Empty: all.",
        json_schema_extra={"items": {"type": "string", "enum": list(WEBHOOK_EVENT_TYPES)}},
    ),
]
Url = Annotated[str, Field(max_length=2000, json_schema_extra={"format": "uri", "pattern": "^https?://"})]
Ordered = Annotated[
    StrictBool,
    Field(description="Of one connection the next delivery is made only after the one before it has ended."),
]
PerSecond = Annotated[
    float,
    Field(
        ge=0, le=10_000, description="Requests of all replicas together; what is above waits. 0: any number."
    ),
]
ConnectionIds = Annotated[list[str], Field(max_length=MAX_CONNECTIONS, description="Empty: all.")]


class NewEndpoint(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url = Field(examples=["https://product.example.com/webhooks"])
    description: str = Field(default="", max_length=500)
    event_types: EventTypes = []
    connection_ids: ConnectionIds = []
    enabled: StrictBool = True
    ordered: Ordered = False
    max_per_second: PerSecond = 0


class EndpointChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    description: str | None = Field(default=None, max_length=500)
    event_types: EventTypes | None = None
    connection_ids: ConnectionIds | None = None
    enabled: StrictBool | None = None
    ordered: Ordered | None = None
    max_per_second: PerSecond | None = None


class EndpointModel(BaseModel):
    id: str
    url: str
    description: str
    event_types: list[str]
    connection_ids: list[str]
    enabled: bool
    ordered: bool
    max_per_second: float
    disabled_at: datetime | None = Field(description="When its own answers switched it off.")
    disabled_reason: str | None
    failing_since: datetime | None = Field(
        description="Its first failure since the last delivery that it took."
    )
    warned: int = Field(
        description="The last warning, in percent of the time after which it is disabled; 0: none."
    )
    oldest_due_at: datetime | None = Field(
        description="Since when its oldest delivery waits that should be on its way; null: nothing waits."
    )
    created_at: datetime
    changed_at: datetime


class CreatedEndpoint(EndpointModel):
    secret: str = Field(description="Verifies the signatures (Standard Webhooks). Shown once.")


class Secret(BaseModel):
    endpoint_id: str
    secret: str = Field(description="Shown once. The one before keeps signing, too, for a while.")


class Attempt(BaseModel):
    number: int
    at: datetime
    duration_ms: float
    status: int | None
    error: str | None
    response_body: str | None


class Delivery(BaseModel):
    delivery_id: str
    endpoint_id: str
    connection_id: str | None
    event_type: str
    event_id: str
    state: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None
    attempt_log: list[Attempt]


class DeliveryAccepted(BaseModel):
    command_id: str
    delivery_id: str | None = Field(description="Null where the notifier has not answered yet.")


@router.get("/webhook-endpoints", responses=problems())
async def list_all(
    api: Api, _: CanRead, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[EndpointModel]:
    rows = await list_endpoints(api.pool, after=by_id(cursor, ORDER), limit=limit + 1)
    return Page[EndpointModel].model_validate(
        page(rows, limit, lambda row: cursors.encode(ORDER, row.endpoint_id), _shown)
    )


@router.post("/webhook-endpoints", status_code=201, responses=problems())
async def create(api: Api, caller: CanManage, body: NewEndpoint) -> CreatedEndpoint:
    """An address in a private network is refused when it is dialled, unless the operator allows it."""
    async with api.pool.acquire() as tx, tx.transaction():
        endpoint = await create_endpoint(
            tx,
            url=check_url(body.url),
            description=body.description,
            event_types=check_event_types(body.event_types),
            connection_ids=list(dict.fromkeys(body.connection_ids)),
            enabled=body.enabled,
            ordered=body.ordered,
            max_per_second=body.max_per_second,
            by=caller.key_id,
            at=api.clock(),
        )
        secret = await add_secret(tx, endpoint.endpoint_id, keys=api.keys, by=caller.key_id, at=api.clock())
    return CreatedEndpoint(**_shown(endpoint), secret=secret)


@router.get("/webhook-endpoints/{endpoint_id}", responses=problems(404))
async def get(api: Api, _: CanRead, endpoint_id: EndpointPath) -> EndpointModel:
    return EndpointModel(**_shown(await require_endpoint(api.pool, endpoint_id)))


@router.patch("/webhook-endpoints/{endpoint_id}", responses=problems(404))
async def change(
    api: Api, caller: CanManage, endpoint_id: EndpointPath, body: EndpointChange
) -> EndpointModel:
    changes = body.model_dump(exclude_none=True)
    if "url" in changes:
        check_url(changes["url"])
    if "event_types" in changes:
        changes["event_types"] = check_event_types(changes["event_types"])
    async with api.pool.acquire() as tx, tx.transaction():
        endpoint = await _locked(tx, endpoint_id)
        if changes:
            await change_endpoint(tx, replace(endpoint, **changes), by=caller.key_id, at=api.clock())
    return EndpointModel(**_shown(await require_endpoint(api.pool, endpoint_id)))


@router.delete("/webhook-endpoints/{endpoint_id}", status_code=204, responses=problems(404))
async def delete(api: Api, caller: CanManage, endpoint_id: EndpointPath) -> Response:
    async with api.pool.acquire() as tx, tx.transaction():
        endpoint = await _locked(tx, endpoint_id)
        await change_endpoint(
            tx, replace(endpoint, deleted=True, enabled=False), by=caller.key_id, at=api.clock()
        )
    return Response(status_code=204)


@router.post("/webhook-endpoints/{endpoint_id}/rotate-secret", status_code=201, responses=problems(404))
async def rotate_secret(api: Api, caller: CanManage, endpoint_id: EndpointPath) -> Secret:
    """A new secret; requests are signed with both for a while, so that none is refused meanwhile."""
    async with api.pool.acquire() as tx, tx.transaction():
        await _locked(tx, endpoint_id)
        secret = await add_secret(tx, endpoint_id, keys=api.keys, by=caller.key_id, at=api.clock())
    return Secret(endpoint_id=endpoint_id, secret=secret)


@router.post("/webhook-endpoints/{endpoint_id}/test", status_code=202, responses=problems(404))
async def test(api: Api, _: CanManage, endpoint_id: EndpointPath) -> DeliveryAccepted:
    """Sends an `endpoint.test` event; its delivery tells what the endpoint answered."""
    await require_endpoint(api.pool, endpoint_id)
    command = EndpointTestRequested(command_id=new_id("cmd"), endpoint_id=endpoint_id)
    return await _ask(api, command, "endpoint_test", endpoint_id)


@router.get(
    "/webhook-endpoints/{endpoint_id}/deliveries",
    responses={200: {"model": Page[Delivery]}, **problems(404)},
    response_class=Json,
)
async def deliveries(
    api: Api,
    _: CanRead,
    endpoint_id: EndpointPath,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[Literal["due", "delivered", "given_up", "cancelled"] | None, Query()] = None,
) -> Json:
    """Newest first, with every attempt."""
    await require_endpoint(api.pool, endpoint_id)
    before, before_id = by_time(cursor, DELIVERIES)
    rows = await api.pool.fetch(SQL["deliveries"], endpoint_id, before, before_id, limit + 1, state)
    return Json(
        page(
            rows,
            limit,
            lambda row: cursors.encode(DELIVERIES, row["created_at"].isoformat(), row["delivery_id"]),
        )
    )


@router.post("/deliveries/{delivery_id}/redeliver", status_code=202, responses=problems(404))
async def redeliver(
    api: Api, _: CanManage, delivery_id: Annotated[str, Path(max_length=100)]
) -> DeliveryAccepted:
    """The same event again, with the same `webhook-id`."""
    endpoint_id = await api.pool.fetchval(SQL["delivery"], delivery_id)
    if endpoint_id is None:
        raise not_found("delivery")
    command = RedeliveryRequested(command_id=new_id("cmd"), delivery_id=delivery_id)
    return await _ask(api, command, "redelivery", endpoint_id)


async def _ask(
    api: Context,
    command: EndpointTestRequested | RedeliveryRequested,
    kind: Literal["endpoint_test", "redelivery"],
    endpoint_id: str,
) -> DeliveryAccepted:
    async with api.pool.acquire() as tx, tx.transaction():
        await ask(tx, command, kind=kind, key=endpoint_id)
    answered = await api.waiters.wait(command.command_id, COMMAND_WAIT_SECONDS)
    if answered is not None and answered.problem is not None:
        raise not_found("endpoint or delivery")
    result = (answered.result if answered else None) or {}
    return DeliveryAccepted(command_id=command.command_id, delivery_id=result.get("delivery_id"))


async def _locked(tx: Transaction, endpoint_id: str) -> Endpoint:
    endpoint = await lock_endpoint(tx, endpoint_id)
    if endpoint is None:
        raise not_found("webhook endpoint")
    return endpoint


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.endpoint_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": endpoint.event_types,
        "connection_ids": endpoint.connection_ids,
        "enabled": endpoint.enabled,
        "ordered": endpoint.ordered,
        "max_per_second": endpoint.max_per_second,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": endpoint.failing_since,
        "warned": endpoint.warned,
        "oldest_due_at": endpoint.oldest_due_at,
        "created_at": endpoint.created_at,
        "changed_at": endpoint.changed_at,
    }
