"""How well a mapping fits records: empty fields, codes nobody mapped, source fields nobody reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineshaft.common.mapping import CompiledMapping, MappingDefinition, source_paths
from lineshaft.common.mapping.paths import PathError, parse_path

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
