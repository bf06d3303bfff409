"""Connections and their mapping definitions, as far as calls to the source need them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.postgres import tombstones
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.unified import is_custom
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
    objects: Sequence[str] | None = None
    """Of what the system offers, those that are read; None: all."""


@dataclass(frozen=True, slots=True)
class MappingNews:
    changed: MappingChanged
    object_before: str | None
    version_before: int | None

    @property
    def begins(self) -> bool:
        """A custom object begins here: there was none, another one, or one that was removed in between."""
        changed = self.changed
        if not is_custom(changed.entity) or not changed.object:
            return False
        passed = self.version_before is not None and changed.version > self.version_before + 1
        return passed or self.object_before != changed.object


async def get(db: Database, connection_id: str) -> KnownConnection | None:
    """None for one that is unknown or was deleted."""
    row = await db.fetchrow(QUERIES["connection_get"], connection_id)
    if row is None:
        return None
    return KnownConnection(
        row["connection_id"],
        row["system"],
        row["settings"],
        row["account_id"],
        Lifecycle(row["lifecycle"]),
        row["objects"],
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
        described.objects,
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


async def change_mapping(tx: Connection, changed: MappingChanged) -> MappingNews | None:
    """None where this was no news."""
    row = await tx.fetchrow(
        QUERIES["mapping_change"],
        changed.connection_id,
        changed.entity,
        changed.object,
        changed.version,
        changed.effective,
    )
    return None if row is None else MappingNews(changed, row["object_before"], row["version_before"])


async def custom_objects(db: Database, connection_id: str) -> Mapping[str, Sequence[MappingDefinition]]:
    """Of each object that is read as custom objects of this connection, their definitions."""
    found: dict[str, list[MappingDefinition]] = defaultdict(list)
    for row in await db.fetch(QUERIES["mapping_custom_objects"], connection_id):
        found[row["object"]].append(MappingDefinition.parse(row["effective"]))
    return found


async def definitions_of(pool: Pool, connection_id: str, object_name: str) -> dict[str, MappingDefinition]:
    """The connection's own definitions that read from this object, by entity."""
    rows = await pool.fetch(QUERIES["mapping_of_object"], connection_id, object_name)
    return {row["entity"]: MappingDefinition.parse(row["effective"]) for row in rows}


async def custom_versions(pool: Pool, connection_id: str, object_name: str) -> tuple[tuple[str, int], ...]:
    """Custom objects that are made from this object, with the version of their definition."""
    rows = await pool.fetch(QUERIES["mapping_custom_versions"], connection_id, object_name)
    return tuple((row["entity"], row["version"]) for row in rows)


async def mapped_objects(tx: Connection, connection_id: str) -> Sequence[MappedObject]:
    rows = await tx.fetch(QUERIES["mapping_objects"], connection_id)
    return [MappedObject(row["entity"], row["object"]) for row in rows]
