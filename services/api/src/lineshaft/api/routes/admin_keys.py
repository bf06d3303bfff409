"""`/v1/admin-keys`: keys for the parts of a vendor's back end, each with what it needs and no more."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lineshaft.api.adapters.admin_keys import (
    create_admin_key,
    find_admin_key,
    list_admin_keys,
    lock_admin_key,
    replace_admin_key,
    revoke_admin_key,
)
from lineshaft.api.domain import cursors
from lineshaft.api.domain.admin_keys import (
    AdminKey,
    KeyState,
    check_end,
    check_scopes,
    require_changeable,
    require_rotatable,
)
from lineshaft.api.domain.keys import Scope
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import CanManage, CanRead
from lineshaft.api.routes.context import Api
from lineshaft.api.routes.paging import DEFAULT_LIMIT, Cursor, Limit, Page, by_id, page
from lineshaft.common.postgres.pool import Connection as Transaction

ORDER = "admin_keys"
DAY = 24 * 3600

router = APIRouter(prefix="/v1/admin-keys", tags=["keys"])

KeyPath = Annotated[str, Path(max_length=100, description="Id of the key, never the key itself.")]
End = Annotated[AwareDatetime | None, Field(description="When it ends by itself. Left out: never.")]


class NewAdminKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="What it is for.", examples=["billing"])
    scopes: set[Scope] = Field(
        min_length=1,
        description="`read` looks at everything but secrets, `connect` sends customers to connect pages and"
        " gets tokens, `manage` changes and writes. No more than your own key has.",
    )
    expires_at: End = None


class Rotation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    overlap_seconds: int = Field(
        DAY, ge=0, le=90 * DAY, strict=True, description="How long the old key works beside the new one."
    )
    expires_at: Annotated[
        AwareDatetime | None,
        Field(description="When the new one ends. Left out: after the lifetime that the old one had."),
    ] = None


class AdminKeyModel(BaseModel):
    id: str
    name: str
    scopes: list[Scope]
    state: KeyState
    from_settings: bool = Field(description="`LINESHAFT_ADMIN_KEY`: all scopes, changed there alone.")
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None
    replaced_by: str | None = Field(description="The key that a rotation made in its place.")


class CreatedAdminKey(AdminKeyModel):
    key: str = Field(description="Shown once.")


@router.get("", responses=problems())
async def list_all(
    api: Api, _: CanRead, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[AdminKeyModel]:
    """Keys that ended, too: the audit log names them."""
    rows = await list_admin_keys(api.pool, after=by_id(cursor, ORDER), limit=limit + 1)
    now = api.clock()
    return Page[AdminKeyModel].model_validate(
        page(rows, limit, lambda row: cursors.encode(ORDER, row.key_id), lambda row: _shown(row, now))
    )


@router.post("", status_code=201, responses=problems())
async def create(api: Api, caller: CanManage, body: NewAdminKey) -> CreatedAdminKey:
    """The key is shown in this answer, and never again."""
    now = api.clock()
    check_scopes(body.scopes, caller.scopes)
    check_end(body.expires_at, now)
    async with api.pool.acquire() as tx, tx.transaction():
        key, secret = await create_admin_key(
            tx, name=body.name, scopes=body.scopes, expires_at=body.expires_at, by=caller.key_id, at=now
        )
    return _created(key, secret, now)


@router.get("/{key_id}", responses=problems(404))
async def get(api: Api, _: CanRead, key_id: KeyPath) -> AdminKeyModel:
    key = await find_admin_key(api.pool, key_id)
    if key is None:
        raise not_found("admin key")
    return _shown(key, api.clock())


@router.post("/{key_id}/rotate", status_code=201, responses=problems(404, 409))
async def rotate(
    api: Api, caller: CanManage, key_id: KeyPath, body: Rotation | None = None
) -> CreatedAdminKey:
    """A new key of the same name and scopes; the old one works on for the overlap."""
    wanted, now = body or Rotation(), api.clock()
    check_end(wanted.expires_at, now)
    async with api.pool.acquire() as tx, tx.transaction():
        old = await _locked(tx, key_id)
        require_rotatable(old, now)
        check_scopes(old.scopes, caller.scopes)
        new, secret = await replace_admin_key(
            tx,
            old,
            expires_at=wanted.expires_at or old.renewed_until(now),
            old_end_at=now + timedelta(seconds=wanted.overlap_seconds),
            by=caller.key_id,
            at=now,
        )
    return _created(new, secret, now)


@router.delete("/{key_id}", status_code=204, responses=problems(404, 409))
async def revoke(api: Api, caller: CanManage, key_id: KeyPath) -> Response:
    """It works no more from now on, and neither does whoever signed in to the console with it."""
    now = api.clock()
    async with api.pool.acquire() as tx, tx.transaction():
        key = await _locked(tx, key_id)
        require_changeable(key, now)
        await revoke_admin_key(tx, key, by=caller.key_id, at=now)
    return Response(status_code=204)


async def _locked(tx: Transaction, key_id: str) -> AdminKey:
    key = await lock_admin_key(tx, key_id)
    if key is None:
        raise not_found("admin key")
    return key


def _shown(key: AdminKey, now: datetime) -> AdminKeyModel:
    return AdminKeyModel(
        id=key.key_id,
        name=key.label,
        scopes=sorted(key.scopes),
        state=key.state(now),
        from_settings=key.from_settings,
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        replaced_by=key.replaced_by,
    )


def _created(key: AdminKey, secret: str, now: datetime) -> CreatedAdminKey:
    return CreatedAdminKey(**_shown(key, now).model_dump(), key=secret)
