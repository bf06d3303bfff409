"""`/v1/connections`: list, look, change, pause, resume, disconnect, delete, rotate the token."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.api.adapters.connections import (
    change_connection,
    find_connection,
    list_connections,
    lock_connection,
)
from lineshaft.api.adapters.keys import create_token
from lineshaft.api.adapters.link_sessions import lock_sessions_of
from lineshaft.api.adapters.purges import delete_connection
from lineshaft.api.domain import cursors
from lineshaft.api.domain.connections import Connection
from lineshaft.api.domain.lifecycle import REASONS, Action, after
from lineshaft.api.domain.problems import invalid, not_found
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import (
    CanConnect,
    CanManage,
    CanRead,
    ConnectionPath,
    KeyToRead,
    open_connection,
)
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, by_id, page
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.postgres.pool import Connection as Transaction

ORDER = "connection_id"

router = APIRouter(prefix="/v1/connections", tags=["connections"])


class ConnectionModel(BaseModel):
    id: str
    system: str
    label: str
    lifecycle: Lifecycle
    settings: dict[str, Any]
    metadata: dict[str, Any]
    objects: list[str] | None = Field(
        description="Of what the system offers, the objects that are read, as the customer chose; null: all."
    )
    account_id: str
    account_label: str
    created_at: datetime
    changed_at: datetime


class ConnectionChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str | None = Field(default=None, max_length=200)
    metadata: dict[str, Any] | None = Field(default=None, description="Comes back in webhooks.")
    objects: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Read these of the system's objects from now on; null: all. One that is added is read"
        " whole by the next sync, and what was read of one that is left out stays.",
    )


class Token(BaseModel):
    connection_id: str
    token: str = Field(description="Shown once.")


def shown(connection: Connection) -> ConnectionModel:
    return ConnectionModel(
        id=connection.connection_id,
        system=connection.system,
        label=connection.label,
        lifecycle=connection.lifecycle,
        settings=connection.settings,
        metadata=connection.metadata,
        objects=connection.objects,
        account_id=connection.account_id,
        account_label=connection.account_label,
        created_at=connection.created_at,
        changed_at=connection.changed_at,
    )


@router.get("", responses=problems())
async def list_all(
    api: Api,
    _: CanRead,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    system: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[ConnectionModel]:
    rows = await list_connections(api.pool, after=by_id(cursor, ORDER), system=system, limit=limit + 1)
    return Page[ConnectionModel].model_validate(
        page(rows, limit, lambda row: cursors.encode(ORDER, row.connection_id), shown)
    )


@router.get("/{connection_id}", responses=problems(404))
async def get(key: KeyToRead, api: Api, connection_id: ConnectionPath) -> ConnectionModel:
    await open_connection(api, key, connection_id)
    connection = await find_connection(api.pool, connection_id)
    if connection is None:
        raise not_found("connection", connection_id=connection_id)
    return shown(connection)


@router.patch("/{connection_id}", responses=problems(404))
async def change(
    api: Api, caller: CanManage, connection_id: ConnectionPath, body: ConnectionChange
) -> ConnectionModel:
    async with api.pool.acquire() as tx, tx.transaction():
        connection = await _locked(tx, connection_id)
        changes = body.model_dump(exclude_none=True)
        if "objects" in body.model_fields_set:
            changes["objects"] = body.objects
        for name in body.objects or ():
            offered = system_of(api.catalog, connection.system).objects_for()
            if name not in offered:
                raise invalid("objects", f"there is no {name!r}; there are {', '.join(offered)}")
        if changes:
            connection = await change_connection(
                tx, replace(connection, **changes), reason="changed", by=caller.key_id, at=api.clock()
            )
    return shown(connection)


@router.post("/{connection_id}/pause", responses=problems(404, 409))
async def pause(api: Api, caller: CanManage, connection_id: ConnectionPath) -> ConnectionModel:
    return shown(await _act(api, caller.key_id, connection_id, Action.PAUSE))


@router.post("/{connection_id}/resume", responses=problems(404, 409))
async def resume(api: Api, caller: CanManage, connection_id: ConnectionPath) -> ConnectionModel:
    return shown(await _act(api, caller.key_id, connection_id, Action.RESUME))


@router.post("/{connection_id}/disconnect", responses=problems(404, 409))
async def disconnect(api: Api, caller: CanManage, connection_id: ConnectionPath) -> ConnectionModel:
    """Its credentials are forgotten, and what was read stays readable. Connecting again brings it back."""
    return shown(await _act(api, caller.key_id, connection_id, Action.DISCONNECT))


@router.delete("/{connection_id}", status_code=204, responses=problems(404))
async def delete(api: Api, caller: CanManage, connection_id: ConnectionPath) -> Response:
    """For good: the id stays as a tombstone, and nothing of the connection can be read any more.

    What is stored is deleted by each service; `GET /connections/{id}/purge` shows their receipts.
    """
    async with api.pool.acquire() as tx, tx.transaction():
        await lock_sessions_of(tx, connection_id)
        connection = await _locked(tx, connection_id)
        await delete_connection(tx, connection, by=caller.key_id, at=api.clock())
    return Response(status_code=204, headers={"Location": f"/v1/connections/{connection_id}/purge"})


@router.post("/{connection_id}/token", status_code=201, responses=problems(404))
async def rotate_token(api: Api, caller: CanConnect, connection_id: ConnectionPath) -> Token:
    """A new token; the ones before it end now, plus the grace that is set."""
    async with api.pool.acquire() as tx, tx.transaction():
        await _locked(tx, connection_id)
        now = api.clock()
        token = await create_token(
            tx, connection_id, old_end_at=now + api.settings.token_grace, by=caller.key_id, at=now
        )
    return Token(connection_id=connection_id, token=token)


async def _act(api: Context, by: str, connection_id: str, action: Action) -> Connection:
    async with api.pool.acquire() as tx, tx.transaction():
        connection = await _locked(tx, connection_id)
        lifecycle = after(connection.lifecycle, action, connection_id)
        if lifecycle == connection.lifecycle:
            return connection
        return await change_connection(
            tx,
            replace(connection, lifecycle=lifecycle),
            reason=REASONS[action],
            by=by,
            at=api.clock(),
        )


async def _locked(tx: Transaction, connection_id: str) -> Connection:
    connection = await lock_connection(tx, connection_id)
    if connection is None or connection.lifecycle is Lifecycle.DELETED:
        raise not_found("connection", connection_id=connection_id)
    return connection
