"""What becomes of one record: new, changed, unchanged or stale."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from lineshaft.common.errors import LineshaftError
from lineshaft.mapping.domain.messages import Position


class Effect(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    STALE = "stale"
    DELETED = "deleted"


MAX_DOCUMENT_BYTES = 1_500_000

DELETED_HASH = "deleted"
"""The content hash of a record that its source no longer has: whatever comes later differs."""


class DocumentTooLargeError(LineshaftError):
    """A mapped record that no Kafka message can hold."""


def fitting(document: bytes) -> bytes:
    """The document; one that could never be published would hold up its partition.

    Raises:
        DocumentTooLargeError: it does not fit into a message.
    """
    if len(document) > MAX_DOCUMENT_BYTES:
        raise DocumentTooLargeError
    return document


class Stored(msgspec.Struct, gc=False):
    """What the store, or the batch before this record, knows of an entity."""

    revision: int
    raw_hash: str
    mapping_digest: str
    content_hash: str
    lease_epoch: int
    read_sequence: int
    changed_at: datetime

    def overtakes(self, position: Position) -> bool:
        return (self.lease_epoch, self.read_sequence) > position

    def made_from(self, raw_hash: str, mapping_digest: str) -> bool:
        """Mapping the record again would give what is there."""
        return self.raw_hash == raw_hash and self.mapping_digest == mapping_digest


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """What all rows of one page and entity have in common; the order is that of the statements."""

    connection_id: str
    entity: str
    object: str
    mapping_version: int
    mapping_digest: str
    lease_epoch: int
    read_sequence: int
    observed_at: datetime


class Row(NamedTuple):
    """One entity as it is to be stored."""

    origin: Origin
    id: str
    source_id: str
    raw: bytes
    raw_hash: str
    document: bytes
    content_hash: str
    revision: int
    changed_at: datetime
