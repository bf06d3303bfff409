"""Which fields of an object are read.

What the mapping needs, and every plain column besides, so that a customer can map another field later
without a call to the source.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineshaft.connector.domain.protocol import ObjectDescription

MOST_FIELDS = 250


@dataclass(frozen=True, slots=True)
class Selection:
    fields: tuple[str, ...]
    missing: tuple[str, ...]
    """Fields that the mapping names and the source does not have, or does not show to this account."""


def select(description: ObjectDescription, needed: Iterable[str], most: int = MOST_FIELDS) -> Selection:
    """Needed fields first, then plain columns by name, `most` in all.

    A dotted field counts as known when its first part is.
    """
    known = {field.name for field in description.fields}
    wanted = list(dict.fromkeys(needed))
    chosen = [name for name in wanted if _head(name) in known]
    missing = [name for name in wanted if _head(name) not in known]
    columns = sorted(field.name for field in description.fields if field.stored)
    chosen += [name for name in columns if name not in set(chosen)][: max(0, most - len(chosen))]
    return Selection(tuple(chosen), tuple(missing))


def note_on(missing: Sequence[str]) -> str | None:
    """What the result of a sync says of fields that it could not read."""
    if not missing:
        return None
    return f"the source does not show these mapped fields to this account: {', '.join(missing)}"


def _head(name: str) -> str:
    return name.split(".", 1)[0]
