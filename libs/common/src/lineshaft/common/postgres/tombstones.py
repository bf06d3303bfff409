"""Tombstones of purged connections, which every write about a connection looks at in its own transaction.

A writer holds a shared lock from its look to its commit, and a burial the exclusive one: what was being
written is stored before the rows of the connection are deleted, and what comes later finds the tombstone.
"""

from collections.abc import Collection, Mapping, Sequence

from lineshaft.common.postgres.pool import Connection

STRIPES = 64
"""Locks of one transaction at most, however many connections it is about."""

_SPACE = "hashtext(current_schema() || '.tombstone')"
_SHARE = (
    f"select pg_advisory_xact_lock_shared({_SPACE}, stripe) from ("
    " select distinct abs(hashtext(connection_id)::bigint % $2)::int as stripe"
    " from unnest($1::text[]) as connection_id order by stripe"
    ") as stripes"
)
_BURIED = "select connection_id from tombstone where connection_id = any($1::text[])"
_EXCLUDE = f"select pg_advisory_xact_lock({_SPACE}, abs(hashtext($1)::bigint % $2)::int)"
_BURY = "insert into tombstone (connection_id) values ($1) on conflict do nothing"


async def buried(tx: Connection, connection_ids: Collection[str]) -> frozenset[str]:
    """Those of the connections that are purged; none of the others can be before the transaction ends."""
    if not connection_ids:
        return frozenset()
    wanted = list(set(connection_ids))
    await tx.execute(_SHARE, wanted, STRIPES)
    return frozenset(row["connection_id"] for row in await tx.fetch(_BURIED, wanted))


async def bury(tx: Connection, connection_id: str) -> None:
    """From the commit on nothing is stored about the connection; then, or now, its rows can be deleted."""
    await tx.execute(_EXCLUDE, connection_id, STRIPES)
    await tx.execute(_BURY, connection_id)


async def delete_rows(
    tx: Connection, queries: Mapping[str, str], names: Sequence[str], connection_id: str
) -> dict[str, int]:
    """Run the queries `purge_<table>` of these names; how many rows of which table are gone."""
    rows = {}
    for name in names:
        status = await tx.execute(queries[name], connection_id)
        rows[name.removeprefix("purge_")] = int(status.rsplit(" ", 1)[1])
    return rows
