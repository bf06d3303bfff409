"""What a changed definition would do to records, before it is activated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineshaft.common.mapping.compiler import CompiledMapping
from lineshaft.common.mapping.errors import FieldError
from lineshaft.common.mapping.result import VOLATILE

CUSTOM = "custom_fields"
SAMPLES = 10
UNMAPPED_CODES = 100
"""Of one field; more different ones than that are no code list."""


class Change(NamedTuple):
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RecordPreview:
    source_id: str
    changes: Mapping[str, Change]
    """Field to its value before and after; custom fields as `custom_fields.x`. Empty if nothing changes."""
    new_errors: tuple[FieldError, ...]
    """What does not fit any more, or did not exist before."""
    mended_errors: tuple[FieldError, ...]
    unmapped: tuple[tuple[str, str], ...]
    """Field and code that its value map does not know, under the new definition."""


@dataclass(slots=True)
class Preview:
    """A dry run over records."""

    records: int = 0
    changed: int = 0
    invalid: int = 0
    """Records with new errors."""
    fields: dict[str, int] = field(default_factory=dict)
    """Field to the number of records in which it changes."""
    filled: dict[str, int] = field(default_factory=dict)
    """Field to the number of records in which it was null and has a value now."""
    emptied: dict[str, int] = field(default_factory=dict)
    """Field to the number of records in which it had a value and is null now."""
    errors: dict[str, int] = field(default_factory=dict)
    """Field to the number of new errors."""
    unmapped: dict[str, dict[str, int]] = field(default_factory=dict)
    """Field to the codes that its value map does not know, with the number of records that have them."""
    samples: list[RecordPreview] = field(default_factory=list)
    """The first records that change or become invalid."""

    def add(self, one: RecordPreview, samples: int = SAMPLES) -> None:
        self.records += 1
        self.changed += bool(one.changes)
        self.invalid += bool(one.new_errors)
        for name, change in one.changes.items():
            _count(self.fields, name)
            if change.before is None:
                _count(self.filled, name)
            elif change.after is None:
                _count(self.emptied, name)
        for error in one.new_errors:
            _count(self.errors, error.field)
        for name, code in one.unmapped:
            codes = self.unmapped.setdefault(name, {})
            if code in codes or len(codes) < UNMAPPED_CODES:
                _count(codes, code)
        if (one.changes or one.new_errors) and len(self.samples) < samples:
            self.samples.append(one)


def preview_record(
    current: CompiledMapping,
    candidate: CompiledMapping,
    connection_id: str,
    source_id: str,
    raw: dict[str, Any],
) -> RecordPreview:
    before = current.apply(connection_id, source_id, raw, "")
    after = candidate.apply(connection_id, source_id, raw, "")
    return RecordPreview(
        source_id,
        _changes(before.document, after.document),
        tuple(error for error in after.errors if error not in before.errors),
        tuple(error for error in before.errors if error not in after.errors),
        tuple((error.field, error.sample) for error in after.errors if error.code == "unmapped_code"),
    )


def preview(
    current: CompiledMapping,
    candidate: CompiledMapping,
    connection_id: str,
    records: Iterable[tuple[str, dict[str, Any]]],
    samples: int = SAMPLES,
) -> Preview:
    """Sums up what `candidate` changes in `records`, pairs of source id and raw record."""
    total = Preview()
    for source_id, raw in records:
        total.add(preview_record(current, candidate, connection_id, source_id, raw), samples)
    return total


def _count(numbers: dict[str, int], name: str) -> None:
    numbers[name] = numbers.get(name, 0) + 1


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Change]:
    flat_before, flat_after = _flat(before), _flat(after)
    names = dict.fromkeys((*flat_before, *flat_after))
    pairs = {name: Change(flat_before.get(name), flat_after.get(name)) for name in names}
    return {name: change for name, change in pairs.items() if change.before != change.after}


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    flat = {key: value for key, value in document.items() if key != CUSTOM and key not in VOLATILE}
    return flat | {f"{CUSTOM}.{key}": value for key, value in document[CUSTOM].items()}
