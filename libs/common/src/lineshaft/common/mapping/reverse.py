"""From a unified write back to fields of the source, through the same definition.

A field can be written if it comes from a plain key, through transforms and a value map that have one way
back. Values stay in their JSON form: the protocol adapter knows the source's types (see `source_kinds`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineshaft.common.mapping.checks import custom_kind, suggestion
from lineshaft.common.mapping.coercion import Coercers
from lineshaft.common.mapping.definition import FieldSpec, MappingDefinition
from lineshaft.common.mapping.errors import UNFIT_VALUE, NotWritableError, WriteIssue
from lineshaft.common.mapping.expressions import compile_expression
from lineshaft.common.mapping.moments import shown_in, zone
from lineshaft.common.mapping.paths import parse_path
from lineshaft.common.mapping.plain import to_json
from lineshaft.common.mapping.reverse_codes import code_for
from lineshaft.common.mapping.reverse_references import key_parts, written_reference
from lineshaft.common.mapping.scalars import to_string
from lineshaft.common.mapping.transforms import TRANSFORMS
from lineshaft.common.unified import FieldKind, Kind, UnifiedField, fields_of

CUSTOM = "custom_fields"


@dataclass(frozen=True, slots=True)
class WriteContext:
    key_types: Mapping[str, str] = field(default_factory=dict)
    """Entity to the type of its key at the source, `integer` or `string`: see `System.key_types`."""
    read_only: frozenset[str] = frozenset()
    """Source fields that the source does not let anyone write."""
    found_by: frozenset[str] = frozenset()
    """Dotted paths of related records by which the source finds the record, such as `currency.code`."""

    def within(self, key: str) -> "WriteContext":
        """Of the objects of a list."""
        start = f"{key}."
        return WriteContext(
            self.key_types,
            frozenset(name.removeprefix(start) for name in self.read_only if name.startswith(start)),
            frozenset(name.removeprefix(start) for name in self.found_by if name.startswith(start)),
        )


@dataclass(frozen=True, slots=True)
class _Target:
    """A unified field that is being written."""

    name: str
    kind: FieldKind
    spec: FieldSpec


class _UnwritableError(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def to_source(
    entity: str,
    definition: MappingDefinition,
    values: Mapping[str, Any],
    context: WriteContext | None = None,
) -> dict[str, Any]:
    """The source fields, with their values, that a unified write sets.

    Args:
        entity: what is written.
        definition: the effective definition of the connection.
        values: unified fields; custom ones under `custom_fields`. A reference is `{"source_id": ...}` or
            just the source id; instead of an enumeration its `<field>_source` may be given.
        context: what is known of the source.

    Raises:
        NotWritableError: with one issue for each field that has no way back or a value that does not fit.
    """
    context = context or WriteContext()
    customs = values.get(CUSTOM)
    if customs is not None and not isinstance(customs, Mapping):
        raise NotWritableError([WriteIssue(CUSTOM, "invalid_value", "give an object of custom fields")])
    issues: list[WriteIssue] = []
    source: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, value in _flat(values):
        try:
            target, code = _find(entity, definition, name)
            for key, written in _written(target, value, context, definition, is_code=code).items():
                if source.setdefault(key, written) != written:
                    raise ValueError(
                        f"goes to {key} of the source, to which {origins[key]} has another value"
                    )
                origins[key] = name
        except _UnwritableError as error:
            issues.append(WriteIssue(name, "not_writable", error.message))
        except _UnknownFieldError as error:
            issues.append(error.issue)
        except UNFIT_VALUE as error:
            issues.append(WriteIssue(name, "invalid_value", str(error) or type(error).__name__))
    if issues:
        raise NotWritableError(issues)
    return source


def writability(
    entity: str, definition: MappingDefinition, context: WriteContext | None = None
) -> dict[str, str | None]:
    """Each mapped field (`custom_fields.x` too) with why it cannot be written, or null if it can."""
    context = context or WriteContext()
    reasons: dict[str, str | None] = {}
    for name in (*definition.fields, *(f"{CUSTOM}.{name}" for name in definition.custom_fields)):
        target, _ = _find(entity, definition, name)
        try:
            _source_key(target, context)
            reasons[name] = None
        except _UnwritableError as error:
            reasons[name] = error.message
    return reasons


def source_kinds(entity: str, definition: MappingDefinition) -> dict[str, FieldKind]:
    """Source fields that can be written, with the kind of the unified value that is written to them."""
    return {
        key: _find(entity, definition, name)[0].kind for name, key in source_keys(entity, definition).items()
    }


def source_keys(
    entity: str, definition: MappingDefinition, context: WriteContext | None = None
) -> dict[str, str]:
    """Each field that can be written, with the source field that is written for it."""
    return {
        name: _source_key(_find(entity, definition, name)[0], context or WriteContext())
        for name, reason in writability(entity, definition, context).items()
        if reason is None
    }


class _UnknownFieldError(Exception):
    def __init__(self, issue: WriteIssue) -> None:
        super().__init__(str(issue))
        self.issue = issue


def _flat(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    plain = [(name, value) for name, value in values.items() if name != CUSTOM]
    customs = values.get(CUSTOM) or {}
    return plain + [(f"{CUSTOM}.{name}", value) for name, value in customs.items()]


def _find(entity: str, definition: MappingDefinition, name: str) -> tuple[_Target, bool]:
    """The target, and whether the source's own code is given for it."""
    if name.startswith(f"{CUSTOM}."):
        custom = definition.custom_fields.get(name.removeprefix(f"{CUSTOM}."))
        if custom is None:
            hint = suggestion(name.removeprefix(f"{CUSTOM}."), definition.custom_fields)
            raise _UnknownFieldError(
                WriteIssue(name, "unknown_field", f"there is no such custom field{hint}")
            )
        return _Target(name, custom_kind(custom), custom), False
    known = fields_of(entity)
    unified = known.get(name)
    if unified is None:
        hint = suggestion(name, [one for one, field in known.items() if field.mappable])
        raise _UnknownFieldError(WriteIssue(name, "unknown_field", f"{entity} has no such field{hint}"))
    if unified.assigned:
        raise _UnwritableError("is filled by Lineshaft")
    return _mapped(definition, known, unified)


