"""Mapping versions, each with its event; and compiled mappings for rows that are behind."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.connections import SOURCE
from lineshaft.api.adapters.postgres import SQL, Executor
from lineshaft.api.domain.mappings import DEFAULT_VERSION, ActiveMapping
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.integrations import System
from lineshaft.common.mapping import (
    CompiledMapping,
    MappingContext,
    MappingDefinition,
    MappingOverlay,
    compile_mapping,
)
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection as Transaction
from lineshaft.common.postgres.pool import Pool
from lineshaft.common.unified import is_custom

COMPILED = 500

Key = tuple[str, str, int]


class CompiledMappings:
    """The compiled mappings used last; a version never changes once it is stored."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[Key, CompiledMapping] = OrderedDict()

    async def get(
        self, pool: Pool, connection_id: str, system: System, entity: str, version: int
    ) -> CompiledMapping:
        key = (connection_id, entity, version)
        found = self._compiled.get(key)
        if found is None:
            definition = system.default_mapping(entity)
            if version > DEFAULT_VERSION:
                row = await pool.fetchrow(SQL["mapping_version"], connection_id, entity, version)
                definition = MappingDefinition.parse(row["effective"] if row else {})
            found = compile_mapping(entity, definition, MappingContext(mapping_version=version))
            self._compiled[key] = found
            while len(self._compiled) > COMPILED:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        return found


async def active_mapping(tx: Executor, connection_id: str, system: System, entity: str) -> ActiveMapping:
    """Raises `KeyError` for a custom object that the connection does not have."""
    row = await tx.fetchrow(SQL["active_mapping"], connection_id, entity)
    return _mapping(connection_id, system, entity, row)


async def mapping_version(
    tx: Executor, connection_id: str, system: System, entity: str, version: int
) -> ActiveMapping | None:
    """None where there is none; the one with which a custom object was removed has no mapping."""
    if version == DEFAULT_VERSION and not is_custom(entity):
        return _mapping(connection_id, system, entity, None)
    row = await tx.fetchrow(SQL["mapping_version"], connection_id, entity, version)
    return _mapping(connection_id, system, entity, row) if row and row["object"] != "" else None


async def list_versions(
    pool: Pool, connection_id: str, entity: str, *, before: int, limit: int
) -> Sequence[Any]:
    rows: Sequence[Any] = await pool.fetch(SQL["mapping_versions"], connection_id, entity, before, limit)
    return rows


async def store_version(
    tx: Transaction,
    active: ActiveMapping,
    changes: MappingOverlay,
    effective: MappingDefinition,
    *,
    by: str,
    at: datetime,
) -> int:
    """The next version, and the event that puts it in force everywhere; the connection's row is locked."""
    version = active.version + 1
    comment = changes.comment or ""
    dumped = effective.dump()
    await tx.execute(
        SQL["insert_mapping_version"],
        active.connection_id,
        active.entity,
        version,
        changes.dump(),
        dumped,
        comment,
        at,
        by,
        active.object if is_custom(active.entity) else None,
    )
    event = MappingChanged(
        connection_id=active.connection_id,
        system=active.system,
        entity=active.entity,
        object=active.object,
        version=version,
        effective=dumped,
        changed_at=at,
        changed_by=by,
        comment=comment,
    )
    key = f"{active.connection_id}/{active.entity}"
    await add_events(tx, [new_event(event, source=SOURCE, key=key)])
    await audit.note(
        tx,
        "mapping.changed",
        by=by,
        at=at,
        connection_id=active.connection_id,
        subject=active.entity,
        before={"version": active.version, **active.overlay},
        after={"version": version, **changes.dump()},
    )
    return version


def _mapping(connection_id: str, system: System, entity: str, row: Any) -> ActiveMapping:
    default = system.default_mapping(entity)
    source_object = row["object"] if row and row["object"] is not None else system.object_of(entity)
    if not source_object:
        raise KeyError(entity)
    return ActiveMapping(
        connection_id=connection_id,
        system=system.id,
        entity=entity,
        object=source_object,
        version=row["version"] if row else DEFAULT_VERSION,
        default=default,
        overlay=row["overlay"] if row else {},
        effective=MappingDefinition.parse(row["effective"]) if row else default,
        comment=row["comment"] if row else "",
        updated_at=row["created_at"] if row else None,
        updated_by=row["created_by"] if row else "",
    )
