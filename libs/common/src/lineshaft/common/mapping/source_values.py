"""From a field's source to a function that reads it: a path, a constant or an expression."""

from typing import Any

from lineshaft.common.mapping.definition import FieldSpec
from lineshaft.common.mapping.expressions import compile_expression
from lineshaft.common.mapping.paths import Getter, compile_path, parse_path
from lineshaft.common.mapping.transforms import TRANSFORMS, Convert


def compile_source(spec: FieldSpec, *, related: bool = False) -> Getter:
    """The value of a field before it is fitted to its kind, transforms included.

    Args:
        spec: a field of a checked definition.
        related: the field takes objects, so related records come before a bare key of ids.
    """
    get = _read(spec, related=related)
    if not spec.transform:
        return get
    steps: list[Convert] = [TRANSFORMS[name].apply for name in spec.transform]

    def transformed(record: dict[str, Any]) -> Any:
        value = get(record)
        for step in steps:
            if value is None or value == "":
                return None
            value = step(value)
        return value

    return transformed


def _read(spec: FieldSpec, *, related: bool) -> Getter:
    if spec.path is not None:
        return compile_path(parse_path(spec.path), related=related)
    if spec.expr is not None:
        return compile_expression(spec.expr).evaluate
    constant = spec.const
    return lambda _record: constant


def source_text(spec: FieldSpec) -> str:
    """How an error names the source of a field."""
    return spec.path or spec.expr or "const"
