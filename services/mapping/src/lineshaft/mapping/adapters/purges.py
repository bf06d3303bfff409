"""Purges of connections, and the rows that they delete."""

from collections.abc import Sequence
from typing import NamedTuple

from lineshaft.common.postgres import tombstones
from lineshaft.common.postgres.pool import Connection
from lineshaft.mapping.adapters.postgres import QUERIES

BESIDE_RECORDS = (
    "purge_definition",
    "purge_deletion_proposal",
    "purge_field_error",
    "purge_read_slice",
    "purge_remap",
    "purge_sync",
)


class Open(NamedTuple):
    connection_id: str
    command_id: str
    traceparent: str | None
    records: int


class Key(NamedTuple):
    entity: str
    id: str


async def begin(tx: Connection, connection_id: str, command_id: str, traceparent: str | None) -> None:
    """From the commit on nothing of the connection is mapped, published or stored."""
    await tombstones.bury(tx, connection_id)
    await tx.execute(QUERIES["begin_purge"], connection_id, command_id, traceparent)


async def take(tx: Connection) -> Open | None:
    """One that is under way, and that no other replica is at."""
    row = await tx.fetchrow(QUERIES["take_purge"])
    return Open(*row) if row is not None else None


async def keys(tx: Connection, connection_id: str, limit: int) -> Sequence[Key]:
    return [Key(*row) for row in await tx.fetch(QUERIES["keys_to_purge"], connection_id, limit)]


async def delete_records(tx: Connection, connection_id: str, some: Sequence[Key]) -> None:
    entities, ids = zip(*some, strict=True)
    await tx.execute(QUERIES["purge_records"], connection_id, entities, ids)


async def complete(tx: Connection, connection_id: str) -> dict[str, int]:
    """Delete all that is beside the records; how many rows of which table."""
    rows = await tombstones.delete_rows(tx, QUERIES, BESIDE_RECORDS, connection_id)
    await tx.execute(QUERIES["complete_purge"], connection_id)
    return rows
