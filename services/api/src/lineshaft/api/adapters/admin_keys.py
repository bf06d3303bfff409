"""Admin keys: each change and its line in the audit log in one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.postgres import SQL, Executor, build, build_or_none
from lineshaft.api.domain.admin_keys import AdminKey
from lineshaft.api.domain.keys import KeyKind, Scope, key_hash, new_key
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.pool import Connection, Pool

INSTALLED_LABEL = "LINESHAFT_ADMIN_KEY"


async def install_admin_key(pool: Pool, secret: str | None) -> None:
    """The key of the settings works, the one that was set before it no longer does."""
    hashed = key_hash(secret) if secret is not None else None
    async with pool.acquire() as tx, tx.transaction():
        await tx.execute(SQL["end_installed_keys"], hashed)
        if hashed is not None:
            await tx.execute(SQL["install_admin_key"], hashed, new_id("key"), INSTALLED_LABEL)


async def list_admin_keys(pool: Pool, *, after: str, limit: int) -> Sequence[AdminKey]:
    rows = await pool.fetch(SQL["admin_keys"], after, limit)
    return [build(AdminKey, row, scopes=_scopes) for row in rows]


async def find_admin_key(pool: Executor, key_id: str) -> AdminKey | None:
    return build_or_none(AdminKey, await pool.fetchrow(SQL["admin_key"], key_id), scopes=_scopes)


async def lock_admin_key(tx: Connection, key_id: str) -> AdminKey | None:
    return build_or_none(AdminKey, await tx.fetchrow(SQL["lock_admin_key"], key_id), scopes=_scopes)


async def create_admin_key(
    tx: Connection,
    *,
    name: str,
    scopes: Collection[Scope],
    expires_at: datetime | None,
    by: str,
    at: datetime,
) -> tuple[AdminKey, str]:
    """The key, and its secret, of which only the hash is kept."""
    secret = new_key(KeyKind.ADMIN)
    row = await tx.fetchrow(
        SQL["insert_admin_key"], key_hash(secret), new_id("key"), name, sorted(scopes), expires_at, at, by
    )
    key = build(AdminKey, row, scopes=_scopes)
    await audit.note(tx, "admin_key.created", by=by, at=at, subject=key.key_id, after=key.audited)
    return key, secret


async def replace_admin_key(
    tx: Connection, key: AdminKey, *, expires_at: datetime | None, old_end_at: datetime, by: str, at: datetime
) -> tuple[AdminKey, str]:
    """A new key of the same name and scopes; the old one ends at the given time at the latest."""
    new, secret = await create_admin_key(
        tx, name=key.label, scopes=key.scopes, expires_at=expires_at, by=by, at=at
    )
    await _end(tx, key, "admin_key.rotated", ends_at=old_end_at, replaced_by=new.key_id, by=by, at=at)
    return new, secret


async def revoke_admin_key(tx: Connection, key: AdminKey, *, by: str, at: datetime) -> None:
    await _end(tx, key, "admin_key.revoked", ends_at=at, replaced_by=key.replaced_by, by=by, at=at)


async def _end(
    tx: Connection,
    key: AdminKey,
    action: str,
    *,
    ends_at: datetime,
    replaced_by: str | None,
    by: str,
    at: datetime,
) -> None:
    revoked_at = at if action == "admin_key.revoked" else None
    row = await tx.fetchrow(SQL["end_admin_key"], key.key_id, ends_at, revoked_at, replaced_by)
    ended = build(AdminKey, row, scopes=_scopes)
    await audit.note(tx, action, by=by, at=at, subject=key.key_id, before=key.audited, after=ended.audited)


def _scopes(names: Sequence[str]) -> frozenset[Scope]:
    return frozenset(Scope(name) for name in names)
