"""Which values of the source each unified field is made from: for reads, and to tell what drift affects."""

from collections.abc import Iterator

from lineshaft.common.mapping.definition import FieldSpec, MappingDefinition
from lineshaft.common.mapping.expressions import compile_expression
from lineshaft.common.mapping.paths import parse_path

Names = tuple[str, ...]


def field_sources(definition: MappingDefinition) -> dict[str, tuple[Names, ...]]:
    """Unified field to the source paths it reads, as names from the record down.

    `{"vendor": (("party",), ("party", "rec_name"))}`; custom fields are named `custom_fields.<name>`.

    Raises:
        PathError, ExpressionError: the definition has not been checked.
    """
    sources = {name: _sources(spec) for name, spec in definition.fields.items()}
    for name, custom in definition.custom_fields.items():
        sources[f"custom_fields.{name}"] = _sources(custom)
    return sources


def source_paths(definition: MappingDefinition) -> tuple[Names, ...]:
    """All source paths that a definition reads, each once."""
    return tuple(dict.fromkeys(path for paths in field_sources(definition).values() for path in paths))


def _sources(spec: FieldSpec) -> tuple[Names, ...]:
    return tuple(dict.fromkeys(_walk(spec, ())))


def _walk(spec: FieldSpec, within: Names) -> Iterator[Names]:
    here: Names | None = within
    if spec.path is not None:
        here = (*within, *parse_path(spec.path).names)
        if spec.items is None:
            yield here
    elif spec.expr is not None:
        expression = compile_expression(spec.expr)
        here = None if expression.place is None else (*within, *expression.place)
        for path in expression.paths:
            if not (spec.items and path == expression.place):
                yield (*within, *path)
    for beside in (spec.label_path, spec.currency_path, spec.uom_path):
        if beside is not None:
            yield (*within, *parse_path(beside).names)
    if spec.items and here is not None:
        for item in spec.items.values():
            yield from _walk(item, here)
