"""Pages of the record store. Rows behind the mapping in force pass the filter, and are looked at here."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain import cursors
from lineshaft.api.domain.problems import invalid
from lineshaft.api.domain.reading import encoded, mapped, with_raw
from lineshaft.common.mapping import CompiledMapping, content_hash
from lineshaft.common.postgres.pool import Pool
from lineshaft.common.unified import entity_id

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
    status: str | None = None
    number: str | None = None
    source_id: str | None = None
    include_raw: bool = False
    include_deleted: bool = False

    @classmethod
    def of(cls, connection_id: str, entity: str, asked: Any) -> "Query":
        """From the parameters of a list; `status` is one of those entities that have it."""
        return cls(
            connection_id=connection_id,
            entity=entity,
            limit=asked.limit,
            cursor=asked.cursor,
            modified_after=asked.modified_after,
            status=getattr(asked, "status", None),
            number=asked.number,
            source_id=asked.source_id,
            include_raw="raw" in asked.include,
            include_deleted="deleted" in asked.include,
        )

    @property
    def filters(self) -> dict[str, str]:
        given = {"status": self.status, "number": self.number}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def row_id(self) -> str | None:
        """The id follows from the source's key."""
        if self.source_id is None:
            return None
        return entity_id(self.connection_id, self.entity, self.source_id)


def page_statement(query: Query, version: int, source_object: str | None = None) -> str:
    """One statement a combination of filters, so that each has its index.

    Rows behind the mapping in force pass a filter: they are mapped and filtered on the way out. Version 1 is
    the first, so nothing is behind it. What a custom object had from another source is only shown as deleted,
    and stays as it was.
    """
    by_change = query.modified_after is not None
    place = 5 if by_change else 4
    number = place + 1
    behind = f"mapping_version < ${place}"
    conditions = ["connection_id = $1", "entity = $2"]
    if source_object is not None:
        number += 1
        behind = f"({behind} and object = ${number})"
        conditions.append(f"(object = ${number} or deleted_at is not null)")
    conditions.append("(changed_at, id) > ($3, $4)" if by_change else "id > $3")
    if not query.include_deleted:
        conditions.append("deleted_at is null")
    for name in query.filters:
        number += 1
        fits = f"document ->> '{name}' = ${number}"
        conditions.append(fits if version == 1 else f"({behind} or {fits})")
    if query.row_id:
        conditions.append(f"id = ${number + 1}")
    raw = "raw::text" if query.include_raw else f"case when {behind} then raw::text end"
    return (
        f"{SQL['entity_columns']}, {behind} as behind, {raw} as raw from mapping.entity_view"
        f" where {' and '.join(conditions)}"
        f" order by {'changed_at, id' if by_change else 'id'} limit ${place + 1}"
    )


@dataclass(frozen=True, slots=True)
class EntityPage:
    entities: list[bytes]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Mapping:
    """The mapping in force, compiled only where a row is behind it."""

    version: int
    compile: Callable[[], Awaitable[CompiledMapping]]
    source_object: str | None = None
    """Of a custom object: what its records come from."""

    async def needed_for(self, rows: Sequence[Any]) -> CompiledMapping | None:
        return await self.compile() if any(row["behind"] for row in rows) else None


async def read_page(pool: Pool, query: Query, mapping: Mapping) -> EntityPage:
    """In the order of ids; with `modified_after` in the order of change, so that nothing is missed.

    Raises:
        ProblemError: a cursor of another list.
    """
    place = _Place.of(query)
    entities: list[bytes] = []
    for _ in range(MAX_ROUNDS):
        wanted = query.limit - len(entities)
        rows = await place.fetch(pool, query, mapping, wanted + 1)
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


async def custom_source(pool: Pool, connection_id: str, entity: str) -> str | None:
    """The object that a custom one comes from; None where the connection has no such one."""
    row = await pool.fetchrow(SQL["active_mapping"], connection_id, entity)
    return (row["object"] or None) if row is not None else None


async def read_one(
    pool: Pool,
    connection_id: str,
    entity: str,
    record_id: str,
    mapping: Mapping,
    *,
    include_raw: bool = False,
    include_deleted: bool = False,
) -> bytes | None:
    row = await pool.fetchrow(
        SQL["entity"],
        connection_id,
        entity,
        record_id,
        mapping.version,
        include_raw,
        include_deleted,
        mapping.source_object,
    )
    if row is None:
        return None
    shown = encoded(row, connection_id, await mapping.needed_for([row]))
    return with_raw(shown, row["raw"]) if include_raw else shown


async def revision_of(pool: Pool, document: dict[str, Any], following: int) -> int:
    """That under which this content is stored; where it is not yet, the one that it will get."""
    row = await pool.fetchrow(SQL["stored"], document["connection_id"], document["entity"], document["id"])
    if row is not None and content_hash(row["document"]) == content_hash(document):
        return int(row["revision"])
    return following


def _shown(row: Any, query: Query, compiled: CompiledMapping | None) -> bytes | None:
    if compiled is not None and row["behind"]:
        result = mapped(row, query.connection_id, compiled)
        if any(result.document.get(name) != value for name, value in query.filters.items()):
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

    async def fetch(self, pool: Pool, query: Query, mapping: Mapping, limit: int) -> Sequence[Any]:
        order = () if self.moment is None else (self.moment,)
        rows: Sequence[Any] = await pool.fetch(
            page_statement(query, mapping.version, mapping.source_object),
            query.connection_id,
            query.entity,
            *order,
            self.row_id,
            mapping.version,
            limit,
            *([] if mapping.source_object is None else [mapping.source_object]),
            *query.filters.values(),
            *([query.row_id] if query.row_id else []),
        )
        return rows
