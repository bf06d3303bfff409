"""One function per field that reads the record and writes into the document: a `Fill`.

The document starts with null under all keys, so a fill writes only what it found.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lineshaft.common.mapping.coercion import Coerce, Coercers
from lineshaft.common.mapping.definition import OTHER_CODES, FieldSpec
from lineshaft.common.mapping.errors import UNFIT_VALUE, FieldError, sample
from lineshaft.common.mapping.failures import Failed
from lineshaft.common.mapping.paths import parse_path
from lineshaft.common.mapping.scalars import to_string
from lineshaft.common.mapping.source_values import compile_source
from lineshaft.common.mapping.values import (
    Fit,
    Record,
    Run,
    UnmappedCodeError,
    ValueMaps,
    compile_coercion,
    compile_fit,
    compile_label,
)
from lineshaft.common.unified import FieldKind, Kind, UnifiedField

Document = dict[str, Any]
Fill = Callable[[Record, Document, Run], None]


def document_keys(name: str, kind: FieldKind) -> tuple[str, ...]:
    """The keys that a field fills: its own, and an enumeration its `_source` too."""
    return (name, f"{name}_source") if kind.kind is Kind.ENUMERATION else (name,)


class FieldCompiler:
    """Compiles the fields of one checked definition."""

    def __init__(self, coercers: Coercers, value_maps: ValueMaps) -> None:
        self._coercers = coercers
        self._value_maps = value_maps

    def compile(self, name: str, kind: FieldKind, spec: FieldSpec, prefix: str = "") -> Fill:
        """The fill for the key `name`; errors call the field `prefix` + `name`."""
        failed = Failed(f"{prefix}{name}", spec)
        takes_false = self._takes_false(kind, spec)
        if kind.kind is Kind.ENUMERATION:
            return self._enumeration(name, kind, spec, failed, takes_false=takes_false)
        if kind.kind is Kind.LIST and kind.item is not None:
            if kind.item.kind is Kind.OBJECT:
                return self._objects(name, f"{prefix}{name}", kind.item.fields, spec)
            return self._values(name, kind.item, spec, failed)
        default = self._default(kind, spec)
        coerce = compile_coercion(kind, spec, self._coercers, self._value_maps)
        key = _bare_key(spec)
        if coerce is not None and key is not None and not takes_false:
            return _plain(name, key, coerce, default, failed)
        fit = compile_fit(kind, spec, self._coercers, self._value_maps)
        return _fitted(name, spec, fit, default, failed, takes_false=takes_false)

    def _takes_false(self, kind: FieldKind, spec: FieldSpec) -> bool:
        if kind.kind in {Kind.BOOLEAN, Kind.JSON}:
            return True
        return spec.value_map is not None and "false" in self._value_maps[spec.value_map]

    def _default(self, kind: FieldKind, spec: FieldSpec) -> Any:
        if spec.default is None or kind.kind in {Kind.REFERENCE, Kind.MONEY, Kind.QUANTITY, Kind.CODE}:
            return spec.default
        return self._coercers.scalar(kind.kind)(spec.default)

    def _enumeration(
        self, name: str, kind: FieldKind, spec: FieldSpec, failed: Failed, *, takes_false: bool
    ) -> Fill:
        get = compile_source(spec)
        label = compile_label(spec.label_path)
        beside, default = f"{name}_source", spec.default
        codes: dict[str, Any] = {value: value for value in kind.values}
        if spec.value_map is not None:
            codes = dict(self._value_maps[spec.value_map])
        other = codes.get(OTHER_CODES)

        def fill(record: Record, document: Document, run: Run) -> None:
            value = None
            try:
                value = get(record)
                if value is None or value == "" or (value is False and not takes_false):
                    document[name] = default
                    return
                code = value if type(value) is str else to_string(value)
                document[beside] = {"code": code, "label": None if label is None else label(record)}
            except UNFIT_VALUE as error:
                failed(run, value, error)
                return
            unified = document[name] = codes.get(code, other)
            if unified is None:
                failed(run, code, UnmappedCodeError(code))

        return fill

    def _values(self, name: str, inner: FieldKind, spec: FieldSpec, failed: Failed) -> Fill:
        get = compile_source(spec)
        labels = compile_source(FieldSpec(path=spec.label_path)) if spec.label_path else None
        one = spec.model_copy(update={"label_path": "label" if labels else None})
        fit = compile_fit(inner, one, self._coercers, self._value_maps)

        def fill(record: Record, document: Document, run: Run) -> None:
            value = None
            try:
                value = get(record)
                if value is None or value is False or value == "":
                    document[name] = spec.default
                    return
                found = None if labels is None else labels(record)
            except UNFIT_VALUE as error:
                failed(run, value, error)
                return
            texts = found if isinstance(found, list) else [found]
            fitted: list[Any] = []
            for position, item in enumerate(value if isinstance(value, list) else [value]):
                if item is None or item is False or item == "":
                    continue
                beside = {"label": texts[position] if position < len(texts) else None}
                try:
                    fitted.append(fit(item, beside, run))
                except UNFIT_VALUE as error:
                    failed(run, item, error, position)
            document[name] = fitted

        return fill

    def _objects(self, name: str, field: str, known: Mapping[str, UnifiedField], spec: FieldSpec) -> Fill:
        get = compile_source(spec, related=True)
        failed = Failed(field, spec)
        specs = spec.items or {}
        names = [item for item in known if item in specs]
        fills = [self.compile(item, known[item].kind, specs[item]) for item in names]
        empty = dict.fromkeys(key for item in names for key in document_keys(item, known[item].kind))

        def fill(record: Record, document: Document, run: Run) -> None:
            value = None
            try:
                value = get(record)
                if value is None or value is False or value == "":
                    document[name] = spec.default
                    return
                rows = _rows(value)
            except UNFIT_VALUE as error:
                failed(run, value, error)
                return
            made: list[Document] = []
            for position, row in enumerate(rows):
                before = len(run.errors)
                item = empty.copy()
                for fill_item in fills:
                    fill_item(row, item, run)
                if len(run.errors) > before:
                    _place_errors(run.errors, before, f"{field}.{position}")
                made.append(item)
            document[name] = made

        return fill


def _plain(name: str, key: str, coerce: Coerce, default: Any, failed: Failed) -> Fill:
    """The commonest field: one key, one value. It does what `_fitted` does, in fewer calls."""

    def fill(record: Record, document: Document, run: Run) -> None:
        value = record.get(key)
        if value is None or value is False or value == "":
            if default is not None:
                document[name] = default
            return
        try:
            document[name] = coerce(value)
        except UNFIT_VALUE as error:
            failed(run, value, error)

    return fill


def _fitted(name: str, spec: FieldSpec, fit: Fit, default: Any, failed: Failed, *, takes_false: bool) -> Fill:
    get = compile_source(spec)

    def fill(record: Record, document: Document, run: Run) -> None:
        value = None
        try:
            value = get(record)
            if value is None or value == "" or (value is False and not takes_false):
                document[name] = default
            else:
                document[name] = fit(value, record, run)
        except UNFIT_VALUE as error:
            failed(run, value, error)

    return fill


def _bare_key(spec: FieldSpec) -> str | None:
    if spec.path is None or spec.transform:
        return None
    segments = parse_path(spec.path).segments
    return segments[0].name if len(segments) == 1 else None


def _rows(value: Any) -> list[Record]:
    rows: list[Record] = value if isinstance(value, list) else [value]
    for row in rows:
        if not isinstance(row, dict):
            raise TypeError(f"holds {sample(row)}, where objects are needed: the read gave keys only")
    return rows


def _place_errors(errors: list[FieldError], start: int, prefix: str) -> None:
    for index in range(start, len(errors)):
        errors[index] = errors[index]._replace(field=f"{prefix}.{errors[index].field}")
