"""The mapping editor: unified fields beside those of the source, tried on real records while one types."""

from dataclasses import dataclass
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from lineshaft.api.adapters.drift import ObjectDrift, drift_of
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.adapters.source_fields import SampleRecord, SourceField, sample_records, source_fields
from lineshaft.api.console.connection import ConnectionPath, frame
from lineshaft.api.console.drift import POLICIES
from lineshaft.api.console.entities import mapping_of
from lineshaft.api.console.mapping_draft import SOURCES, Draft, suggested_custom, unmapped_codes
from lineshaft.api.console.notices import Notice, back_to
from lineshaft.api.console.pages import HOME, INVALID, page
from lineshaft.api.console.visitors import Editor, Form, Signed, Visitor
from lineshaft.api.domain.mappings import ActiveMapping, changed
from lineshaft.api.domain.problems import ProblemError, not_found
from lineshaft.api.routes import mapping_trials, mappings
from lineshaft.api.routes.catalog import system_of
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.common.mapping import CompiledMapping, compile_mapping, field_sources
from lineshaft.common.mapping.definition import CustomFieldType, MappingDefinition
from lineshaft.common.mapping.transforms import TRANSFORMS
from lineshaft.common.unified import fields_of

LOOKED_AT = 100
"""Stored records that a preview runs over."""
DRY_RUN_SECONDS = 5.0
EDITED = {"fields", "custom_fields", "value_maps", "comment"}

router = APIRouter(prefix=HOME + "/connections/{connection_id}/mapping")

EntityPath = Annotated[str, Path(max_length=100)]


@dataclass(frozen=True, slots=True)
class Workbench:
    """A mapping with the records and source fields to shape it by."""

    active: ActiveMapping
    drift: ObjectDrift
    records: list[SampleRecord]
    source: list[SourceField]

    @property
    def default(self) -> dict[str, Any]:
        return self.active.default.dump()

    @property
    def kept(self) -> dict[str, Any]:
        """What the editor has no controls for, such as the key of a custom object."""
        return {name: part for name, part in self.active.overlay.items() if name not in EDITED}

    def record(self, number: str) -> SampleRecord | None:
        at = int(number) if number.isascii() and number.isdigit() else 0
        return self.records[at] if at < len(self.records) else None


async def _workbench(api: Context, connection_id: str, entity: str) -> tuple[Any, Workbench]:
    connection = await require_connection(api.pool, connection_id)
    active = await mapping_of(api, connection, entity)
    records = await sample_records(api.pool, connection_id, entity)
    source = await source_fields(api.pool, connection_id, active.object, records)
    drift = await drift_of(api.pool, connection_id, active.object)
    return connection, Workbench(active, drift, records, source)


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
    connection, bench = await _workbench(api, connection_id, entity)
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
        **_controls(bench, draft),
        entity=entity,
        active=active,
        records=bench.records,
        record_names=[_name(compiled, connection.connection_id, one) for one in bench.records],
        source=_source_rows(bench),
        **_drift(bench),
        now_values=_values(compiled, connection.connection_id, sample),
        health={
            row["field"]: dict(row)
            for row in await api.pool.fetch(SQL["field_errors"], connection.connection_id, entity)
        },
        remap=await api.pool.fetchrow(SQL["remap"], connection.connection_id, entity),
        preview=None,
        errors=errors or {},
        comment=comment,
    )


def _drift(bench: Workbench) -> dict[str, Any]:
    """Open changes of the source, at the fields that they hurt."""
    definition = bench.active.effective
    hurts = bench.drift.hurts(definition)
    return {
        "drift": bench.drift,
        "hurts": hurts,
        "hurt_at": {one.field: one for one in hurts if one.field},
        "held": bench.drift.holds(definition),
        "offered": bench.drift.offers(definition),
        "policies": POLICIES,
    }


def _controls(bench: Workbench, draft: Draft) -> dict[str, Any]:
    """What the rows of fields are drawn from."""
    active = bench.active
    seen = _codes_seen(bench, draft)
    return {
        "draft": draft,
        "fields": fields_of(active.entity),
        "sources": SOURCES,
        "transforms": TRANSFORMS,
        "types": get_args(CustomFieldType),
        "maps_shown": _maps_shown(active.entity, draft),
        "unmapped": {
            name: unmapped_codes(draft.value_maps.get(name, {}), codes) for name, codes in seen.items()
        },
        "changed_fields": set(active.overlay.get("fields") or {}),
    }


def _maps_shown(entity: str, draft: Draft) -> dict[str, str]:
    """Unified field to the map that its row edits; a map that several fields share is edited once."""
    shown: dict[str, str] = {}
    kinds = fields_of(entity)
    for name, one in draft.fields.items():
        wanted = one.value_map or (name if kinds[name].kind.values else "")
        if wanted and wanted not in shown.values():
            shown[name] = wanted
    return shown


def _codes_seen(bench: Workbench, draft: Draft) -> dict[str, list[str]]:
    """Map to the codes that the sample records have where it is used."""
    by_path = {one.path: one.samples for one in bench.source}
    seen: dict[str, list[str]] = {}
    for name, map_name in _maps_shown(bench.active.entity, draft).items():
        path = draft.fields[name].path
        seen.setdefault(map_name, []).extend(
            _code(sample) for sample in by_path.get(path, ()) if len(sample) <= LONGEST_CODE
        )
    return seen


