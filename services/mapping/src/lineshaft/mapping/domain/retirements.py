"""Stored records that an entity no longer has: what was known of them is told once more, as deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from lineshaft.common.kafka.record import Message
from lineshaft.common.mapping.plain import iso
from lineshaft.common.unified import DeletionKind
from lineshaft.mapping.domain.entity_events import EntityEvents
from lineshaft.mapping.domain.records import DELETED_HASH


class Living(NamedTuple):
    """A stored record that is not deleted."""

    id: str
    mapping_version: int
    revision: int
    document: bytes


def retire(
    connection_id: str, entity: str, rows: Sequence[Living], now: datetime, traceparent: bytes
) -> tuple[list[Living], list[Message]]:
    """The records as they end, still at the revision that was known, and what is told of them."""
    ended, messages = [], list[Message]()
    time = now.isoformat().encode()
    for row in rows:
        events = EntityEvents(connection_id, entity, row.mapping_version, time, traceparent)
        revision = row.revision + 1
        document = deleted_document(row.document, at=iso(now), revision=revision)
        messages += events.deleted(row.id, revision, DELETED_HASH, document)
        ended.append(row._replace(document=document))
    return ended, messages


def deleted_document(known: bytes, *, at: str, revision: int, kind: DeletionKind | None = None) -> bytes:
    """What was known of a record, as deleted."""
    document: dict[str, Any] = orjson.loads(known)
    last = {"deleted_at": at, "deletion_kind": kind, "observed_at": at, "revision": revision}
    return orjson.dumps(document | last)
