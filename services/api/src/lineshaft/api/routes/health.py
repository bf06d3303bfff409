"""Health of one connection: status, timeline, issues, error log."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.domain.status import Known, status_document
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanRead, ConnectionPath, KeyToRead, open_connection
from lineshaft.api.routes.catalog import entity_by_object
from lineshaft.api.routes.context import Api, Context, context_of
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, by_time, page
from lineshaft.api.routes.thin import Parameters, ThinRoute
from lineshaft.common.events.health import Breaker, Verdict
from lineshaft.common.links import reauthorize_url
from lineshaft.common.outcomes import (
    FAULTS,
    ConnectionStatus,
    Fault,
    Grant,
    NeededBy,
    Operation,
    Outcome,
    Scope,
    Verb,
)

router = APIRouter(prefix="/v1/connections", tags=["health"])


class ObjectStatus(BaseModel):
    object: str
    entity: str | None
    status: ConnectionStatus
    last_ok_at: datetime | None
    last_error_at: datetime | None


class PermissionStatus(BaseModel):
    """What is needed of the source, and whether it grants it."""

    object: str
    entity: str | None
    verb: Verb
    needed_by: list[NeededBy]
    granted: Grant
    fields: list[str] = Field(description="Those that are refused, where it is not the whole object.")


class Status(BaseModel):
    """What is wrong, where, whose move it is and what to do."""

    connection_id: str
    system: str
    metadata: dict[str, Any] = Field(description="Your own, as the link session got it.")
    status: ConnectionStatus
    since: datetime
    verdict: Verdict | None
    objects: list[ObjectStatus]
    breaker: Breaker
    permissions: list[PermissionStatus]
    credentials_expire_at: datetime | None
    last_sync_at: datetime | None
    data_as_of: datetime | None
    reauthorize_url: str | None


class TimelineEntry(BaseModel):
    id: str
    at: datetime
    kind: str
    summary: str
    actor: str | None
    details: dict[str, Any] | None


class Issue(BaseModel):
    issue_id: str
    fault: Fault
    status: str
    scope: Scope
    objects: list[str] | None
    opened_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    resolved_at: datetime | None
    verdict: Verdict | None
    muted_until: datetime | None


class CallError(BaseModel):
    event_id: str
    at: datetime
    object: str | None
    operation: str
    outcome: Outcome
    http_status: int | None
    code: str | None
    message: str | None
    request_id: str


class NoParameters(Parameters):
    """Some clients add one against caches."""

    model_config = ConfigDict(extra="ignore")


async def status(
    request: Request,
    key: KeyToRead,
    connection_id: ConnectionPath,
    query: Annotated[NoParameters, Query()],  # noqa: ARG001  a ThinRoute reads its class
) -> Json:
    """What is wrong, where, whose move it is and what to do."""
    # Asked often: one query for key and status.
    api = context_of(request)
    _, known = await open_connection(api, key, connection_id)
    return Json(describe(api, known))


router.add_api_route(
    "/{connection_id}/status",
    status,
    methods=["GET"],
    responses={200: {"model": Status}, **problems(404)},
    response_class=Json,
    route_class_override=ThinRoute,
)


def describe(api: Context, known: Known) -> dict[str, Any]:
    url = None
    if known.status is ConnectionStatus.REAUTHORIZATION_REQUIRED:
        url = reauthorize_url(api.settings.public_url, api.link_key, known.connection_id, now=api.clock())
    return status_document(known, entity_of=entity_by_object(api.catalog, known.system), reauthorize_url=url)


@router.get(
    "/{connection_id}/timeline",
    responses={200: {"model": Page[TimelineEntry]}, **problems(404)},
    response_class=Json,
)
async def timeline(
    api: Api, _: CanRead, connection_id: ConnectionPath, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """What happened to the connection, newest first."""
    await require_connection(api.pool, connection_id)
    before, before_id = by_time(cursor, "timeline")
    rows = await api.pool.fetch(SQL["timeline"], connection_id, before, before_id, limit + 1)
    return Json(
        page(
            rows,
            limit,
            lambda row: cursors.encode("timeline", row["at"].isoformat(), str(row["id"])),
            lambda row: {**dict(row), "id": str(row["id"])},
        )
    )


@router.get(
    "/{connection_id}/issues",
    responses={200: {"model": Page[Issue]}, **problems(404)},
    response_class=Json,
)
async def issues(
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[Literal["open", "resolved"] | None, Query()] = None,
) -> Json:
    """Faults from their opening to their end, newest first."""
    await require_connection(api.pool, connection_id)
    before, before_id = by_time(cursor, "issues")
    is_open = None if state is None else state == "open"
    rows = await api.pool.fetch(SQL["issues"], connection_id, before, before_id, limit + 1, is_open)
    return Json(
        page(
            rows,
            limit,
            lambda row: cursors.encode("issues", row["opened_at"].isoformat(), row["issue_id"]),
        )
    )


@router.get(
    "/{connection_id}/errors",
    responses={200: {"model": Page[CallError]}, **problems(404)},
    response_class=Json,
)
async def errors(
    *,
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    object: Annotated[str | None, Query(max_length=200)] = None,  # noqa: A002  the query parameter's name
    operation: Annotated[Operation | None, Query()] = None,
    outcome: Annotated[Outcome | None, Query()] = None,
    fault: Annotated[Fault | None, Query(description="All outcomes that speak of it.")] = None,
) -> Json:
    """Calls to the source that failed, newest first."""
    await require_connection(api.pool, connection_id)
    before, before_id = by_time(cursor, "errors")
    rows = await api.pool.fetch(
        SQL["errors"],
        connection_id,
        before,
        before_id,
        limit + 1,
        object,
        _outcomes(outcome, fault),
        operation,
    )
    return Json(
        page(rows, limit, lambda row: cursors.encode("errors", row["at"].isoformat(), row["event_id"]))
    )


def _outcomes(outcome: Outcome | None, fault: Fault | None) -> list[str] | None:
    """None: all of them."""
    if outcome is None and fault is None:
        return None
    wanted = set(Outcome) if fault is None else {one for one, of in FAULTS.items() if of is fault}
    return sorted(wanted if outcome is None else wanted & {outcome})
