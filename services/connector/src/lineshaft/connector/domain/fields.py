"""Which fields of an object are read.

What the mapping needs, and every plain column besides, so that a customer can map another field later
without a call to the source.

A mapped field that was never there is left out and noted. One that was read before and is gone, or hidden
from the account, fails the read: going on would overwrite with nothing what is known.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.domain.evidence import DENIED_OR_GONE, Evidence
from lineshaft.connector.domain.protocol import ObjectDescription

MOST_FIELDS = 250


@dataclass(frozen=True, slots=True)
class Selection:
    fields: tuple[str, ...]
    mapped: tuple[str, ...]
    """Those among them that the mapping needs."""
    missing: tuple[str, ...]
    """Fields that the mapping needs and the source does not have, or does not show to this account."""


def select(description: ObjectDescription, needed: Iterable[str], most: int = MOST_FIELDS) -> Selection:
    """Needed fields first, then plain columns by name, `most` in all.

    A dotted field counts as known when its first part is.
    """
    readable = {field.name for field in description.fields if field.readable}
    wanted = list(dict.fromkeys(needed))
    mapped = [name for name in wanted if head_of(name) in readable]
    missing = [name for name in wanted if head_of(name) not in readable]
    columns = sorted(field.name for field in description.fields if field.readable and field.stored)
    more = [name for name in columns if name not in set(mapped)][: max(0, most - len(mapped))]
    return Selection((*mapped, *more), tuple(mapped), tuple(missing))


def marked(description: ObjectDescription, prefixes: Sequence[str]) -> ObjectDescription:
    """Fields are custom, too, whose names begin as the system wants it of such ones."""
    wanted = tuple(prefixes)
    fields = tuple(
        replace(field, custom=field.custom or field.name.startswith(wanted)) for field in description.fields
    )
    return replace(description, fields=fields)


def lost_fields(selection: Selection, read_before: Collection[str]) -> list[str]:
    return [name for name in selection.missing if name in read_before]


def loss(
    description: ObjectDescription, selection: Selection, read_before: Collection[str]
) -> Evidence | None:
    """What speaks against a read whose mapped fields have become fewer."""
    lost = lost_fields(selection, read_before)
    if not lost:
        return None
    relations = {field.name: field.relation for field in description.fields if not field.readable}
    hidden = [name for name in lost if head_of(name) in relations]
    if hidden:
        objects = dict.fromkeys(relations[head_of(name)] or description.name for name in hidden)
        return Evidence(
            Outcome.PERMISSION_DENIED,
            Operation.READ,
            description.name,
            code="fields_hidden",
            message=f"no read access to {', '.join(objects)} any more, which {', '.join(hidden)} need",
            field=sole(hidden),
        )
    return Evidence(
        Outcome.CONFIGURATION_ERROR,
        Operation.READ,
        description.name,
        code="fields_missing",
        message=f"mapped fields that are no longer there: {', '.join(lost)}",
        field=sole(lost),
    )


def remembered(evidence: Evidence, read_before: Collection[str]) -> Evidence:
    """What was read before is known to have been there, so it is the right that is missing.

    A grant outlives what it is given on, and a source that finds one says itself that there is nothing.
    """
    known = evidence.field in read_before if evidence.field else bool(read_before)
    if evidence.code != DENIED_OR_GONE or not known:
        return evidence
    return replace(evidence, code="access_denied", confidence="medium")


def note_on(selection: Selection) -> str | None:
    """What the result of a sync says of fields that it could not read."""
    if not selection.missing:
        return None
    return f"the source does not show these mapped fields to this account: {', '.join(selection.missing)}"


def sole(fields: Sequence[str]) -> str | None:
    """The field, where it is one."""
    return fields[0] if len(fields) == 1 else None


def head_of(name: str) -> str:
    """The field of the object itself: `party` of `party.rec_name`."""
    return name.split(".", 1)[0]
