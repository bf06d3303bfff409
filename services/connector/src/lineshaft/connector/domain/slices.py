"""Slices of records as messages of `records.raw`: the source's own bytes, cut and framed, never decoded."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, count

import orjson

from lineshaft.common import topics
from lineshaft.common.events.envelope import headers
from lineshaft.common.events.records import RecordsRead
from lineshaft.common.ids import derived_id
from lineshaft.common.kafka.record import Message

MOST_BYTES = 500_000
MOST_RECORD_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the records of one lease come from."""

    connection_id: str
    system: str
    object: str
    sync_id: str
    lease_epoch: int
    traceparent: str | None = None
    definitions: tuple[tuple[str, int], ...] = ()
    """Custom objects that they are read for, with the version of their definition."""

    @property
    def key(self) -> str:
        return f"{self.connection_id}/{self.object}"


@dataclass(frozen=True, slots=True)
class Slices:
    messages: tuple[Message, ...]
    read_sequence: int
    """Of the last message."""
    oversized: tuple[bytes, ...]
    """Records that no message can hold."""


def sliced(
    origin: Origin, records: Sequence[bytes], read_sequence: int, read_at: datetime, source: str
) -> Slices:
    """`records` in messages of at most half a megabyte, numbered from `read_sequence + 1`."""
    oversized: tuple[bytes, ...] = ()
    sizes = list(map(len, records))
    if sizes and max(sizes) > MOST_RECORD_BYTES:
        oversized = tuple(record for record in records if len(record) > MOST_RECORD_BYTES)
        records = [record for record in records if len(record) <= MOST_RECORD_BYTES]
        sizes = list(map(len, records))
    numbers = count(read_sequence + 1)
    messages = tuple(
        _message(origin, records[start:end], next(numbers), read_at, source) for start, end in _cuts(sizes)
    )
    return Slices(messages, read_sequence + len(messages), oversized)


def after_write(
    origin: Origin, records: Sequence[bytes], deleted: Sequence[str], read_at: datetime, source: str
) -> Message:
    """What a write left behind; `origin.lease_epoch` lies behind all that is being read."""
    return _message(origin, records, 0, read_at, source, deleted=deleted, event_id=origin.sync_id)


def _cuts(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where to cut, so that each part is as long as it may be."""
    start = 0
    ends = list(accumulate(sizes))
    while start < len(sizes):
        before = ends[start - 1] if start else 0
        end = max(start + 1, bisect_right(ends, before + MOST_BYTES))
        yield start, end
        start = end


def _message(
    origin: Origin,
    records: Sequence[bytes],
    read_sequence: int,
    read_at: datetime,
    source: str,
    *,
    deleted: Sequence[str] = (),
    event_id: str | None = None,
) -> Message:
    head = orjson.dumps(
        {
            "connection_id": origin.connection_id,
            "system": origin.system,
            "object": origin.object,
            "sync_id": origin.sync_id,
            "lease_epoch": origin.lease_epoch,
            "read_sequence": read_sequence,
            "read_at": read_at,
        }
        | ({"deleted": deleted} if deleted else {})
        | ({"definitions": dict(origin.definitions)} if origin.definitions else {})
    )
    event_id = derived_id("evt", origin.key, event_id or origin.lease_epoch, read_sequence)
    own = headers(event_id, RecordsRead.event_type, source, read_at.isoformat(), origin.key, origin.key)
    if origin.traceparent:
        own.append(("traceparent", origin.traceparent.encode()))
    return Message(
        topic=topics.RECORDS_RAW.name,
        key=origin.key.encode(),
        value=b"".join((head[:-1], b',"records":[', b",".join(records), b"]}")),
        headers=tuple(own),
    )
