"""What the mapping editor shows: a mapping with the records and source fields to shape it by."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, get_args

from fastapi import Path

from lineshaft.api.adapters.drift import ObjectDrift, drift_of
from lineshaft.api.adapters.source_fields import SampleRecord, SourceField, sample_records, source_fields
from lineshaft.api.console.drift import POLICIES
from lineshaft.api.console.entities import mapping_of
from lineshaft.api.console.mapping_draft import SOURCES, Draft, unmapped_codes
from lineshaft.api.domain.mappings import ActiveMapping
from lineshaft.api.domain.problems import ProblemError
from lineshaft.api.routes.context import Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.common.mapping import CompiledMapping, field_sources
from lineshaft.common.mapping.definition import CustomFieldType, MappingDefinition
from lineshaft.common.mapping.paths import PathError, compile_path, parse_path
from lineshaft.common.mapping.scalars import to_string
from lineshaft.common.mapping.transforms import TRANSFORMS
from lineshaft.common.unified import fields_of
from lineshaft.common.whole_numbers import whole_number

EDITED = {"fields", "custom_fields", "value_maps", "comment"}
LONGEST_CODE = 40
MOST_CODES = 100
SEEN = "seen in records"

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
        at = whole_number(number, most=len(self.records) - 1) or 0
        return self.records[at] if self.records else None

    def unread(self, definition: MappingDefinition) -> list[str]:
        """Source fields that no stored record has, as no mapping in force asks for them yet."""
        if not self.records:
            return []
        read = {name for record in self.records for name in record.raw}
        return sorted(_read_by(definition) - _read_by(self.active.effective) - read)


def _read_by(definition: MappingDefinition) -> set[str]:
    return {path[0] for paths in field_sources(definition).values() for path in paths}


async def workbench_of(api: Context, connection_id: str, entity: str) -> tuple[Any, Workbench]:
    connection = await require_connection(api.pool, connection_id)
    active = await mapping_of(api, connection, entity)
    records = await sample_records(api.pool, connection_id, entity)
    source = await source_fields(api.pool, connection_id, active.object, records)
    drift = await drift_of(api.pool, connection_id, active.object)
    return connection, Workbench(active, drift, records, source)


def drift_shown(bench: Workbench) -> dict[str, Any]:
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


def controls(bench: Workbench, draft: Draft) -> dict[str, Any]:
    """What the rows of fields are drawn from."""
    active = bench.active
    offered = _codes_offered(bench, draft)
    unmapped = {
        name: unmapped_codes(draft.value_maps.get(name, {}), codes) for name, codes in offered.items()
    }
    return {
        "draft": draft,
        "fields": fields_of(active.entity),
        "sources": SOURCES,
        "transforms": TRANSFORMS,
        "types": get_args(CustomFieldType),
        "maps_shown": _maps_shown(active.entity, draft),
        "code_offers": unmapped,
        "unmapped": {
            name: [code for code in codes if codes[code] == SEEN] for name, codes in unmapped.items()
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


def _codes_offered(bench: Workbench, draft: Draft) -> dict[str, dict[str, str]]:
    """Map to the codes of the sample records where it is used, then to those that the source declares."""
    declared = {one.path: one.codes for one in bench.source}
    offered: dict[str, dict[str, str]] = {}
    for name, map_name in _maps_shown(bench.active.entity, draft).items():
        path = draft.fields[name].path
        seen = dict.fromkeys(_codes_at(path, bench.records), SEEN)
        offered[map_name] = seen | {
            code: label for code, label in declared.get(path, {}).items() if code not in seen
        }
    return offered


def _codes_at(path: str, records: Sequence[SampleRecord]) -> list[str]:
    """As the engine looks them up."""
    try:
        get = compile_path(parse_path(path))
    except PathError:
        return []
    values = [get(record.raw) for record in records]
    texts = [to_string(value) for value in values if isinstance(value, (str, int, Decimal)) and value != ""]
    return [text for text in dict.fromkeys(texts) if len(text) <= LONGEST_CODE][:MOST_CODES]


def source_rows(bench: Workbench) -> list[dict[str, Any]]:
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
            "custom": one.custom,
            "used_by": list(dict.fromkeys(used.get(one.path, ()))),
        }
        for one in bench.source
    ]


def name_of_record(compiled: CompiledMapping, connection_id: str, record: SampleRecord) -> str:
    document = compiled.apply(connection_id, record.source_id, record.raw, "").document
    number, display = document.get("number"), document.get("display") or document.get("name")
    words = [str(one) for one in (number, display) if one]
    return " · ".join(words[:1] if number and number in str(display) else words) or record.source_id


def values_of(compiled: CompiledMapping, connection_id: str, record: SampleRecord | None) -> dict[str, Any]:
    """Field to value in one record; custom fields as `custom_fields.x`."""
    if record is None:
        return {}
    document = compiled.apply(connection_id, record.source_id, record.raw, "").document
    custom = {f"custom_fields.{name}": value for name, value in document["custom_fields"].items()}
    return {**document, **custom}


def by_field(error: ProblemError) -> dict[str, str]:
    """Field to what is wrong; parts of a field, such as its path, are told at the field."""
    found: dict[str, str] = {}
    for one in error.problem.errors:
        parts = one.field.split(".")
        place = ".".join(parts[:2])
        part = ".".join(parts[2:])
        words = f"{part}: {one.message}" if part else one.message
        found[place] = f"{found[place]}; {words}" if place in found else words
    return found or {"": error.problem.detail}
