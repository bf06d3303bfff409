"""Keys and tokens, and what they open."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.keys import ALL_SCOPES, KeyKind, Scope, key_hash, new_key
from lineshaft.api.domain.status import Known
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.pool import Connection, Pool


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    key_id: str
    kind: KeyKind
    connection_id: str | None
    """The token's own connection."""
    scopes: frozenset[Scope] = ALL_SCOPES
    """Of an admin key."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, and the connection they may see."""

    caller: Caller
    known: Known | None
    mapping_version: int


async def find_caller(pool: Pool, secret: str) -> Caller | None:
    row = await pool.fetchrow(SQL["key"], key_hash(secret))
    if row is None:
        return None
    return await _caller(pool, row, row["connection_id"])


async def find_access(
    pool: Pool, secret: str, connection_id: str | None, entity: str | None = None
) -> Access | None:
    """None for an unknown key; an access without `known` where the connection is not there for it.

    `connection_id` may be left out with a connection token.
    """
    row = await pool.fetchrow(SQL["access"], key_hash(secret), connection_id, entity)
    if row is None:
        return None
    caller = await _caller(pool, row, row["key_connection_id"])
    known = _known(row) if row["connection_id"] is not None else None
    return Access(caller, known, row["mapping_version"])


async def find_known(pool: Pool, connection_id: str) -> Known | None:
    """For whoever may see all connections."""
    row = await pool.fetchrow(SQL["known"], connection_id)
    return _known(row) if row else None


def _known(row: Any) -> Known:
    return Known(
        connection_id=row["connection_id"],
        system=row["system"],
        lifecycle=Lifecycle(row["lifecycle"]),
        credential_version=row["credential_version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        metadata=row["metadata"],
        document=row["document"],
        last_sync_at=row["last_sync_at"],
        data_as_of=row["data_as_of"],
        objects=row["objects"],
    )


async def _caller(pool: Pool, row: Any, connection_id: str | None) -> Caller:
    if row["use_is_news"]:
        await pool.execute(SQL["key_used"], row["key_id"])
    scopes = frozenset(Scope(one) for one in row["scopes"])
    return Caller(row["key_id"], KeyKind(row["kind"]), connection_id, scopes)


async def end_tokens(tx: Connection, connection_id: str, at: datetime) -> None:
    """The tokens of the connection end at the given time at the latest."""
    await tx.execute(SQL["end_tokens"], connection_id, at)


async def create_token(
    tx: Connection, connection_id: str, *, old_end_at: datetime, by: str, at: datetime
) -> str:
    """A new connection token; the ones before it end at the given time."""
    await audit.note(tx, "token.created", by=by, at=at, connection_id=connection_id)
    await end_tokens(tx, connection_id, old_end_at)
    token = new_key(KeyKind.CONNECTION)
    await tx.execute(SQL["insert_token"], key_hash(token), new_id("key"), connection_id)
    return token
