"""The projection of `mappings`."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.postgres.pool import Connection
from lineshaft.mapping.adapters.postgres import QUERIES, OvertakenError
from lineshaft.mapping.domain.mappings import ActiveMapping, InForce, Mappings


async def in_force(connection: Connection, connection_ids: Collection[str]) -> dict[str, dict[str, InForce]]:
    """Connection to entity to what replaces the system's default."""
    rows = await connection.fetch(QUERIES["active_definitions"], list(connection_ids))
    found: dict[str, dict[str, InForce]] = defaultdict(dict)
    for row in rows:
        found[row["connection_id"]][row["entity"]] = InForce(*row)
    return found


async def compiled(connection: Connection, mappings: Mappings, row: InForce) -> ActiveMapping:
    """The compiled mapping of one row, compiled once.

    Raises:
        OvertakenError: another version came into force since the row was read.
        DeadLetterError: the definition is not valid.
    """
    active = mappings.customers(row)
    if active is None:
        body = await effective(connection, row)
        if body is None:
            raise OvertakenError
        active = mappings.add(row, body)
    return active


class Replaced(NamedTuple):
    object: str | None
    """Which the entity came from before; None where nothing replaced the system's default."""


async def upsert(tx: Connection, change: MappingChanged) -> Replaced | None:
    """What a newer version takes the place of; None where it is not newer."""
    row = await tx.fetchrow(
        QUERIES["upsert_definition"],
        change.connection_id,
        change.entity,
        change.system,
        change.object,
        change.version,
        change.effective,
        change.changed_at,
        change.changed_by,
    )
    return Replaced(row["object_before"]) if row is not None else None


async def effective(connection: Connection, row: InForce) -> dict[str, Any] | None:
    """The body; None if another version has come into force since."""
    body: dict[str, Any] | None = await connection.fetchval(
        QUERIES["effective_definition"], row.connection_id, row.entity, row.version
    )
    return body
