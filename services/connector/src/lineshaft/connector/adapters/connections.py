"""Connections and their mapping definitions, as far as calls to the source need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.integrations import custom_object
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.postgres import tombstones
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.connector.adapters.postgres import QUERIES, Database
from lineshaft.connector.domain.sync_requests import MappedObject

PURGES = (
    "purge_command_job",
    "purge_sync",
    "purge_stream",
    "purge_credential",
    "purge_gate",
    "purge_mapping_definition",
    "purge_object_schema",
    "purge_schedule",
    "purge_drift_policy",
    "purge_network",
    "purge_budget",
)


@dataclass(frozen=True, slots=True)
class KnownConnection:
    connection_id: str
    system: str
    settings: Mapping[str, Any]
    account_id: str
    lifecycle: Lifecycle


async def get(db: Database, connection_id: str) -> KnownConnection | None:
    """None for one that is unknown or was deleted."""
    row = await db.fetchrow(QUERIES["connection_get"], connection_id)
    if row is None:
        return None
    return KnownConnection(
        row["connection_id"], row["system"], row["settings"], row["account_id"], Lifecycle(row["lifecycle"])
    )


async def authorize(
    tx: Connection, connection_id: str, system: str, settings: Mapping[str, Any], account_id: str
) -> bool:
    """Whether the connection may have credentials; a deleted one may not."""
    lifecycle = await tx.fetchval(
        QUERIES["connection_authorize"], connection_id, system, dict(settings), account_id
    )
    if lifecycle is None:
        return False
    await tx.execute(QUERIES["gate_make"], connection_id)
    return True


async def describe(tx: Connection, described: ConnectionDescribed) -> bool:
    """Whether this was news."""
    news = await tx.fetchval(
        QUERIES["connection_describe"],
        described.connection_id,
        described.system,
        described.settings,
        described.account_id,
        described.lifecycle,
        described.revision,
    )
    if not news:
        return False
    await tx.execute(QUERIES["gate_make"], described.connection_id)
    return True


async def purge(tx: Connection, connection_id: str) -> dict[str, int]:
    """Delete all but the tombstone; how many rows of which table."""
    await tombstones.bury(tx, connection_id)
    await tx.execute(QUERIES["connection_bury"], connection_id)
    return await tombstones.delete_rows(tx, QUERIES, PURGES, connection_id)


async def change_mapping(tx: Connection, changed: MappingChanged) -> bool:
    """Whether this was news."""
    news = await tx.fetchval(
        QUERIES["mapping_change"],
        changed.connection_id,
        changed.entity,
        changed.object,
        changed.version,
        changed.effective,
    )
    return bool(news)


async def custom_objects(db: Database, connection_id: str) -> dict[str, SourceObject]:
    """The objects that this connection has besides those of its system."""
    rows = await db.fetch(QUERIES["mapping_custom_objects"], connection_id)
    return {
        row["object"]: custom_object(row["object"], MappingDefinition.parse(row["effective"])) for row in rows
    }


async def definitions_of(pool: Pool, connection_id: str, object_name: str) -> dict[str, MappingDefinition]:
    """The connection's own definitions that read from this object, by entity."""
    rows = await pool.fetch(QUERIES["mapping_of_object"], connection_id, object_name)
    return {row["entity"]: MappingDefinition.parse(row["effective"]) for row in rows}


async def mapped_objects(tx: Connection, connection_id: str) -> Sequence[MappedObject]:
    rows = await tx.fetch(QUERIES["mapping_objects"], connection_id)
    return [MappedObject(row["entity"], row["object"]) for row in rows]
