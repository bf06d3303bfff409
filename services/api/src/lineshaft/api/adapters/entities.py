"""Pages of the record store. Rows behind the mapping in force pass the filter, and are looked at here."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.domain.problems import invalid
from lineshaft.api.domain.reading import encoded, mapped, with_raw
from lineshaft.common.mapping import CompiledMapping
from lineshaft.common.postgres.pool import Pool

BY_ID = "id"
BY_CHANGE = "change"
MAX_ROUNDS = 20
"""A filter that finds little ends a page early instead of reading on for ever."""


@dataclass(frozen=True, slots=True)
class Query:
    connection_id: str
    entity: str
    limit: int
    cursor: str | None
    modified_after: datetime | None
    status: str | None
    include_raw: bool


@dataclass(frozen=True, slots=True)
class EntityPage:
    entities: list[bytes]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Mapping:
    """The mapping in force, compiled only where a row is behind it."""

    version: int
    compile: Callable[[], Awaitable[CompiledMapping]]

    async def needed_for(self, rows: Sequence[Any]) -> CompiledMapping | None:
        behind = any(row["mapping_version"] < self.version for row in rows)
        return await self.compile() if behind else None


async def read_page(pool: Pool, query: Query, mapping: Mapping) -> EntityPage:
    """In the order of ids; with `modified_after` in the order of change, so that nothing is missed.

    Raises:
        ProblemError: a cursor of another list.
    """
    place = _Place.of(query)
    entities: list[bytes] = []
    for _ in range(MAX_ROUNDS):
        wanted = query.limit - len(entities)
        rows = await place.fetch(pool, query, mapping.version, wanted + 1)
        compiled = await mapping.needed_for(rows)
        shown = rows[:wanted]
        if compiled is None and not query.include_raw:
            entities += [row["document"].encode() for row in shown]
        else:
            entities += [one for row in shown if (one := _shown(row, query, compiled)) is not None]
        place = place.after(shown[-1]) if shown else place
        if len(rows) <= wanted:
            return EntityPage(entities, None)
        if len(entities) == query.limit:
            break
    return EntityPage(entities, place.cursor())


async def read_one(
    pool: Pool,
    connection_id: str,
    entity: str,
    entity_id: str,
    mapping: Mapping,
    *,
    include_raw: bool = False,
) -> bytes | None:
    row = await pool.fetchrow(SQL["entity"], connection_id, entity, entity_id, mapping.version, include_raw)
    if row is None:
        return None
    shown = encoded(row, connection_id, await mapping.needed_for([row]))
    return with_raw(shown, row["raw"]) if include_raw else shown


def _shown(row: Any, query: Query, compiled: CompiledMapping | None) -> bytes | None:
    if compiled is not None and row["mapping_version"] < compiled.mapping_version:
        result = mapped(row, query.connection_id, compiled)
        if query.status is not None and result.document.get("status") != query.status:
            return None
        entity: bytes = result.encode(row["revision"])
    else:
        entity = encoded(row, query.connection_id, None)
    return with_raw(entity, row["raw"]) if query.include_raw else entity


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next page begins."""

    order: str
    moment: datetime | None
    row_id: str

    @classmethod
    def of(cls, query: Query) -> "_Place":
        if query.modified_after is None:
            row_id = cursors.decode(query.cursor, BY_ID, 1)[0] if query.cursor else ""
            return cls(BY_ID, None, row_id)
        if query.cursor is None:
            # Ids are hexadecimal digits, so this comes after each id of that very moment.
            return cls(BY_CHANGE, query.modified_after, "~")
        moment, row_id = cursors.decode(query.cursor, BY_CHANGE, 2)
        try:
            return cls(BY_CHANGE, datetime.fromisoformat(moment), row_id)
        except ValueError:
            raise invalid("cursor", "take it unchanged from the next_cursor of the page before") from None

    def after(self, row: Any) -> "_Place":
        return _Place(self.order, row["changed_at"] if self.moment else None, row["id"])

    def cursor(self) -> str:
        if self.moment is None:
            return cursors.encode(BY_ID, self.row_id)
        return cursors.encode(BY_CHANGE, self.moment.isoformat(), self.row_id)

    async def fetch(self, pool: Pool, query: Query, version: int, limit: int) -> Sequence[Any]:
        rows: Sequence[Any]
        if self.moment is None:
            rows = await pool.fetch(
                SQL["entities_by_id"],
                query.connection_id,
                query.entity,
                self.row_id,
                query.status,
                version,
                query.include_raw,
                limit,
            )
        else:
            rows = await pool.fetch(
                SQL["entities_by_change"],
                query.connection_id,
                query.entity,
                self.moment,
                self.row_id,
                query.status,
                version,
                query.include_raw,
                limit,
            )
        return rows
