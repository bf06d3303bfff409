"""What has changed between two descriptions of an object."""

from collections import Counter
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher

from lineshaft.common.events.drift import ChangeKind, DriftPolicy, FieldChange
from lineshaft.common.mapping.drift import STOPPING
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.fields import head_of, sole
from lineshaft.connector.domain.protocol import FieldDescription

ALIKE = 0.5
"""How much of two names must be the same for one to be taken for the other."""

Fields = Sequence[FieldDescription]


def changes_between(before: Fields, after: Fields) -> list[FieldChange]:
    """In the order of the names. A right that was taken away is no change: the field is there, hidden."""
    old, new = ({field.name: field for field in fields} for fields in (before, after))
    gone = [field for name, field in old.items() if name not in new]
    come = [field for name, field in new.items() if name not in old]
    renamed = _renamed(gone, come)
    changes = [_gone(field, renamed.get(field.name)) for field in gone]
    changes += [_come(field) for field in come if field.readable]
    for name in old.keys() & new.keys():
        changes += _changed(old[name], new[name])
    return sorted(changes, key=lambda change: (change.field, change.kind))


def held(
    object_name: str, policy: DriftPolicy, changes: Sequence[FieldChange], needed: Collection[str]
) -> Evidence | None:
    """What speaks against a read under the policy `hold`."""
    if policy is not DriftPolicy.HOLD:
        return None
    heads = {head_of(name) for name in needed}
    felt = [change.field for change in changes if change.kind in STOPPING and change.field in heads]
    if not felt:
        return None
    return Evidence(
        Outcome.CONFIGURATION_ERROR,
        Operation.READ,
        object_name,
        code="schema_held",
        message=f"the source has changed {', '.join(felt)}; nothing is read until somebody accepts that",
        field=sole(felt),
    )


def _gone(field: FieldDescription, renamed_to: str | None) -> FieldChange:
    return FieldChange(field=field.name, kind=ChangeKind.DROPPED, type=field.type, renamed_to=renamed_to)


def _come(field: FieldDescription) -> FieldChange:
    needed = field.required and not field.readonly
    return FieldChange(field=field.name, kind=ChangeKind.ADDED, type=field.type, required=needed)


def _changed(before: FieldDescription, after: FieldDescription) -> list[FieldChange]:
    found = []
    if (before.type, before.relation) != (after.type, after.relation):
        found.append(
            FieldChange(
                field=after.name,
                kind=ChangeKind.RETYPED,
                type=_type(after),
                type_before=_type(before),
            )
        )
    if after.required and not before.required and not after.readonly:
        found.append(FieldChange(field=after.name, kind=ChangeKind.REQUIRED, type=after.type, required=True))
    return found


def _type(field: FieldDescription) -> str:
    return f"{field.type} of {field.relation}" if field.relation else field.type


def _renamed(gone: Fields, come: Fields) -> dict[str, str]:
    """Dropped field to the new one that may be it: of the same type, and alike or the only one."""
    kinds_gone, kinds_come = (Counter((field.type, field.relation) for field in one) for one in (gone, come))
    taken: dict[str, str] = {}
    for field in gone:
        kind = (field.type, field.relation)
        options = [one.name for one in come if (one.type, one.relation) == kind and one.readable]
        alone = kinds_gone[kind] == kinds_come[kind] == 1
        best = max(options, key=lambda name: _alike(field.name, name), default=None)
        if best is not None and (alone or _alike(field.name, best) >= ALIKE):
            taken[field.name] = best
    return taken


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