def _mapped(
    definition: MappingDefinition, known: Mapping[str, UnifiedField], unified: UnifiedField
) -> tuple[_Target, bool]:
    name = unified.source_of or unified.name
    spec = definition.fields.get(name)
    if spec is None:
        message = "is not mapped for this connection; map it to a field of the source first"
        raise _UnknownFieldError(WriteIssue(unified.name, "not_mapped", message))
    return _Target(name, known[name].kind, spec), unified.source_of is not None


def _source_key(target: _Target, context: WriteContext) -> str:
    spec = target.spec
    if spec.items is not None:
        return _list_key(spec, context)
    if spec.path is None:
        return _made_key(target, context)
    if target.kind.kind in {Kind.LIST, Kind.OBJECT}:
        raise _UnwritableError("is a list of values, which cannot be written")
    segments = parse_path(spec.path).segments
    if len(segments) > 1 and spec.path in context.found_by:
        return spec.path
    if len(segments) > 1:
        raise _UnwritableError(f"comes from inside another record ({spec.path}); write that one")
    for name in spec.transform:
        if TRANSFORMS[name].inverse is None:
            raise _UnwritableError(f"comes through the transform {name}, which has no way back")
    if segments[0].name in context.read_only:
        raise _UnwritableError(f"comes from {spec.path}, which the source does not let anyone write")
    return segments[0].name


def _made_key(target: _Target, context: WriteContext) -> str:
    parts = key_parts(target.kind, target.spec)
    if not parts:
        origin = "an expression" if target.spec.expr is not None else "a constant"
        raise _UnwritableError(f"comes from {origin}, which has no way back")
    if refused := [part for part in parts if part in context.read_only]:
        raise _UnwritableError(f"comes from {refused[0]}, which the source does not let anyone write")
    return parts[-1]


def _list_key(spec: FieldSpec, context: WriteContext) -> str:
    names = parse_path(spec.path).names if spec.path is not None else _place(spec)
    if len(names) != 1:
        raise _UnwritableError("is a list that does not come from one field of the source")
    if names[0] in context.read_only:
        raise _UnwritableError(f"comes from {names[0]}, which the source does not let anyone write")
    return names[0]


