"""Where each value of a mapped record comes from."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lineshaft.common.mapping.definition import MappingDefinition
from lineshaft.common.mapping.paths import Path, Segment, compile_path
from lineshaft.common.mapping.sources import Names, field_sources


class Origin(NamedTuple):
    value: Any
    """In the unified record."""
    definition: dict[str, Any]
    """How the mapping fills the field."""
    reads: dict[str, Any]
    """Source path to what the raw record holds there."""


def lineage(
    definition: MappingDefinition, document: Mapping[str, Any], raw: dict[str, Any]
) -> dict[str, Origin]:
    """Unified field to its origin; custom fields are named `custom_fields.<name>`.

    Args:
        definition: the mapping, checked.
        document: `raw` as the mapping maps it.
        raw: the record as the source gave it.
    """
    sources = field_sources(definition)
    specs = definition.dump()
    origins = {
        name: Origin(document.get(name), spec, _reads(sources[name], raw))
        for name, spec in specs.get("fields", {}).items()
    }
    for name, spec in specs.get("custom_fields", {}).items():
        full = f"custom_fields.{name}"
        origins[full] = Origin(document["custom_fields"].get(name), spec, _reads(sources[full], raw))
    return origins


def _reads(paths: tuple[Names, ...], raw: dict[str, Any]) -> dict[str, Any]:
    return {".".join(names): _value(names, raw) for names in paths if names}


def _value(names: Names, raw: dict[str, Any]) -> Any:
    path = Path(".".join(names), tuple(Segment(name) for name in names))
    return compile_path(path)(raw)
