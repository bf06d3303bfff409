"""The mapping editor: unified fields beside those of the source, changed by form and saved as a version."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.adapters.source_fields import SourceField
from lineshaft.api.console.connection import ConnectionPath, frame
from lineshaft.api.console.mapping_draft import Draft, suggested_custom
from lineshaft.api.console.mapping_workbench import (
    EntityPath,
    Workbench,
    by_field,
    controls,
    drift_shown,
    name_of_record,
    source_rows,
    values_of,
    workbench_of,
)
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, INVALID, page
from lineshaft.api.console.visitors import Editor, Form, Signed, Visitor
from lineshaft.api.domain.problems import ProblemError, not_found
from lineshaft.api.routes import mappings
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.common.mapping import compile_mapping

router = APIRouter(prefix=HOME + "/connections/{connection_id}/mapping")


@router.get("")
async def entities(request: Request, api: Api, _: Signed, connection_id: ConnectionPath) -> Response:
    """The first entity; the others stand beside it."""
    connection = await require_connection(api.pool, connection_id)
    system = system_of(api.catalog, connection.system)
    if not system.entities:
        raise not_found("entity")
    return back_to(f"{request.url.path}/{next(iter(system.entities))}")


@router.get("/{entity}")
async def edit(
    *, request: Request, api: Api, visitor: Signed, connection_id: ConnectionPath, entity: EntityPath
) -> Response:
    connection, bench = await workbench_of(api, connection_id, entity)
    draft = Draft.of(entity, bench.active.effective.dump())
    return await _editor(
        request=request, api=api, visitor=visitor, connection=connection, bench=bench, draft=draft
    )


async def _editor(
    *,
    request: Request,
    api: Context,
    visitor: Visitor,
    connection: Any,
    bench: Workbench,
    draft: Draft,
    errors: dict[str, str] | None = None,
    comment: str = "",
    http_status: int = 200,
) -> Response:
    active = bench.active
    entity = active.entity
    sample = bench.records[0] if bench.records else None
    compiled = compile_mapping(entity, active.effective)
    return page(
        request,
        "mapping.html",
        http_status=http_status,
        **await frame(api, visitor, connection),
        **controls(bench, draft),
        entity=entity,
        active=active,
        records=bench.records,
        record_names=[name_of_record(compiled, connection.connection_id, one) for one in bench.records],
        source=source_rows(bench),
        news=set(),
        looked=None,
        **drift_shown(bench),
        now_values=values_of(compiled, connection.connection_id, sample),
        health={
            row["field"]: dict(row)
            for row in await api.pool.fetch(SQL["field_errors"], connection.connection_id, entity)
        },
        remap=await api.pool.fetchrow(SQL["remap"], connection.connection_id, entity),
        preview=None,
        errors=errors or {},
        comment=comment,
    )


@router.post("/{entity}")
async def save(
    *,
    request: Request,
    api: Api,
    visitor: Editor,
    connection_id: ConnectionPath,
    entity: EntityPath,
    form: Form,
) -> Response:
    connection, bench = await workbench_of(api, connection_id, entity)
    draft = Draft.typed(entity, form)
    comment = str(form.get("comment", "")).strip()
    body, errors = draft.changes(entity, bench.default, comment)
    body = bench.kept | body
    if not errors:
        try:
            answer = await mappings.put(
                api=api,
                caller=visitor.caller,
                connection_id=connection_id,
                entity=entity,
                body=body,
                if_match=str(form.get("version", "")) or None,
            )
        except ProblemError as error:
            errors = by_field(error)
        else:
            version = answer.content["version"]
            words = f"Version {version} is in force. Stored records are mapped anew in the background."
            return back_to(request.url.path, Notice("done", words))
    return await _editor(
        request=request,
        api=api,
        visitor=visitor,
        connection=connection,
        bench=bench,
        draft=draft,
        errors=errors,
        comment=comment,
        http_status=INVALID,
    )


@router.get("/{entity}/custom-field")
async def custom_field(
    *,
    request: Request,
    api: Api,
    visitor: Signed,
    connection_id: ConnectionPath,
    entity: EntityPath,
    path: Annotated[str, Query(max_length=500)] = "",
    at: Annotated[int, Query(ge=0, le=10_000)] = 0,
    taken: Annotated[str, Query(max_length=10_000)] = "",
) -> Response:
    """The row of a new custom field, made of a source field."""
    connection, bench = await workbench_of(api, connection_id, entity)
    one = next((one for one in bench.source if one.path == path), SourceField(path))
    form = suggested_custom(path, one.label, one.type, taken.split(","), at)
    draft = Draft({}, [form], {})
    return page(
        request,
        "mapping_custom_row.html",
        **await frame(api, visitor, connection),
        **controls(bench, draft),
        entity=entity,
        one=form,
        errors={},
        now_values={},
        health={},
        hurt_at={},
    )
