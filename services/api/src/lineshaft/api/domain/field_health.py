"""How well a mapping fits records: empty fields, codes nobody mapped, source fields nobody reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineshaft.common.mapping import CompiledMapping, MappingDefinition, source_paths
from lineshaft.common.mapping.definition import OTHER_CODES, FieldSpec
from lineshaft.common.mapping.paths import PathError, parse_path
from lineshaft.common.unified import fields_of

CUSTOM = "custom_fields"
UNMAPPED_CODES = 100


@dataclass(slots=True)
class FieldHealth:
    nulls: int = 0
    unmapped: dict[str, int] = field(default_factory=dict)


def field_health(
    compiled: CompiledMapping, connection_id: str, records: Iterable[tuple[str, dict[str, Any]]]
) -> dict[str, FieldHealth]:
    """Unified field to what the records leave open in it, custom fields as `custom_fields.x`."""
    found: dict[str, FieldHealth] = {}
    for source_id, raw in records:
        mapped = compiled.apply(connection_id, source_id, raw, "")
        document = mapped.document
        for name, value in document.items():
            if name != CUSTOM:
                found.setdefault(name, FieldHealth()).nulls += value is None
        for name, value in document[CUSTOM].items():
            found.setdefault(f"{CUSTOM}.{name}", FieldHealth()).nulls += value is None
        for error in mapped.errors:
            if error.code == "unmapped_code":
                codes = found.setdefault(error.field, FieldHealth()).unmapped
                if error.sample in codes or len(codes) < UNMAPPED_CODES:
                    codes[error.sample] = codes.get(error.sample, 0) + 1
    return found


def declared_codes(
    entity: str, definition: MappingDefinition, codes: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Unified field to the codes, with their labels, that the source declares and nothing translates yet.

    Args:
        entity: what is mapped.
        definition: how.
        codes: what each source field may hold, with labels.
    """
    specs: dict[str, FieldSpec] = dict(definition.fields)
    specs |= {f"{CUSTOM}.{name}": spec for name, spec in definition.custom_fields.items()}
    kinds = fields_of(entity)
    found = {}
    for name, spec in specs.items():
        values = kinds[name].kind.values if name in kinds else ()
        known = definition.value_maps[spec.value_map] if spec.value_map is not None else values
        declared = {} if spec.transform else codes.get(spec.path or "", {})
        if known and OTHER_CODES not in known:
            found[name] = {code: label for code, label in declared.items() if code not in known}
    return {name: missing for name, missing in found.items() if missing}


def unmapped_source_fields(definition: MappingDefinition, paths: Sequence[str]) -> list[str]:
    """Those of the source's paths that no field of the definition reads, wholly or in part."""
    read = source_paths(definition)
    return [path for path in paths if not any(_meet(_names(path), one) for one in read)]


def _names(path: str) -> Sequence[str]:
    """A described name that is no path, such as one that begins with a blank, stands for itself."""
    try:
        return parse_path(path).names
    except PathError:
        return (path,)


def _meet(one: Sequence[str], other: Sequence[str]) -> bool:
    shorter = min(len(one), len(other))
    return tuple(one[:shorter]) == tuple(other[:shorter])
