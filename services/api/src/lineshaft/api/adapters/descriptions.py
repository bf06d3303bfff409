"""What the source of a connection holds, as the connector last looked at it."""

from collections.abc import Mapping, Sequence
from typing import Any

from lineshaft.api.adapters.commands import StoredCommand, Waiters, ask
from lineshaft.api.adapters.postgres import SQL, Executor
from lineshaft.common.events.commands import DescriptionRequested
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.pool import Pool

DESCRIBE = "describe"


async def described(tx: Executor, connection_id: str, name: str | None = None) -> Sequence[Mapping[str, Any]]:
    """Objects with their fields; all of them, or one."""
    return [dict(row) for row in await tx.fetch(SQL["described_objects"], connection_id, name)]


async def samples(pool: Pool, connection_id: str, name: str, limit: int) -> list[dict[str, Any]]:
    """Stored source records of an object, the latest first."""
    return [row["raw"] for row in await pool.fetch(SQL["raw_samples"], connection_id, name, limit)]


async def look(
    pool: Pool, waiters: Waiters, connection_id: str, objects: Sequence[str], seconds: float
) -> StoredCommand | None:
    """Have the connector look at objects now; the command as far as it is when the time is over."""
    command = DescriptionRequested(
        command_id=new_id("op"), connection_id=connection_id, objects=list(objects)
    )
    async with pool.acquire() as tx, tx.transaction():
        await ask(tx, command, kind=DESCRIBE, key=connection_id, request={"operation": DESCRIBE})
    return await waiters.wait(command.command_id, seconds)