def _place(spec: FieldSpec) -> tuple[str, ...]:
    return tuple(compile_expression(spec.expr).place or ()) if spec.expr is not None else ()


def _objects(
    target: _Target, value: Any, context: WriteContext, definition: MappingDefinition
) -> list[dict[str, Any]]:
    """The objects of a list; one with a `source_id` stands for an object that is there."""
    fields = target.kind.item.fields if target.kind.item else {}
    specs = target.spec.items or {}
    within = context.within(_list_key(target.spec, context))
    if not isinstance(value, list):
        raise TypeError("give a list")
    objects = []
    for place, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise TypeError(f"item {place} is no object")
        written: dict[str, Any] = {}
        for name, one in item.items():
            if name not in specs or name not in fields:
                raise ValueError(f"item {place} has the unknown field {name}{suggestion(name, specs)}")
            try:
                part = _Target(name, fields[name].kind, specs[name])
                written |= _written(part, one, within, definition, is_code=False)
            except _UnwritableError as error:
                raise ValueError(f"item {place}: {name} {error.message}") from None
        objects.append(written)
    return objects


def _written(
    target: _Target, value: Any, context: WriteContext, definition: MappingDefinition, *, is_code: bool
) -> dict[str, Any]:
    key = _source_key(target, context)
    if target.spec.items is not None:
        return {key: _objects(target, value or [], context, definition)}
    if value is None:
        return {key: None}
    kind, spec = target.kind.kind, target.spec
    if is_code or kind is Kind.CODE:
        return {key: to_string(_part(value, "code"))}
    if kind in {Kind.MONEY, Kind.QUANTITY}:
        return _measure(key, target, value, context)
    if kind is Kind.REFERENCE:
        return written_reference(key, target.kind, spec, value, context.key_types)
    return {key: _untransformed(spec, _unmapped(target, value, definition))}


def _unmapped(target: _Target, value: Any, definition: MappingDefinition) -> Any:
    kind, spec = target.kind, target.spec
    if kind.kind is Kind.ENUMERATION and value not in kind.values:
        raise ValueError(f"{value!r} is none of {', '.join(kind.values)}")
    local = zone(definition.timezone or "UTC")
    coerce = to_json if kind.kind is Kind.JSON else Coercers(local).scalar(kind.kind)
    fitted = coerce(value)
    if spec.value_map is not None:
        codes = {code: coerce(one) for code, one in definition.value_maps[spec.value_map].items()}
        return code_for(fitted, codes, target.name if kind.kind is Kind.ENUMERATION else None)
    return shown_in(local, fitted) if kind.kind is Kind.TIMESTAMP else fitted


def _part(value: Any, name: str) -> Any:
    """Of an object of several; alone it may be given as it is."""
    if not isinstance(value, Mapping):
        return value
    if value.get(name) is None:
        raise ValueError(f"give the {name}")
    return value[name]


def _untransformed(spec: FieldSpec, value: Any) -> Any:
    for name in reversed(spec.transform):
        inverse = TRANSFORMS[name].inverse
        if inverse is not None:
            value = inverse(value)
    return value if value is None or isinstance(value, (bool, int, str, list, dict)) else to_string(value)


def _measure(key: str, target: _Target, value: Any, context: WriteContext) -> dict[str, Any]:
    kind, spec = target.kind.kind, target.spec
    amount_key, unit_key = ("amount", "currency") if kind is Kind.MONEY else ("value", "uom")
    fixed, path = (spec.currency, spec.currency_path) if kind is Kind.MONEY else (spec.uom, spec.uom_path)
    unit = value.get(unit_key) if isinstance(value, Mapping) else None
    written = {key: _untransformed(spec, Coercers().scalar(Kind.DECIMAL)(_part(value, amount_key)))}
    if unit is None or unit == fixed:
        return written
    if not isinstance(unit, str):
        raise TypeError(f"the {unit_key} is a text")
    if path is None:
        raise ValueError(f"the {unit_key} is always {fixed or 'that of the source'}, not {unit}")
    segments = parse_path(path).segments
    if len(segments) > 1 and path in context.found_by:
        return written | {path: unit}
    if len(segments) > 1:
        raise _UnwritableError(f"has its {unit_key} in another record ({path}); leave the {unit_key} out")
    return written | {segments[0].name: unit}
