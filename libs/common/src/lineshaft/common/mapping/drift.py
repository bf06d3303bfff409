"""Joins what changed at the source with what a mapping reads there: where it hurts."""

from collections.abc import Iterable, Iterator, Sequence

from lineshaft.common.events.drift import ChangeKind, DriftPolicy, FieldChange, HurtField
from lineshaft.common.mapping.definition import MappingDefinition
from lineshaft.common.mapping.sources import field_sources

STOPPING = frozenset({ChangeKind.DROPPED, ChangeKind.RETYPED})
"""Changes of what is read, in contrast to what is written or only offered."""


def hurt_fields(definition: MappingDefinition, changes: Iterable[FieldChange]) -> list[HurtField]:
    """The unified fields that changes reach, and changes that refuse new records without any field."""
    readers = _readers(definition)
    return [hurt for change in changes for hurt in _hurt(change, readers.get(change.field, ()))]


def offered_fields(definitions: Iterable[MappingDefinition], changes: Iterable[FieldChange]) -> list[str]:
    """New source fields that nothing reads yet."""
    read = {name for definition in definitions for name in _readers(definition)}
    return [one.field for one in changes if one.kind is ChangeKind.ADDED and one.field not in read]


def holds(policy: DriftPolicy, hurt: Iterable[HurtField]) -> bool:
    """Whether the object is not read: what was known would be emptied, or nobody has accepted it yet."""
    kinds = {one.kind for one in hurt if one.field is not None}
    match policy:
        case DriftPolicy.IGNORE:
            return False
        case DriftPolicy.OFFER:
            return ChangeKind.DROPPED in kinds
        case DriftPolicy.HOLD:
            return not STOPPING.isdisjoint(kinds)


def _readers(definition: MappingDefinition) -> dict[str, list[str]]:
    """Source field to the unified fields that read it or something within it."""
    readers: dict[str, list[str]] = {}
    for name, paths in field_sources(definition).items():
        for head in dict.fromkeys(path[0].removesuffix(".") for path in paths if path):
            readers.setdefault(head, []).append(name)
    return readers


def _hurt(change: FieldChange, unified: Sequence[str]) -> Iterator[HurtField]:
    reason = _reason(change)
    for name in unified:
        if change.kind is not ChangeKind.ADDED:
            yield _at(name, change, reason)
    if not unified and change.required and change.kind in {ChangeKind.REQUIRED, ChangeKind.ADDED}:
        yield _at(None, change, f"{reason}; nothing fills it")


def _at(name: str | None, change: FieldChange, reason: str) -> HurtField:
    return HurtField(
        field=name,
        source_field=change.field,
        kind=change.kind,
        renamed_to=change.renamed_to,
        reason=reason,
    )


def _reason(change: FieldChange) -> str:
    match change.kind:
        case ChangeKind.DROPPED if change.renamed_to:
            return f"{change.field} is gone; it may be {change.renamed_to} now"
        case ChangeKind.DROPPED:
            return f"{change.field} is gone"
        case ChangeKind.RETYPED:
            return f"{change.field} was {change.type_before} and is {change.type} now"
        case ChangeKind.REQUIRED:
            return f"the source asks for {change.field} now when a record is created"
        case ChangeKind.ADDED:
            needed = ", which the source asks for when a record is created" if change.required else ""
            return f"{change.field} is new{needed}"
