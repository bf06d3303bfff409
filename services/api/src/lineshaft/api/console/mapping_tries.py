"""What the form of the mapping editor would do, tried on real records while one types."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from lineshaft.api.adapters.source_fields import SampleRecord
from lineshaft.api.console.connection import ConnectionPath, frame
from lineshaft.api.console.mapping_draft import Draft
from lineshaft.api.console.mapping_workbench import (
    EntityPath,
    by_field,
    values_of,
    workbench_of,
)
from lineshaft.api.console.pages import HOME, page
from lineshaft.api.console.visitors import Editor, Form
from lineshaft.api.domain.mappings import changed
from lineshaft.api.domain.problems import ProblemError
from lineshaft.api.routes import mapping_trials
from lineshaft.api.routes.context import Api
from lineshaft.common.mapping import compile_mapping
from lineshaft.common.mapping.definition import MappingDefinition

LOOKED_AT = 100
"""Stored records that a preview runs over."""
DRY_RUN_SECONDS = 5.0

router = APIRouter(prefix=HOME + "/connections/{connection_id}/mapping")


@router.post("/{entity}/preview")
async def preview(
    *,
    request: Request,
    api: Api,
    visitor: Editor,
    connection_id: ConnectionPath,
    entity: EntityPath,
    form: Form,
) -> Response:
    """What the form would do, without storing anything; htmx puts each value beside its field."""
    connection, bench = await workbench_of(api, connection_id, entity)
    draft = Draft.typed(entity, form)
    body, errors = draft.changes(entity, bench.default, "")
    body = bench.kept | body
    record = bench.record(str(form.get("sample", "")))
    done = effective = None
    if not errors:
        try:
            _, effective = changed(entity, bench.active.default, body)
            tried = await mapping_trials.try_out(
                api=api,
                _=visitor.caller,
                connection_id=connection_id,
                entity=entity,
                body=body,
                limit=LOOKED_AT,
            )
            done = tried.content
        except ProblemError as error:
            errors = by_field(error)
    return page(
        request,
        "mapping_preview.html",
        **await frame(api, visitor, connection),
        entity=entity,
        active=bench.active,
        draft=draft,
        errors=errors,
        preview=done,
        record=record,
        before=values_of(compile_mapping(entity, bench.active.effective), connection_id, record),
        after=_tried(entity, effective, connection_id, record) if effective else {},
        unread=bench.unread(effective) if effective else [],
        changes=body,
    )


@router.post("/{entity}/dry-run")
async def dry_run(
    *,
    request: Request,
    api: Api,
    visitor: Editor,
    connection_id: ConnectionPath,
    entity: EntityPath,
    form: Form,
) -> Response:
    """The same over all stored records, as far as a few seconds go."""
    _, bench = await workbench_of(api, connection_id, entity)
    body, errors = Draft.typed(entity, form).changes(entity, bench.default, "")
    done = None
    if not errors:
        try:
            answer = await mapping_trials.dry_run(
                api=api,
                _=visitor.caller,
                connection_id=connection_id,
                entity=entity,
                body=bench.kept | body,
                seconds=DRY_RUN_SECONDS,
            )
            done = answer.content
        except ProblemError as error:
            errors = by_field(error)
    return page(request, "mapping_dry_run.html", visitor=visitor, done=done, errors=errors)


def _tried(
    entity: str, effective: MappingDefinition, connection_id: str, record: SampleRecord | None
) -> dict[str, Any]:
    return values_of(compile_mapping(entity, effective), connection_id, record)
