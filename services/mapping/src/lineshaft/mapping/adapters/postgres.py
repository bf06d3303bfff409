"""The record store. Every function takes a connection, so that the caller owns the transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from lineshaft.common.errors import RetryableError
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.postgres.queries import load_queries
from lineshaft.mapping.adapters.arrays import of_ids, of_numbers
from lineshaft.mapping.domain.batch import KeyedPage
from lineshaft.mapping.domain.deletions import LONGEST_READ
from lineshaft.mapping.domain.field_errors import FieldErrorCount
from lineshaft.mapping.domain.messages import Page, Position
from lineshaft.mapping.domain.records import Origin, Row, Stored

QUERIES = load_queries("lineshaft.mapping.adapters")

_count_values = attrgetter(*FieldErrorCount.__slots__)
_shared = attrgetter(*Origin.__slots__)


class OvertakenError(RetryableError):
    """Another process has written these records; decide again on what is there now."""


async def last_positions(
    connection: Connection, streams: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Position]:
    """The highest position seen of each connection and object."""
    rows = await connection.fetch(
        QUERIES["last_positions"], [stream[0] for stream in streams], [stream[1] for stream in streams]
    )
    return {(row[0], row[1]): Position(row[2], row[3]) for row in rows}


async def overtaken(connection: Connection, page: Page, source_ids: Collection[str]) -> frozenset[str]:
    """Those of the keys that a later page of the same connection and object held too."""
    data = page.data
    rows = await connection.fetch(
        QUERIES["overtaken"],
        data.connection_id,
        data.object,
        data.lease_epoch,
        data.read_sequence,
        list(source_ids),
    )
    return frozenset(row[0] for row in rows)


async def stored_records(connection: Connection, pages: Sequence[KeyedPage]) -> dict[str, Stored]:
    """What the store holds of all entities of these pages, by id."""
    wanted = [
        (keyed.page.data.connection_id, mapping.entity, keyed.page.data.object, of_ids(ids))
        for keyed in pages
        for mapping, *both in zip(keyed.mappings, keyed.ids, keyed.deleted_ids, strict=True)
        for ids in both
        if ids
    ]
    if not wanted:
        return {}
    rows = await connection.fetch(QUERIES["stored_records"], *map(list, zip(*wanted, strict=True)))
    return {record_id: Stored(*rest) for record_id, *rest in rows}


async def documents(connection: Connection, pages: Sequence[KeyedPage]) -> dict[str, tuple[bytes, bytes]]:
    """The raw record and the document of each stored one that is deleted, by id."""
    wanted = [
        (keyed.page.data.connection_id, mapping.entity, record_id)
        for keyed in pages
        for mapping, ids in zip(keyed.mappings, keyed.deleted_ids, strict=True)
        for record_id in ids
    ]
    if not wanted:
        return {}
    rows = await connection.fetch(QUERIES["documents"], *map(list, zip(*wanted, strict=True)))
    return {row[0]: (row[1].encode(), row[2].encode()) for row in rows}


async def write_records(tx: Connection, rows: Iterable[Row], based_on: Mapping[str, int]) -> None:
    """Write new and changed rows.

    Raises:
        OvertakenError: the store no longer holds the revisions that the decision was made on.
    """
    by_origin: dict[Origin, list[Row]] = defaultdict(list)
    for row in rows:
        by_origin[row.origin].append(row)
    for origin, some in by_origin.items():
        _, ids, source_ids, raws, raw_hashes, documents, content_hashes, revisions, changed_at = zip(
            *some, strict=True
        )
        status = await tx.execute(
            QUERIES["write_records"],
            *_shared(origin),
            of_ids(ids),
            source_ids,
            raws,
            of_ids(raw_hashes),
            documents,
            of_ids(content_hashes),
            of_numbers(revisions),
            changed_at,
            of_numbers(based_on[row.id] for row in some),
        )
        _require(status, len(some))


async def add_read_slices(tx: Connection, pages: Iterable[tuple[Page, Collection[str]]]) -> None:
    await tx.executemany(
        QUERIES["add_read_slice"],
        [
            (
                page.data.connection_id,
                page.data.object,
                page.data.lease_epoch,
                page.data.read_sequence,
                page.data.sync_id,
                page.data.read_at,
                list(source_ids),
            )
            for page, source_ids in pages
        ],
    )


async def add_field_errors(tx: Connection, counts: Sequence[FieldErrorCount]) -> None:
    if counts:
        await tx.execute(QUERIES["add_field_errors"], *zip(*map(_count_values, counts), strict=True))


async def fold_old_slices(pool: Pool, now: datetime, keep: timedelta, *, streams: int = 100) -> int:
    """Forget slices older than `keep`; the records they held keep the position.

    Those of a read that has not ended stay, unless no read takes that long.

    Returns the number of streams done; at most `streams`.
    """
    before, of_open_reads = now - keep, now - keep - LONGEST_READ
    found = await pool.fetch(QUERIES["old_slices"], before, of_open_reads, streams)
    for connection_id, object_name in found:
        await pool.execute(QUERIES["fold_slices"], connection_id, object_name, before, of_open_reads)
    return len(found)


def _require(status: str, count: int) -> None:
    if int(status.rsplit(" ", 1)[1]) != count:
        raise OvertakenError
