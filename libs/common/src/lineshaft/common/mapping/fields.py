"""Compiles fields into a fill: a function that reads a record and writes into a document.

The document starts with null under all keys, so a fill writes only what it found. The keys of each object
stand in alphabetical order, which makes a document's JSON canonical as it is.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lineshaft.common.mapping.coercion import Coercers
from lineshaft.common.mapping.definition import OTHER_CODES, FieldSpec
from lineshaft.common.mapping.failures import Failed
from lineshaft.common.mapping.generation import Document, Fill, FillWriter
from lineshaft.common.mapping.lists import ListField, list_of_objects, list_of_values
from lineshaft.common.mapping.paths import Getter, Path, compile_path, parse_path
from lineshaft.common.mapping.scalars import to_string
from lineshaft.common.mapping.source_values import compile_source
from lineshaft.common.mapping.values import ValueMaps, compile_coercion, compile_fit
from lineshaft.common.unified import FieldKind, Kind, UnifiedField


class MappedField(NamedTuple):
    name: str
    kind: FieldKind
    spec: FieldSpec


def mapped_fields(known: Mapping[str, UnifiedField], specs: Mapping[str, FieldSpec]) -> list[MappedField]:
    return [MappedField(name, field.kind, specs[name]) for name, field in known.items() if name in specs]


def empty_document(fields: list[MappedField]) -> Document:
    """Null for each key that the fields fill: their own, and those of codes beside enumerations."""
    keys = [field.name for field in fields]
    keys += [f"{field.name}_source" for field in fields if field.kind.kind is Kind.ENUMERATION]
    return dict.fromkeys(sorted(keys))


class FieldCompiler:
    """Compiles the fields of one checked definition."""

    def __init__(self, coercers: Coercers, value_maps: ValueMaps) -> None:
        self._coercers = coercers
        self._value_maps = value_maps

    def compile(self, fields: list[MappedField], prefix: str = "") -> Fill:
        """One fill for all `fields`; errors call them `prefix` + their name."""
        writer = FillWriter()
        for field in fields:
            failed = Failed(f"{prefix}{field.name}", field.spec)
            if field.kind.kind is Kind.LIST and field.kind.item is not None:
                writer.call(self._list(field, field.kind.item, failed))
                continue
            value_lines = self._value_lines(writer, field, failed)
            writer.field(
                field.name,
                _source(field.spec),
                failed,
                value_lines,
                takes_false=self._takes_false(field),
                instead=self._instead(writer, field, value_lines),
            )
        return writer.make()

    def _value_lines(self, writer: FillWriter, field: MappedField, failed: Failed) -> list[str]:
        kind, spec = field.kind, field.spec
        if kind.kind is Kind.ENUMERATION:
            codes: dict[str, Any] = {value: value for value in kind.values}
            if spec.value_map is not None:
                codes = dict(self._value_maps[spec.value_map])
            label = _label(spec)
            return writer.enumeration(f"{field.name}_source", codes, codes.get(OTHER_CODES), label, failed)
        if kind.kind is Kind.REFERENCE and kind.entity is not None:
            return writer.reference(kind.entity, _label(spec))
        coerce = compile_coercion(kind, spec, self._coercers, self._value_maps)
        if coerce is to_string:
            return writer.text()
        if coerce is not None:
            return writer.plain(coerce)
        return writer.fitted(compile_fit(kind, spec, self._coercers, self._value_maps))

    def _takes_false(self, field: MappedField) -> bool:
        if field.kind.kind in {Kind.BOOLEAN, Kind.JSON}:
            return True
        return field.spec.value_map is not None and "false" in self._value_maps[field.spec.value_map]

    def _instead(self, writer: FillWriter, field: MappedField, value_lines: list[str]) -> list[str]:
        """What to do where there is no value."""
        default = field.spec.default
        if default is None:
            return ["pass"]
        if field.kind.kind in {Kind.REFERENCE, Kind.MONEY, Kind.QUANTITY, Kind.CODE}:
            return [writer.assign(default), *value_lines]
        return writer.constant(self._coercers.scalar(field.kind.kind)(default))

    def _list(self, field: MappedField, inner: FieldKind, failed: Failed) -> Fill:
        spec = field.spec
        get = compile_source(spec, related=inner.kind is Kind.OBJECT)
        common = ListField(field.name, get, failed, spec.default)
        if inner.kind is Kind.OBJECT:
            items = mapped_fields(inner.fields, spec.items or {})
            return list_of_objects(common, self.compile(items), empty_document(items))
        labels = compile_source(FieldSpec(path=spec.label_path)) if spec.label_path else None
        # Each item is fitted beside its own label, which stands alone in a small record.
        one = spec.model_copy(update={"label_path": "label" if labels else None})
        return list_of_values(common, labels, compile_fit(inner, one, self._coercers, self._value_maps))


def _source(spec: FieldSpec) -> str | Getter:
    if spec.path is not None and not spec.transform:
        return _key_or_getter(parse_path(spec.path))
    return compile_source(spec)


def _label(spec: FieldSpec) -> str | Getter | None:
    return None if spec.label_path is None else _key_or_getter(parse_path(spec.label_path))


def _key_or_getter(path: Path) -> str | Getter:
    """A key of the record needs no function."""
    return path.segments[0].name if len(path.segments) == 1 else compile_path(path)
