"""The gate's rows."""

from datetime import datetime

from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.postgres.pool import Connection
from lineshaft.connector.adapters.postgres import QUERIES, Database, standing_of
from lineshaft.connector.domain.gate import Standing


async def standing(db: Database, connection_id: str) -> Standing | None:
    row = await db.fetchrow(QUERIES["gate_standing"], connection_id)
    return standing_of(row) if row is not None else None


async def lock(tx: Connection, connection_id: str) -> None:
    """Before any other row of the connection, so that no two transactions wait for each other."""
    await tx.execute(QUERIES["gate_lock"], connection_id)


async def reject(tx: Connection, connection_id: str, version: int) -> bool:
    """Close the gate for credentials that were refused; whether nobody had done so before."""
    return bool(await tx.fetchval(QUERIES["gate_reject"], connection_id, version))


async def accept(tx: Connection, connection_id: str, version: int) -> None:
    """These credentials work after all."""
    await tx.execute(QUERIES["gate_accept"], connection_id, version)


async def hold(tx: Connection, connection_id: str, until: datetime) -> None:
    await tx.execute(QUERIES["gate_hold"], connection_id, until)


async def open_for_new_credentials(tx: Connection, connection_id: str) -> None:
    await tx.execute(QUERIES["gate_open"], connection_id)


async def obey(tx: Connection, status: StatusDescribed) -> bool:
    """Take over what the monitor says; whether it was news."""
    return bool(
        await tx.fetchval(
            QUERIES["gate_status"],
            status.connection_id,
            status.model_dump(mode="json", exclude={"verdict", "permissions"}),
            status.revision,
        )
    )
