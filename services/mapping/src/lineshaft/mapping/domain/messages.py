"""What comes on `records.raw`. Slices are decoded without pydantic, their records not at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from lineshaft.common.errors import UndecodableError
from lineshaft.common.events.drift import SchemaChanged
from lineshaft.common.events.envelope import Decoder, Event, header_text
from lineshaft.common.events.records import ReadCompleted, RecordsRead, RemapRequested, RetirementRequested
from lineshaft.common.kafka.record import Record
from lineshaft.common.tracing import traceparent_of
from lineshaft.common.unified import DeletionKind


class Position(NamedTuple):
    """The order of all reads of one connection and object."""

    lease_epoch: int
    read_sequence: int


class Slice(msgspec.Struct, frozen=True, gc=False):
    """The data of `RecordsRead`."""

    connection_id: str
    system: str
    object: str
    sync_id: str
    lease_epoch: int
    read_sequence: int
    read_at: datetime
    records: list[msgspec.Raw]
    deleted: list[str] = []
    definitions: dict[str, int] = {}

    @property
    def position(self) -> Position:
        return Position(self.lease_epoch, self.read_sequence)


@dataclass(frozen=True, slots=True)
class Page:
    """A slice with the Kafka record that it came in."""

    data: Slice
    record: Record
    traceparent: bytes
    deletion_kind: DeletionKind = "native"
    """How the deletion of those that `data` calls deleted was seen."""

    @property
    def stream(self) -> tuple[str, str]:
        return self.data.connection_id, self.data.object


RawMessage = Page | Event[Any]
"""A page, or an event of those that `_decode_event` knows."""

_decode_slice = msgspec.json.Decoder(Slice).decode
_decode_event = Decoder(ReadCompleted, RemapRequested, RetirementRequested, SchemaChanged)


def decode(record: Record) -> RawMessage | None:
    """None for a tombstone and for an event of another type.

    Raises:
        UndecodableError: bad header, bad JSON, or data that does not fit.
    """
    texts = header_text(record)
    if texts.get("ce_type") != RecordsRead.event_type:
        return _decode_event(record)
    if record.value is None:
        return None
    try:
        data = _decode_slice(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(f"not a slice of records: {error}") from None
    if data.read_at.tzinfo is None:
        raise UndecodableError("read_at: a time without a zone")
    for name in (data.connection_id, data.object, data.sync_id):
        if not name or "\0" in name:
            raise UndecodableError(f"{name!r} is not a name")
    return Page(data, record, traceparent_of(texts.get("traceparent")).encode())


def alone(page: Page, raw: msgspec.Raw) -> Record:
    """A page with one of its records, to be set aside without its neighbours."""
    fields = msgspec.structs.asdict(page.data)
    value = msgspec.json.encode({**fields, "records": [raw]})
    record = page.record
    return Record(
        record.topic, record.partition, record.offset, record.key, value, record.headers, record.timestamp
    )
