"""What the objects of a connection look like, as last described; fresh enough for a while."""

from dataclasses import asdict
from datetime import timedelta

from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.connector.adapters.postgres import QUERIES
from lineshaft.connector.domain.protocol import FieldDescription, ObjectDescription

FRESH = timedelta(minutes=15)


async def get(
    pool: Pool, connection_id: str, object_name: str, credential_version: int
) -> ObjectDescription | None:
    fields = await pool.fetchval(QUERIES["schema_get"], connection_id, object_name, credential_version, FRESH)
    if fields is None:
        return None
    return ObjectDescription(object_name, object_name, tuple(FieldDescription(**field) for field in fields))


async def put(
    pool: Pool, connection_id: str, description: ObjectDescription, credential_version: int
) -> None:
    await pool.execute(
        QUERIES["schema_put"],
        connection_id,
        description.name,
        [asdict(field) for field in description.fields],
        credential_version,
    )


async def doubt(tx: Connection, connection_id: str, object_name: str) -> None:
    """The next read describes the object anew."""
    await tx.execute(QUERIES["schema_doubt"], connection_id, object_name)
