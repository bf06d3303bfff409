"""Values that did not fit, counted per connection, entity and field."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lineshaft.common.mapping import FieldError

_POSITION = re.compile(r"\.\d+(?=\.|$)")


@dataclass(slots=True)
class FieldErrorCount:
    connection_id: str
    entity: str
    field: str
    mapping_version: int
    count: int
    code: str
    reason: str
    sample: str
    source_id: str
    last_at: datetime


def field_name(field: str) -> str:
    """`lines.quantity` for `lines.2.quantity`, so that one field is counted in one place."""
    return _POSITION.sub("", field)


class FieldErrorCounts:
    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], FieldErrorCount] = {}

    def add(
        self,
        *,
        connection_id: str,
        entity: str,
        mapping_version: int,
        source_id: str,
        at: datetime,
        errors: Iterable[FieldError],
    ) -> None:
        for error in errors:
            name = field_name(error.field)
            before = self._counts.get((connection_id, entity, name))
            count = before.count if before is not None and before.mapping_version == mapping_version else 0
            self._counts[connection_id, entity, name] = FieldErrorCount(
                connection_id,
                entity,
                name,
                mapping_version,
                count + 1,
                error.code,
                _storable(error.reason),
                _storable(error.sample),
                source_id,
                at,
            )

    def all(self) -> list[FieldErrorCount]:
        """In the order of their keys, so that two writers never wait for each other."""
        return [self._counts[key] for key in sorted(self._counts)]


def _storable(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
