"""References in a write: by the id that Lineshaft gave, or by the key at the source."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lineshaft.api.domain.problems import FieldProblem, ProblemCode, problem
from lineshaft.common.unified import FieldKind, Kind, UnifiedField, fields_of


class Wanted(NamedTuple):
    field: str
    entity: str
    id: str


def ids_wanted(entity: str, values: Mapping[str, Any]) -> list[Wanted]:
    """The references that name an id alone."""
    return list(_wanted(fields_of(entity), values, ""))


def _wanted(fields: Mapping[str, UnifiedField], values: Mapping[str, Any], place: str) -> Iterator[Wanted]:
    for name, value in values.items():
        if name in fields:
            yield from _of(fields[name].kind, value, place + name)


def _of(kind: FieldKind, value: Any, place: str) -> Iterator[Wanted]:
    if kind.kind is Kind.REFERENCE and isinstance(value, Mapping):
        if value.get("source_id") is None and isinstance(value.get("id"), str):
            target = kind.entity or value.get("entity")
            if isinstance(target, str):
                yield Wanted(place, target, value["id"])
    elif kind.kind is Kind.OBJECT and isinstance(value, Mapping):
        yield from _wanted(kind.fields, value, f"{place}.")
    elif kind.kind is Kind.LIST and kind.item is not None and isinstance(value, list):
        for position, item in enumerate(value):
            yield from _of(kind.item, item, f"{place}.{position}")


def filled(
    values: Mapping[str, Any], wanted: list[Wanted], source_ids: Mapping[str, str], connection_id: str
) -> dict[str, Any]:
    """`values` with the key at the source beside each id.

    Raises:
        ProblemError: an id that is not there, with its field.
    """
    missing = [one for one in wanted if one.id not in source_ids]
    if missing:
        errors = [
            FieldProblem(
                one.field, f"there is no {one.entity.replace('_', ' ')} {one.id}", "unknown_reference"
            )
            for one in missing
        ]
        raise problem(
            ProblemCode.VALIDATION_FAILED,
            "; ".join(f"{one.field}: {one.message}" for one in errors[:3]),
            connection_id=connection_id,
            errors=errors,
        )
    return {name: _with_key(value, source_ids) for name, value in values.items()}


def _with_key(value: Any, source_ids: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        given = value.get("id")
        if value.get("source_id") is None and isinstance(given, str) and given in source_ids:
            return {**value, "source_id": source_ids[given]}
        return {name: _with_key(one, source_ids) for name, one in value.items()}
    return [_with_key(one, source_ids) for one in value] if isinstance(value, list) else value
