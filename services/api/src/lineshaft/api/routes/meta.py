"""`/v1/meta/{entity}`: what can be read, filtered and written for this connection."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from lineshaft.api.adapters.descriptions import described
from lineshaft.api.domain.mappings import ActiveMapping
from lineshaft.api.domain.writes import write_context
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import ConnectionQuery, KeyToRead, open_connection
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.mappings import current, system_with
from lineshaft.common.integrations import System
from lineshaft.common.integrations.manifest import Write
from lineshaft.common.mapping import WriteContext, source_keys, writability
from lineshaft.common.unified import ENTITY_BY_ROUTE, fields_of, is_custom

FILTERABLE = ("status", "number", "source_id")
ONLY_READ = "custom objects are only read"

router = APIRouter(prefix="/v1/meta", tags=["data"])


class FieldModel(BaseModel):
    name: str
    kind: str
    values: list[str] = Field(default_factory=list, description="Of an enumeration.")
    description: str = ""
    readable: bool = Field(description="It has a value where the source has one.")
    filterable: bool
    writable: bool
    not_writable_because: str | None = None
    required: bool | None = Field(
        default=None,
        description="The source says that a record needs it; it may fill it itself. Of fields that can be"
        " written, once the source has been looked at.",
    )


class EntityMeta(BaseModel):
    entity: str
    object: str
    mapping_version: int
    create: bool
    update: bool
    delete: bool
    fields: list[FieldModel]


@router.get("/{entity}", responses=problems(404))
async def meta(
    key: KeyToRead,
    api: Api,
    entity: Annotated[
        str,
        Path(
            max_length=100, description="`work_order`, `work-orders`, or `custom:<name>` of a custom object."
        ),
    ],
    connection_id: ConnectionQuery = None,
) -> EntityMeta:
    _, known = await open_connection(api, key, connection_id)
    system = system_of(api.catalog, known.system)
    name = ENTITY_BY_ROUTE.get(entity, entity)
    mapping = await current(
        api.pool, known.connection_id, system_with(api, system.id, name, known.connection_id), name
    )
    write = _write_of(system, mapping)
    can_write = write.create or write.update
    reasons: Mapping[str, str | None] = defaultdict(lambda: ONLY_READ)
    required: Mapping[str, bool] = {}
    if not is_custom(name):
        context = write_context(system, name)
        reasons = writability(name, mapping.effective, context)
        if can_write:
            required = await _required(api, known.connection_id, name, mapping, context)
    fields = []
    for one in fields_of(name).values():
        mapped = (one.source_of or one.name) in mapping.effective.fields
        reason = reasons.get(one.source_of or one.name)
        fields.append(
            FieldModel(
                name=one.name,
                kind=str(one.kind),
                values=list(one.kind.values),
                description=one.description,
                readable=mapped or one.assigned,
                filterable=one.name in FILTERABLE,
                writable=can_write and mapped and reason is None,
                not_writable_because=reason,
                required=required.get(one.source_of or one.name),
            )
        )
    for custom, spec in mapping.effective.custom_fields.items():
        reason = reasons[f"custom_fields.{custom}"]
        fields.append(
            FieldModel(
                name=f"custom_fields.{custom}",
                kind=spec.type,
                description=spec.label or "",
                readable=True,
                filterable=False,
                writable=can_write and reason is None,
                not_writable_because=reason,
                required=required.get(f"custom_fields.{custom}"),
            )
        )
    return EntityMeta(
        entity=name,
        object=mapping.object,
        mapping_version=mapping.version,
        create=write.create,
        update=write.update,
        delete=write.delete,
        fields=fields,
    )


def _write_of(system: System, mapping: ActiveMapping) -> Write:
    """What may be written; a custom object is only read, also one over an object that can be written."""
    return Write() if is_custom(mapping.entity) else system.object(mapping.object).write


async def _required(
    api: Context, connection_id: str, entity: str, mapping: ActiveMapping, context: WriteContext
) -> dict[str, bool]:
    """Unified field to whether the source, as it described itself last, needs what is written for it."""
    objects = await described(api.pool, connection_id, mapping.object)
    needs = {field["name"]: field.get("required", False) for one in objects for field in one["fields"]}
    keys = source_keys(entity, mapping.effective, context)
    first = {name: key.partition(".")[0] for name, key in keys.items()}
    return {name: needs[key] for name, key in first.items() if key in needs}
