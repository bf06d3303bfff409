"""What a mapping leaves open, where its values come from, and how versions differ."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from lineshaft.api.adapters.drift import drift_of
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.adapters.source_fields import SampleRecord, SourceField, source_fields
from lineshaft.api.domain.field_health import (
    FieldHealth,
    declared_codes,
    field_health,
    unmapped_source_fields,
)
from lineshaft.api.domain.mappings import ActiveMapping, difference
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanRead, ConnectionPath
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.drift import MappingDriftModel, shown_mapping
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.mappings import NO_VERSION, EntityPath, current, system_with, version_of
from lineshaft.common.integrations import System
from lineshaft.common.mapping import MappingContext, compile_mapping, lineage
from lineshaft.common.unified import entity_id

SAMPLE = 1000
SECONDS = 10.0
"""How long records are looked at before the answer."""

router = APIRouter(prefix="/v1/connections/{connection_id}/mappings/{entity}", tags=["mapping"])

VersionQuery = Annotated[int, Query(ge=1, le=NO_VERSION)]


class FieldErrors(BaseModel):
    count: int
    code: str
    reason: str
    sample: str
    source_id: str
    last_at: datetime


class FieldHealthModel(BaseModel):
    nulls: int = Field(description="Of the records looked at, those in which the field is null.")
    null_rate: float
    unmapped: dict[str, int] = Field(description="Codes of records that the value map does not know.")
    declared: dict[str, str] = Field(
        description="Codes, with their labels, that the source declares and the value map does not know,"
        " beside those that were seen."
    )
    errors: FieldErrors | None = Field(
        description="Of all records read under the newest version that had errors in this field."
    )


class UnmappedSourceField(BaseModel):
    path: str
    type: str
    label: str
    filled: int
    samples: list[str]


class HealthModel(BaseModel):
    """Over the records that changed last."""

    entity: str
    version: int
    records: int
    fields: dict[str, FieldHealthModel]
    unmapped_source_fields: list[UnmappedSourceField]
    drift: MappingDriftModel


class OriginModel(BaseModel):
    value: Any
    definition: dict[str, Any]
    reads: dict[str, Any] = Field(description="Source path to what the raw record holds there.")


class LineageModel(BaseModel):
    id: str
    entity: str
    object: str
    source_id: str
    mapping_version: int = Field(description="The version in force, which these values were mapped with.")
    stored_mapping_version: int = Field(description="Lower until the background has mapped the record anew.")
    revision: int
    changed_at: datetime
    fields: dict[str, OriginModel]
    raw: dict[str, Any]


class Difference(BaseModel):
    before: Any
    after: Any


class DiffModel(BaseModel):
    entity: str
    from_version: int
    to_version: int
    changes: dict[str, Difference] = Field(
        description="`fields.name`, `custom_fields.x` or `value_maps.m.code` to what it was and is."
    )


@router.get("/health", responses={200: {"model": HealthModel}, **problems(404)}, response_class=Json)
async def health(api: Api, _: CanRead, connection_id: ConnectionPath, entity: EntityPath) -> Json:
    """How well the mapping in force fits the stored records, field by field."""
    _system, active = await _in_force(api, connection_id, entity)
    rows = await api.pool.fetch(SQL["sample_records"], connection_id, entity, SAMPLE)
    records = [SampleRecord(row["source_id"], row["raw"]) for row in rows]
    looked_at: list[SampleRecord] = []
    seen = await asyncio.to_thread(
        field_health,
        compile_mapping(entity, active.effective),
        connection_id,
        _in_time(records, looked_at, monotonic() + SECONDS),
    )
    errors = {
        row["field"]: {
            name: row[name] for name in ("count", "code", "reason", "sample", "source_id", "last_at")
        }
        for row in await api.pool.fetch(SQL["field_errors"], connection_id, entity)
        if row["mapping_version"] == active.version
    }
    source = await source_fields(api.pool, connection_id, active.object, records)
    unmapped = set(unmapped_source_fields(active.effective, [one.path for one in source]))
    declared = declared_codes(entity, active.effective, {one.path: one.codes for one in source})
    return Json(
        {
            "entity": entity,
            "version": active.version,
            "records": len(looked_at),
            "fields": {
                name: {
                    **_shown(one, len(looked_at)),
                    "declared": _unseen(declared.get(name, {}), one),
                    "errors": errors.get(name),
                }
                for name, one in {**dict.fromkeys(declared, FieldHealth()), **seen}.items()
            },
            "unmapped_source_fields": _offered(source, unmapped),
            "drift": shown_mapping(await drift_of(api.pool, connection_id, active.object), active.effective),
        }
    )


@router.get("/lineage", responses={200: {"model": LineageModel}, **problems(404)}, response_class=Json)
async def trace(
    *,
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    entity: EntityPath,
    source_id: Annotated[str, Query(max_length=500, description="The record's key at the source.")],
) -> Json:
    """Of each value of one record: the definition of its field, and what the source holds there."""
    _system, active = await _in_force(api, connection_id, entity)
    key = entity_id(connection_id, entity, source_id)
    row = await api.pool.fetchrow(SQL["sample_record"], connection_id, entity, key)
    if row is None:
        raise not_found(f"stored record {source_id!r}", connection_id=connection_id)
    compiled = compile_mapping(entity, active.effective, MappingContext(active.version))
    document = compiled.apply(connection_id, source_id, row["raw"], "").document
    return Json(
        {
            "id": key,
            "entity": entity,
            "object": active.object,
            "source_id": source_id,
            "mapping_version": active.version,
            "stored_mapping_version": row["mapping_version"],
            "revision": row["revision"],
            "changed_at": row["changed_at"],
            "fields": {
                name: origin._asdict()
                for name, origin in lineage(active.effective, document, row["raw"]).items()
            },
            "raw": row["raw"],
        }
    )


@router.get("/diff", responses={200: {"model": DiffModel}, **problems(404)}, response_class=Json)
async def diff(
    *,
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    entity: EntityPath,
    from_version: VersionQuery,
    to_version: VersionQuery,
) -> Json:
    """What differs between two versions, in the order of time or against it."""
    system, active = await _in_force(api, connection_id, entity)
    before = await version_of(api.pool, active, system, from_version, field="from_version")
    after = await version_of(api.pool, active, system, to_version, field="to_version")
    return Json(
        {
            "entity": entity,
            "from_version": from_version,
            "to_version": to_version,
            "changes": difference(before.effective, after.effective),
        }
    )


async def _in_force(api: Context, connection_id: str, entity: str) -> tuple[System, ActiveMapping]:
    connection = await require_connection(api.pool, connection_id)
    system = system_with(api, connection.system, entity, connection_id)
    return system, await current(api.pool, connection_id, system, entity)


def _in_time(
    records: Sequence[SampleRecord], looked_at: list[SampleRecord], ends_at: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    """As many as the time is enough for; one at least."""
    for record in records:
        looked_at.append(record)
        yield record.source_id, record.raw
        if monotonic() > ends_at:
            break


def _shown(one: FieldHealth, records: int) -> dict[str, Any]:
    rate = round(one.nulls / records, 4) if records else 0.0
    return {"nulls": one.nulls, "null_rate": rate, "unmapped": one.unmapped}


def _unseen(declared: Mapping[str, str], one: FieldHealth) -> dict[str, str]:
    return {code: label for code, label in declared.items() if code not in one.unmapped}


def _offered(source: Sequence[SourceField], unmapped: set[str]) -> list[dict[str, Any]]:
    """Those with most values first."""
    open_fields = [one for one in source if one.path in unmapped]
    return [
        {
            "path": one.path,
            "type": one.type,
            "label": one.label,
            "filled": one.filled,
            "samples": one.samples,
        }
        for one in sorted(open_fields, key=lambda one: -one.filled)
    ]
