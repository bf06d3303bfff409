"""Stored records that are mapped again with a newer version, without asking the source."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from lineshaft.common.kafka.record import Message
from lineshaft.common.mapping import FieldError
from lineshaft.common.mapping.plain import iso
from lineshaft.mapping.domain.entity_events import EntityEvents
from lineshaft.mapping.domain.field_errors import FieldErrorCounts
from lineshaft.mapping.domain.mappings import ActiveMapping
from lineshaft.mapping.domain.records import fitting


class Behind(NamedTuple):
    """A stored record of an older mapping version."""

    id: str
    source_id: str
    raw: dict[str, Any]
    revision: int
    content_hash: str
    observed_at: datetime


class Remapped(NamedTuple):
    """A record whose content differs; the order is that of the statement that writes it."""

    id: str
    known_revision: int
    document: bytes
    content_hash: str


@dataclass(slots=True)
class RemapResult:
    messages: list[Message] = field(default_factory=list)
    changed: list[Remapped] = field(default_factory=list)
    unchanged: list[tuple[str, int]] = field(default_factory=list)
    """Id and revision of records that only get the new version."""
    errors: FieldErrorCounts = field(default_factory=FieldErrorCounts)


def remap(
    connection_id: str,
    rows: Sequence[Behind],
    active: ActiveMapping,
    now: datetime,
    traceparent: bytes,
) -> RemapResult:
    result = RemapResult()
    time = now.isoformat().encode()
    events = EntityEvents(connection_id, active.entity, active.version, time, traceparent)
    for row in rows:
        try:
            mapped = active.compiled.apply(
                connection_id, row.source_id, row.raw, iso(row.observed_at), row.id
            )
            document = fitting(mapped.encode(row.revision + 1))
        except Exception as error:  # noqa: BLE001  one record never holds up the others
            failure = FieldError("*", "", "invalid_value", repr(error), "")
            result.errors.add(
                connection_id=connection_id,
                entity=active.entity,
                mapping_version=active.version,
                source_id=row.source_id,
                at=now,
                errors=[failure],
            )
            result.unchanged.append((row.id, row.revision))
            continue
        if mapped.errors:
            result.errors.add(
                connection_id=connection_id,
                entity=active.entity,
                mapping_version=active.version,
                source_id=row.source_id,
                at=now,
                errors=mapped.errors,
            )
        if mapped.content_hash == row.content_hash:
            result.unchanged.append((row.id, row.revision))
            continue
        revision = row.revision + 1
        told = row.id, revision, mapped.content_hash, document
        if mapped.document.get("deleted_at") is None:
            result.messages.append(events.upserted(*told))
        else:
            result.messages += events.deleted(*told)
        result.changed.append(Remapped(row.id, row.revision, document, mapped.content_hash))
    return result
