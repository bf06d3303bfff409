"""Records that end because their entity comes from another object now, or from none."""

from collections.abc import Sequence
from datetime import datetime

from lineshaft.common.postgres.pool import Connection
from lineshaft.mapping.adapters.arrays import of_ids, of_numbers
from lineshaft.mapping.adapters.postgres import QUERIES, OvertakenError
from lineshaft.mapping.domain.records import DELETED_HASH
from lineshaft.mapping.domain.retirements import Living


async def living(
    connection: Connection, connection_id: str, entity: str, object_name: str, *, after: str, limit: int
) -> Sequence[Living]:
    """The next ones after an id."""
    rows = await connection.fetch(QUERIES["to_retire"], connection_id, entity, object_name, after, limit)
    return [
        Living(row["id"], row["mapping_version"], row["revision"], row["document"].encode()) for row in rows
    ]


async def write(
    tx: Connection, connection_id: str, entity: str, ended: Sequence[Living], now: datetime
) -> None:
    """Raises `OvertakenError` where a page of the other object has changed some of them meanwhile."""
    status = await tx.execute(
        QUERIES["retire"],
        connection_id,
        entity,
        DELETED_HASH,
        now,
        of_ids(one.id for one in ended),
        of_numbers(one.revision for one in ended),
        [one.document for one in ended],
        ended[0].id,
        ended[-1].id,
    )
    if int(status.rsplit(" ", 1)[1]) != len(ended):
        raise OvertakenError
