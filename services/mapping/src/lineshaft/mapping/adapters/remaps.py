"""Progress of re-maps, and the records they are about."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.postgres.pool import Connection
from lineshaft.mapping.adapters.arrays import of_ids, of_numbers
from lineshaft.mapping.adapters.postgres import QUERIES, OvertakenError
from lineshaft.mapping.domain.mappings import ActiveMapping
from lineshaft.mapping.domain.remaps import Behind, RemapResult


class Progress(NamedTuple):
    version: int
    after: str
    finished_at: datetime | None


async def start(tx: Connection, change: MappingChanged) -> None:
    await tx.execute(
        QUERIES["start_remap"],
        change.connection_id,
        change.entity,
        change.object,
        change.system,
        change.version,
    )


async def progress(connection: Connection, connection_id: str, entity: str) -> Progress | None:
    row = await connection.fetchrow(QUERIES["remap_progress"], connection_id, entity)
    return Progress(*row) if row is not None else None


async def behind(
    connection: Connection,
    connection_id: str,
    entity: str,
    object_name: str,
    *,
    version: int,
    after: str,
    limit: int,
) -> Sequence[Behind]:
    """The next records after an id that an older version has mapped."""
    rows = await connection.fetch(
        QUERIES["behind"], connection_id, entity, after, object_name, version, limit
    )
    return [Behind(*row) for row in rows]


async def write(
    tx: Connection, connection_id: str, active: ActiveMapping, result: RemapResult, now: datetime
) -> None:
    """Write what a chunk came to.

    Raises:
        OvertakenError: a page has changed some of the records meanwhile.
    """
    written = 0
    if result.changed:
        ids, known, documents, hashes = zip(*result.changed, strict=True)
        status = await tx.execute(
            QUERIES["remap_changed"],
            connection_id,
            active.entity,
            active.version,
            active.digest,
            now,
            of_ids(ids),
            of_numbers(known),
            documents,
            of_ids(hashes),
            ids[0],
            ids[-1],
        )
        written += int(status.rsplit(" ", 1)[1])
    if result.unchanged:
        ids, known = zip(*result.unchanged, strict=True)
        status = await tx.execute(
            QUERIES["remap_unchanged"],
            connection_id,
            active.entity,
            active.version,
            active.digest,
            of_ids(ids),
            of_numbers(known),
            ids[0],
            ids[-1],
        )
        written += int(status.rsplit(" ", 1)[1])
    if written != len(result.changed) + len(result.unchanged):
        raise OvertakenError


async def advance(
    tx: Connection,
    connection_id: str,
    entity: str,
    *,
    after: str,
    mapped: int,
    changed: int,
    finished_at: datetime | None,
) -> None:
    await tx.execute(QUERIES["advance_remap"], connection_id, entity, after, mapped, changed, finished_at)
