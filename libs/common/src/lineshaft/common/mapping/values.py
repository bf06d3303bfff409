"""From one source value to one unified value, for every kind but lists, objects and enumerations.

A `Fit` takes the source value, the record it stands in and the run. What does not fit raises one of
`UNFIT_VALUE`; values that mean "none" never reach it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lineshaft.common.mapping.coercion import Coerce, Coercers, is_empty
from lineshaft.common.mapping.decimals import to_decimal
from lineshaft.common.mapping.definition import OTHER_CODES, FieldSpec
from lineshaft.common.mapping.errors import CoercionError, FieldError
from lineshaft.common.mapping.paths import compile_path, parse_path
from lineshaft.common.mapping.scalars import to_string
from lineshaft.common.unified import FieldKind, Kind, entity_id

Record = dict[str, Any]
ValueMaps = Mapping[str, Mapping[str, Any]]


class Run:
    """The mapping of one record."""

    __slots__ = ("connection_id", "errors")

    def __init__(self, connection_id: str) -> None:
        self.connection_id = connection_id
        self.errors: list[FieldError] = []


Fit = Callable[[Any, Record, Run], Any]


class UnmappedCodeError(CoercionError):
    """A code that the value map does not have."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the value map has no line for {code!r}")


def compile_coercion(
    kind: FieldKind, spec: FieldSpec, coercers: Coercers, value_maps: ValueMaps
) -> Coerce | None:
    """The coercion of a kind that needs nothing but the value; null for the other kinds."""
    if kind.kind in {Kind.REFERENCE, Kind.MONEY, Kind.QUANTITY, Kind.CODE}:
        return None
    coerce = coercers.scalar(kind.kind)
    return coerce if spec.value_map is None else _translated(coerce, value_maps[spec.value_map])


def compile_fit(kind: FieldKind, spec: FieldSpec, coercers: Coercers, value_maps: ValueMaps) -> Fit:
    coerce = compile_coercion(kind, spec, coercers, value_maps)
    if coerce is not None:
        return _from_value_only(coerce)
    match kind.kind:
        case Kind.REFERENCE:
            return _reference(kind, spec)
        case Kind.MONEY:
            return _measure("amount", "currency", spec.currency, spec.currency_path)
        case Kind.QUANTITY:
            return _measure("value", "uom", spec.uom, spec.uom_path)
        case _:
            return _code(spec, value_maps)


def _from_value_only(coerce: Coerce) -> Fit:
    def fit(value: Any, _record: Record, _run: Run) -> Any:
        return coerce(value)

    return fit


def _translated(coerce: Coerce, codes: Mapping[str, Any]) -> Coerce:
    fitted = {code: coerce(value) for code, value in codes.items()}
    other = OTHER_CODES in fitted

    def translate(value: Any) -> Any:
        code = to_string(value)
        if code in fitted:
            return fitted[code]
        if other:
            return fitted[OTHER_CODES]
        raise UnmappedCodeError(code)

    return translate


def _reference(kind: FieldKind, spec: FieldSpec) -> Fit:
    target = kind.entity or spec.entity or ""
    polymorphic = kind.entity is None
    label = compile_label(spec.label_path)

    def fit(value: Any, record: Record, run: Run) -> dict[str, Any]:
        source_id = value if type(value) is str else to_string(value)
        made: dict[str, Any] = {"display": None if label is None else label(record)}
        if polymorphic:
            made["entity"] = target
        made["id"] = entity_id(run.connection_id, target, source_id)
        made["source_id"] = source_id
        return made

    return fit


def compile_label(path: str | None) -> Callable[[Record], str | None] | None:
    """A function to the text at a path, or to null where there is none or no text."""
    if path is None:
        return None
    get = compile_path(parse_path(path))
    return lambda record: label_of(get(record))


def label_of(value: Any) -> str | None:
    """The text of a label, null where there is none."""
    if type(value) is str:
        return value or None
    return None if is_empty(value) or isinstance(value, list) else to_string(value)


def _measure(amount_key: str, unit_key: str, unit: str | None, unit_path: str | None) -> Fit:
    label = compile_label(unit_path)
    in_order = amount_key < unit_key

    def fit(value: Any, record: Record, _run: Run) -> dict[str, Any]:
        found = unit if label is None else label(record) or unit
        if type(value) is dict and amount_key in value:
            inner = value.get(unit_key)
            found = inner if isinstance(inner, str) and inner else found
            value = value[amount_key]
        fitted = to_decimal(value)
        return {amount_key: fitted, unit_key: found} if in_order else {unit_key: found, amount_key: fitted}

    return fit


def _code(spec: FieldSpec, value_maps: ValueMaps) -> Fit:
    labels = value_maps[spec.value_map] if spec.value_map is not None else {}
    label = compile_label(spec.label_path)

    def fit(value: Any, record: Record, _run: Run) -> dict[str, Any]:
        code = to_string(value)
        text = None if label is None else label(record)
        if text is None and code in labels:
            text = to_string(labels[code])
        return {"code": code, "label": text}

    return fit
