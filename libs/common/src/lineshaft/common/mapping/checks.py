"""Whether a definition fits its entity: every issue names the field and how to mend it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from lineshaft.common.mapping.coercion import Coercers
from lineshaft.common.mapping.definition import (
    CUSTOM_FIELD_NAME,
    MAX_CODES,
    CustomFieldSpec,
    FieldSpec,
    MappingDefinition,
)
from lineshaft.common.mapping.errors import UNFIT_VALUE, DefinitionIssue, MappingDefinitionError
from lineshaft.common.mapping.expressions import ExpressionError, compile_expression
from lineshaft.common.mapping.paths import PathError, parse_path
from lineshaft.common.mapping.transforms import TRANSFORMS
from lineshaft.common.unified import ENTITIES, FieldKind, Kind, UnifiedField, fields_of, is_custom

Issue = tuple[str, str]

_ONLY_FOR: Mapping[str, frozenset[Kind]] = {
    "label_path": frozenset({Kind.ENUMERATION, Kind.CODE, Kind.REFERENCE}),
    "currency": frozenset({Kind.MONEY}),
    "currency_path": frozenset({Kind.MONEY}),
    "uom": frozenset({Kind.QUANTITY}),
    "uom_path": frozenset({Kind.QUANTITY}),
    "items": frozenset({Kind.OBJECT}),
    "entity": frozenset({Kind.REFERENCE}),
}
_MAPPED_BY_VALUE = frozenset(
    {Kind.STRING, Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN, Kind.ENUMERATION, Kind.CODE}
)
_AMOUNTS: Mapping[Kind, str] = {Kind.MONEY: "amount", Kind.QUANTITY: "value"}


def check(entity: str, definition: MappingDefinition) -> list[DefinitionIssue]:
    """All that is wrong with a definition; empty if it compiles."""
    if entity not in ENTITIES and not is_custom(entity):
        hint = suggestion(entity, ENTITIES)
        return [DefinitionIssue("entity", "unknown_entity", f"there is no entity {entity!r}{hint}")]
    checker = _Checker(definition)
    issues = list(checker.check_fields(fields_of(entity), definition.fields, "fields"))
    issues.extend(checker.check_custom_fields())
    issues.extend(checker.check_value_maps())
    if not is_custom(entity):
        issues.extend(
            DefinitionIssue(name, "not_allowed", "is given for custom objects only")
            for name in ("key", "cursor")
            if getattr(definition, name)
        )
    return issues


def require_valid(entity: str, definition: MappingDefinition) -> None:
    """Raises `MappingDefinitionError` with every issue."""
    if issues := check(entity, definition):
        raise MappingDefinitionError(issues)


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean x or y?`, or nothing where no known name is near."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""


class _Checker:
    def __init__(self, definition: MappingDefinition) -> None:
        self._definition = definition
        self._coercers = Coercers()

    def check_fields(
        self, known: Mapping[str, UnifiedField], specs: Mapping[str, FieldSpec], place: str
    ) -> Iterator[DefinitionIssue]:
        mappable = [name for name, field in known.items() if field.mappable]
        for name, spec in specs.items():
            here = f"{place}.{name}"
            field = known.get(name)
            if field is None:
                message = f"there is no unified field {name!r}{suggestion(name, mappable)}"
                yield DefinitionIssue(here, "unknown_field", message)
            elif field.source_of is not None:
                message = (
                    f"is filled together with {field.source_of}; map that one, with label_path for the label"
                )
                yield DefinitionIssue(here, "not_mappable", message)
            elif not field.mappable:
                yield DefinitionIssue(here, "not_mappable", "is filled by Lineshaft and cannot be mapped")
            else:
                yield from self._check_spec(here, field.kind, spec)

    def check_custom_fields(self) -> Iterator[DefinitionIssue]:
        for name, spec in self._definition.custom_fields.items():
            here = f"custom_fields.{name}"
            if not CUSTOM_FIELD_NAME(name):
                message = "a name has letters, digits and underscores, starts with a letter, 63 at most"
                yield DefinitionIssue(here, "invalid_name", message)
            yield from self._check_spec(here, custom_kind(spec), spec)

    def check_value_maps(self) -> Iterator[DefinitionIssue]:
        for name, codes in self._definition.value_maps.items():
            if len(codes) > MAX_CODES:
                message = f"has {len(codes)} codes, {MAX_CODES} are allowed"
                yield DefinitionIssue(f"value_maps.{name}", "too_many_codes", message)

    def _check_spec(self, here: str, kind: FieldKind, spec: FieldSpec) -> Iterator[DefinitionIssue]:
        inner = kind.item if kind.kind is Kind.LIST and kind.item is not None else kind
        yield from self._check_source(here, spec)
        yield from self._check_options(here, kind, inner, spec)
        yield from self._check_value_map(here, inner, spec)
        yield from self._check_given(here, inner, spec)
        if inner.kind is Kind.OBJECT:
            if not spec.items:
                message = f"needs items, with fields such as {', '.join(list(inner.fields)[:4])}"
                yield DefinitionIssue(here, "missing_items", message)
            else:
                yield from self.check_fields(inner.fields, spec.items, f"{here}.items")

    def _check_source(self, here: str, spec: FieldSpec) -> Iterator[DefinitionIssue]:
        given = [name for name in ("path", "expr") if getattr(spec, name) is not None]
        if spec.has_const:
            given.append("const")
        if len(given) != 1:
            message = f"give exactly one of path, const and expr, not {' and '.join(given) or 'none'}"
            yield DefinitionIssue(here, "ambiguous_source", message)
        for option in ("path", "label_path", "currency_path", "uom_path"):
            text = getattr(spec, option)
            if text is not None:
                yield from _tried(f"{here}.{option}", "invalid_path", parse_path, text)
        if spec.expr is not None:
            yield from _tried(f"{here}.expr", "invalid_expression", compile_expression, spec.expr)
        for name in spec.transform:
            if name not in TRANSFORMS:
                hint = suggestion(name, TRANSFORMS) or f"; there are {', '.join(TRANSFORMS)}"
                yield DefinitionIssue(
                    f"{here}.transform", "unknown_transform", f"no transform {name!r}{hint}"
                )

    def _check_options(
        self, here: str, kind: FieldKind, inner: FieldKind, spec: FieldSpec
    ) -> Iterator[DefinitionIssue]:
        for option, kinds in _ONLY_FOR.items():
            if getattr(spec, option) is not None and inner.kind not in kinds:
                message = f"{option} is for {' or '.join(sorted(kinds))}, and this is a {kind}"
                yield DefinitionIssue(here, "option_not_for_kind", message)
        if inner.kind is Kind.REFERENCE:
            yield from _check_target(here, inner, spec)
        if spec.value_map is not None and inner.kind not in _MAPPED_BY_VALUE:
            message = f"a value map is for single values, and this is a {kind}"
            yield DefinitionIssue(here, "option_not_for_kind", message)

    def _check_value_map(self, here: str, inner: FieldKind, spec: FieldSpec) -> Iterator[DefinitionIssue]:
        if spec.value_map is None:
            return
        codes = self._definition.value_maps.get(spec.value_map)
        if codes is None:
            known = self._definition.value_maps
            hint = suggestion(spec.value_map, known) or (
                f"; there are {', '.join(known)}" if known else "; add it under value_maps"
            )
            message = f"there is no value map {spec.value_map!r}{hint}"
            yield DefinitionIssue(f"{here}.value_map", "unknown_value_map", message)
        for code, value in (codes or {}).items():
            place = f"value_maps.{spec.value_map}.{code}"
            yield from self._check_value(place, inner, value, used_by=here)

    def _check_given(self, here: str, inner: FieldKind, spec: FieldSpec) -> Iterator[DefinitionIssue]:
        """Values that stand in the definition itself; of a list, each."""
        if inner.kind is Kind.OBJECT:
            if spec.default is not None:
                yield DefinitionIssue(here, "option_not_for_kind", "default is not for lists of objects")
            return
        given = {"default": spec.default, "const": None if spec.value_map is not None else spec.const}
        for option, values in given.items():
            for value in values if isinstance(values, list) else [values]:
                if value is not None:
                    yield from self._check_value(f"{here}.{option}", inner, value)

    def _check_value(
        self, here: str, kind: FieldKind, value: Any, used_by: str | None = None
    ) -> Iterator[DefinitionIssue]:
        use = f" of {used_by}" if used_by else ""
        if kind.kind is Kind.ENUMERATION:
            if value not in kind.values:
                hint = suggestion(str(value), kind.values) or ""
                message = f"{value!r} is none of the values{use}: {', '.join(kind.values)}{hint}"
                yield DefinitionIssue(here, "invalid_value", message)
            return
        if kind.kind in _AMOUNTS and isinstance(value, dict):
            value = value.get(_AMOUNTS[kind.kind])
        try:
            self._coercers.scalar(kind.kind)(value)
        except UNFIT_VALUE as error:
            yield DefinitionIssue(here, "invalid_value", f"{value!r} is no {kind}{use}: {error}")


def custom_kind(spec: CustomFieldSpec) -> FieldKind:
    return FieldKind(Kind(spec.type))


def _check_target(here: str, inner: FieldKind, spec: FieldSpec) -> Iterator[DefinitionIssue]:
    if inner.entity is None and spec.entity is None:
        yield DefinitionIssue(here, "missing_entity", "needs entity, the kind of record it points to")
    elif spec.entity is not None and inner.entity not in (None, spec.entity):
        message = f"always points to {inner.entity}; leave entity out"
        yield DefinitionIssue(f"{here}.entity", "option_not_for_kind", message)
    elif spec.entity is not None and spec.entity not in ENTITIES and not is_custom(spec.entity):
        message = f"there is no entity {spec.entity!r}{suggestion(spec.entity, ENTITIES)}"
        yield DefinitionIssue(f"{here}.entity", "unknown_entity", message)


def _tried(here: str, code: str, attempt: Callable[[str], object], text: str) -> Iterator[DefinitionIssue]:
    try:
        attempt(text)
    except (PathError, ExpressionError) as error:
        yield DefinitionIssue(here, code, str(error))
