"""`/v1/connections/{id}/schema`: what this very source holds, its own fields included."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from lineshaft.api.adapters.descriptions import described, samples
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.ordering import SLOW, order
from lineshaft.common.events.commands import DescriptionRequested
from lineshaft.common.ids import new_id
from lineshaft.common.integrations import System
from lineshaft.common.mapping import source_paths

SAMPLES = 5
LONGEST_SAMPLE = 120

router = APIRouter(prefix="/v1/connections/{connection_id}/schema", tags=["source schema"])


class SourceField(BaseModel):
    name: str
    type: str = Field(description="As the source calls it.")
    label: str
    required: bool
    readonly: bool
    relation: str | None = Field(description="The object it points to.")
    readable: bool = Field(description="False: it is there, and hidden from this account.")
    codes: dict[str, str] = Field(description="What it may hold, with labels, where the source declares it.")
    custom: bool = Field(
        description="Somebody has added it to this installation, as far as the source says so."
    )
    mapped: bool = Field(description="The default mapping of the object reads it.")
    samples: list[Any] = Field(description="Values of the records that changed last.")


class SourceObjectModel(BaseModel):
    object: str
    label: str
    entities: list[str] = Field(description="The unified entities that it fills by default.")
    described_at: datetime | None = Field(description="Null: nobody has looked at it yet.")
    fields: list[SourceField]


class SourceSchema(BaseModel):
    data: list[SourceObjectModel]
    next_cursor: None = None


class Look(BaseModel):
    model_config = ConfigDict(extra="forbid")

    objects: list[str] = Field(min_length=1, max_length=20, description="Objects of the source.")


@router.get("", responses={200: {"model": SourceSchema}, **problems(404)}, response_class=Json)
async def schema(
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    object: Annotated[str | None, Query(max_length=200)] = None,  # noqa: A002  the query parameter's name
) -> Json:
    """As it was last looked at: at each sync, or by `POST .../schema/refresh`."""
    connection = await require_connection(api.pool, connection_id)
    system = system_of(api.catalog, connection.system)
    rows = {row["object"]: row for row in await described(api.pool, connection_id, object)}
    listed = [name for name in system.manifest.objects if object in {None, name}]
    names = list(dict.fromkeys([*listed, *rows]))
    return Json(
        {
            "data": [await _shown(api, connection_id, system, name, rows.get(name)) for name in names],
            "next_cursor": None,
        }
    )


@router.post(
    "/refresh",
    responses={200: {"model": SourceSchema}, **SLOW, **problems(404, 409)},
    response_class=Json,
)
async def refresh(api: Api, caller: CanManage, connection_id: ConnectionPath, body: Look) -> Response:
    """Look at objects of the source now; any object that the account may see, listed or not."""
    connection = await require_connection(api.pool, connection_id)
    command = DescriptionRequested(command_id=new_id("op"), connection_id=connection_id, objects=body.objects)
    answer = await order(api, command, "describe", by=caller.key_id)
    if answer.status_code != 200:  # noqa: PLR2004
        return answer
    system = system_of(api.catalog, connection.system)
    rows = {row["object"]: row for row in await described(api.pool, connection_id)}
    found = [name for name in dict.fromkeys(body.objects) if name in rows]
    return Json(
        {
            "data": [await _shown(api, connection_id, system, name, rows[name]) for name in found],
            "next_cursor": None,
        }
    )


async def _shown(
    api: Context, connection_id: str, system: System, name: str, row: Mapping[str, Any] | None
) -> dict[str, Any]:
    fields = row["fields"] if row else []
    records = await samples(api.pool, connection_id, name, SAMPLES) if fields else []
    mapped = _mapped(system, name)
    listed = system.manifest.objects.get(name)
    return {
        "object": name,
        "label": listed.label if listed else name,
        "entities": list(system.entities_for(name)),
        "described_at": row["described_at"] if row else None,
        "fields": [
            {
                "name": field["name"],
                "type": field["type"],
                "label": field["label"],
                "required": field["required"],
                "readonly": field["readonly"],
                "relation": field["relation"],
                "readable": field["readable"],
                "codes": field.get("codes") or {},
                "custom": field.get("custom", False),
                "mapped": field["name"] in mapped,
                "samples": _samples(records, field["name"]),
            }
            for field in fields
        ],
    }


def _mapped(system: System, name: str) -> set[str]:
    """Fields that the default mappings of an object read."""
    described_object = system.manifest.objects.get(name)
    known = set(described_object.key) if described_object else set()
    for entity in system.entities_for(name):
        known |= {path[0] for path in source_paths(system.default_mapping(entity))}
    return known


def _samples(records: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    values: list[Any] = []
    for record in records:
        value = record.get(name)
        if value is None or value == "" or value in values:
            continue
        values.append(value[:LONGEST_SAMPLE] if isinstance(value, str) else value)
    return values
