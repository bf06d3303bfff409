"""`.../mappings/{entity}/preview` and `/dry-run`: what a mapping would do, before it is in force."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.domain.mappings import changed
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.answers import Json, problems
from lineshaft.api.routes.authentication import CanRead, ConnectionPath
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.api.routes.mappings import Changes, EntityPath, current, system_with
from lineshaft.api.routes.paging import Cursor
from lineshaft.common.mapping import CompiledMapping, Preview, RecordPreview, compile_mapping
from lineshaft.common.mapping import preview_record as try_record
from lineshaft.common.unified import entity_id

ORDER = "dry_run"
MAX_SAMPLE = 1000
CHUNK = 500
SECONDS = 20.0
"""How long records are looked at before the answer, which a dry run gives a cursor."""

router = APIRouter(prefix="/v1/connections/{connection_id}/mappings/{entity}", tags=["mapping"])


class PreviewChange(BaseModel):
    before: Any
    after: Any


class PreviewError(BaseModel):
    field: str
    path: str
    code: str
    reason: str
    sample: str


class PreviewSample(BaseModel):
    source_id: str
    changes: dict[str, PreviewChange]
    new_errors: list[PreviewError]
    mended_errors: list[PreviewError]


class PreviewModel(BaseModel):
    """What a mapping would do to stored source records."""

    records: int = Field(description="Records looked at.")
    changed: int
    invalid: int = Field(description="Records in which a field would newly be left null.")
    fields: dict[str, int] = Field(description="Field to the number of records in which it changes.")
    filled: dict[str, int] = Field(description="Field to the number of records in which it gets a value.")
    emptied: dict[str, int] = Field(description="Field to the number of records in which it becomes null.")
    errors: dict[str, int] = Field(description="Field to the number of new errors.")
    unmapped: dict[str, dict[str, int]] = Field(
        description="Field to the codes its value map would not know, with their number of records."
    )
    samples: list[PreviewSample]


class DryRunModel(PreviewModel):
    next_cursor: str | None = Field(
        description="Null if all stored records were looked at; else the next call goes on from here."
    )


class Trial:
    """A changed mapping beside the one in force."""

    def __init__(self, connection_id: str, now: CompiledMapping, then: CompiledMapping) -> None:
        self._connection_id = connection_id
        self._now = now
        self._then = then

    async def add(self, total: Preview, rows: Sequence[Any], ends_at: float) -> int:
        """How many were looked at before the time was over, one at least.

        Beside the event loop, so that other requests are answered meanwhile.
        """
        return await asyncio.to_thread(self._add, total, rows, ends_at)

    def _add(self, total: Preview, rows: Sequence[Any], ends_at: float) -> int:
        for number, row in enumerate(rows, 1):
            total.add(try_record(self._now, self._then, self._connection_id, row["source_id"], row["raw"]))
            if monotonic() > ends_at:
                return number
        return len(rows)


@router.post("/preview", responses={200: {"model": PreviewModel}, **problems(404)}, response_class=Json)
async def try_out(
    *,
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    entity: EntityPath,
    body: Changes,
    limit: Annotated[int, Query(ge=1, le=MAX_SAMPLE, description="Records to look at.")] = 100,
    source_id: Annotated[
        str | None, Query(max_length=500, description="Only this record, by its key at the source.")
    ] = None,
) -> Json:
    """Over the records that changed last. Nothing is stored, and the source is not called."""
    trial = await _trial(api, connection_id, entity, body)
    if source_id is None:
        rows = await api.pool.fetch(SQL["sample_records"], connection_id, entity, limit)
    else:
        key = entity_id(connection_id, entity, source_id)
        rows = await api.pool.fetch(SQL["sample_record"], connection_id, entity, key)
        if not rows:
            raise not_found(f"stored record {source_id!r}", connection_id=connection_id)
    total = Preview()
    await trial.add(total, rows, monotonic() + SECONDS)
    return Json(_shown(total))


@router.post("/dry-run", responses={200: {"model": DryRunModel}, **problems(404)}, response_class=Json)
async def dry_run(
    *,
    api: Api,
    _: CanRead,
    connection_id: ConnectionPath,
    entity: EntityPath,
    body: Changes,
    cursor: Cursor = None,
    seconds: Annotated[
        float, Query(gt=0, le=SECONDS, description="How long to look at records before the answer.")
    ] = SECONDS,
) -> Json:
    """Over all stored records. An answer with a cursor is about those looked at so far in this call."""
    trial = await _trial(api, connection_id, entity, body)
    after: str | None = cursors.decode(cursor, ORDER, 1)[0] if cursor else ""
    total = Preview()
    ends_at = monotonic() + seconds
    while after is not None:
        rows = await api.pool.fetch(SQL["records_to_try"], connection_id, entity, after, CHUNK)
        looked_at = await trial.add(total, rows, ends_at)
        goes_on = looked_at < len(rows) or len(rows) == CHUNK
        after = rows[looked_at - 1]["id"] if goes_on else None
        if monotonic() > ends_at:
            break
    return Json({**_shown(total), "next_cursor": cursors.encode(ORDER, after) if after else None})


async def _trial(api: Context, connection_id: str, entity: str, body: dict[str, Any]) -> Trial:
    connection = await require_connection(api.pool, connection_id)
    system = system_with(api, connection.system, entity, connection_id)
    active = await current(api.pool, connection_id, system, entity)
    _changes, effective = changed(entity, active.default, body)
    return Trial(connection_id, compile_mapping(entity, active.effective), compile_mapping(entity, effective))


def _shown(total: Preview) -> dict[str, Any]:
    names = ("records", "changed", "invalid", "fields", "filled", "emptied", "errors", "unmapped")
    return {
        **{name: getattr(total, name) for name in names},
        "samples": [_sample(one) for one in total.samples],
    }


def _sample(one: RecordPreview) -> dict[str, Any]:
    return {
        "source_id": one.source_id,
        "changes": {name: change._asdict() for name, change in one.changes.items()},
        "new_errors": [error._asdict() for error in one.new_errors],
        "mended_errors": [error._asdict() for error in one.mended_errors],
    }
