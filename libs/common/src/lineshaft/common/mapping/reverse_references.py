"""From a reference back to the fields of the source that hold it."""

from collections.abc import Mapping
from typing import Any

from lineshaft.common.mapping.decimals import to_integer
from lineshaft.common.mapping.definition import FieldSpec
from lineshaft.common.mapping.expressions import compile_expression
from lineshaft.common.mapping.scalars import to_string
from lineshaft.common.unified import FieldKind, Kind, split_source_key


def key_parts(kind: FieldKind, spec: FieldSpec) -> tuple[str, ...]:
    """The source fields that together hold a reference whose target has a key of several parts."""
    if kind.kind is not Kind.REFERENCE or spec.expr is None:
        return ()
    return compile_expression(spec.expr).key_parts


def written_reference(
    key: str, kind: FieldKind, spec: FieldSpec, value: Any, key_types: Mapping[str, str]
) -> dict[str, Any]:
    """Raises `ValueError` where the value does not say which record is meant."""
    source_id = value.get("source_id") if isinstance(value, Mapping) else value
    if source_id is None:
        raise ValueError("give the source_id of the record it points to")
    if parts := key_parts(kind, spec):
        return dict(zip(parts, split_source_key(to_string(source_id), len(parts)), strict=True))
    if key_types.get(kind.entity or spec.entity or "") == "integer":
        return {key: to_integer(source_id)}
    return {key: to_string(source_id)}