LONGEST_CODE = 40


def _code(text: str) -> str:
    """As the engine looks it up."""
    return text.lower() if text in {"True", "False"} else text


def _source_rows(bench: Workbench) -> list[dict[str, Any]]:
    used: dict[str, list[str]] = {}
    for name, paths in field_sources(bench.active.effective).items():
        for path in paths:
            used.setdefault(path[0], []).append(name)
            used.setdefault(".".join(path), []).append(name)
    return [
        {
            "path": one.path,
            "label": one.label,
            "type": one.type,
            "samples": one.samples,
            "filled": one.filled,
            "readable": one.readable,
            "custom": one.path.startswith(("x_", "z_", "custom", "udf")),
            "used_by": list(dict.fromkeys(used.get(one.path, ()))),
        }
        for one in bench.source
    ]


def _name(compiled: CompiledMapping, connection_id: str, record: SampleRecord) -> str:
    document = compiled.apply(connection_id, record.source_id, record.raw, "").document
    number, display = document.get("number"), document.get("display") or document.get("name")
    words = [str(one) for one in (number, display) if one]
    return " · ".join(words[:1] if number and number in str(display) else words) or record.source_id


def _values(compiled: CompiledMapping, connection_id: str, record: SampleRecord | None) -> dict[str, Any]:
    """Field to value in one record; custom fields as `custom_fields.x`."""
    if record is None:
        return {}
    document = compiled.apply(connection_id, record.source_id, record.raw, "").document
    custom = {f"custom_fields.{name}": value for name, value in document["custom_fields"].items()}
    return {**document, **custom}


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
    connection, bench = await _workbench(api, connection_id, entity)
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
            errors = _by_field(error)
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
        before=_values(compile_mapping(entity, bench.active.effective), connection_id, record),
        after=_tried(entity, effective, connection_id, record) if effective else {},
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
    _, bench = await _workbench(api, connection_id, entity)
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
            errors = _by_field(error)
    return page(request, "mapping_dry_run.html", visitor=visitor, done=done, errors=errors)


def _tried(
    entity: str, effective: MappingDefinition, connection_id: str, record: SampleRecord | None
) -> dict[str, Any]:
    return _values(compile_mapping(entity, effective), connection_id, record)


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
    connection, bench = await _workbench(api, connection_id, entity)
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
            errors = _by_field(error)
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


def _by_field(error: ProblemError) -> dict[str, str]:
    """Field to what is wrong; parts of a field, such as its path, are told at the field."""
    found: dict[str, str] = {}
    for one in error.problem.errors:
        parts = one.field.split(".")
        place = ".".join(parts[:2])
        part = ".".join(parts[2:])
        words = f"{part}: {one.message}" if part else one.message
        found[place] = f"{found[place]}; {words}" if place in found else words
    return found or {"": error.problem.detail}


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
    connection, bench = await _workbench(api, connection_id, entity)
    one = next((one for one in bench.source if one.path == path), SourceField(path))
    form = suggested_custom(path, one.label, one.type, taken.split(","), at)
    draft = Draft({}, [form], {})
    return page(
        request,
        "mapping_custom_row.html",
        **await frame(api, visitor, connection),
        **_controls(bench, draft),
        entity=entity,
        one=form,
        errors={},
        now_values={},
        health={},
        hurt_at={},
    )


@router.get("/{entity}/versions")
async def versions(
    request: Request,
    api: Api,
    visitor: Signed,
    connection_id: ConnectionPath,
    entity: EntityPath,
) -> Response:
    connection = await require_connection(api.pool, connection_id)
    found = (await mappings.versions(api, visitor.caller, connection_id, entity)).content["data"]
    before = [*found[1:], {"overlay": {}}]
    rows = [
        {**one, "changes": _differences(earlier["overlay"], one["overlay"])}
        for one, earlier in zip(found, before, strict=True)
    ]
    return page(
        request,
        "mapping_versions.html",
        **await frame(api, visitor, connection),
        entity=entity,
        versions=rows,
    )


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Each part that one version has otherwise than the version before it."""
    untouched = "as in the default"
    return [
        {"name": f"{part}.{name}", "before": old.get(name, untouched), "after": new.get(name, untouched)}
        for part in ("fields", "custom_fields", "value_maps")
        for old, new in [(before.get(part) or {}, after.get(part) or {})]
        for name in dict.fromkeys((*old, *new))
        if old.get(name, untouched) != new.get(name, untouched)
    ]


@router.post("/{entity}/rollback")
async def rollback(
    *, api: Api, visitor: Editor, connection_id: ConnectionPath, entity: EntityPath, form: Form
) -> Response:
    target = f"{HOME}/connections/{connection_id}/mapping/{entity}"
    text = str(form.get("version", ""))
    if not text.isascii() or not text.isdigit():
        raise not_found("version")
    try:
        answer = await mappings.rollback(
            api=api,
            caller=visitor.caller,
            connection_id=connection_id,
            entity=entity,
            body=mappings.Rollback(version=int(text)),
        )
    except ProblemError as error:
        return back_to(f"{target}/versions", Notice("failed", error.problem.detail))
    words = f"Version {answer.content['version']} is in force, with the changes of version {text}."
    return back_to(target, Notice("done", words))
