"""Sealed rows: which keys they are under, and their re-sealing under the active one.

Each owner of sealed rows publishes `key_usage_view(table_name, key_id, rows)` and runs `Resealing`:

1. Rows under other keys than the active one are counted; where there are none, that is all.
2. They are taken in batches, each in one transaction. A row is locked while it is opened and sealed again, so
   that no newer value is overwritten; what somebody else has locked is left for the next turn.
3. What cannot be opened stays as it is, and is named in the log.

Any number of processes may do so at once, and end at any moment.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lineshaft.common.encryption import KeyRing, UnreadableSecretError
from lineshaft.common.errors import ConfigurationError
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres.pool import RETRYABLE, Connection, Pool

EVERY_SECONDS = 5.0
BATCH = 200

_USAGE = "select table_name, key_id, rows from key_usage_view"

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class SealedTable:
    """Names of a table with a generated `key_id`, and what each of its secrets is bound to.

    `bound_to` takes the row's `owner`, where the table has one, and its `id`.
    """

    table: str
    id: str
    bound_to: Callable[..., str]
    owner: str | None = None
    sealed: str = "sealed"

    @property
    def pick(self) -> str:
        """A batch under some keys after an id, locked; what somebody else has locked is left out."""
        return (
            f"select {self.id} as id, {self.owner or 'null'} as owner, {self.sealed} as sealed "
            f"from {self.table} where key_id = any($1::text[]) and {self.id} > $2 "
            f"order by {self.id} limit $3 for no key update skip locked"
        )

    @property
    def put(self) -> str:
        """The same secrets under another key, by id."""
        return (
            f"update {self.table} set {self.sealed} = again.sealed "
            "from unnest($1::text[], $2::bytea[]) as again (id, sealed) "
            f"where {self.table}.{self.id} = again.id"
        )

    def binding(self, row: Any) -> str:
        return self.bound_to(row["owner"], row["id"]) if self.owner else self.bound_to(row["id"])


async def key_usage(pool: Pool) -> list[tuple[str, str, int]]:
    """Table, key id and number of rows."""
    return [(row["table_name"], row["key_id"], row["rows"]) for row in await pool.fetch(_USAGE)]


async def refuse_unknown_keys(pool: Pool, keys: KeyRing) -> None:
    """Before anything is read.

    Raises:
        ConfigurationError: there are rows that no key of ours opens.
    """
    missing: Counter[str] = Counter()
    for _, key_id, rows in await key_usage(pool):
        if key_id not in keys.ids:
            missing[key_id] += rows
    if missing:
        listed = ", ".join(f"{key_id!r} ({rows} rows)" for key_id, rows in sorted(missing.items()))
        raise ConfigurationError(
            f"LINESHAFT_SECRET_KEYS lacks keys that stored secrets are sealed with: {listed}"
        )


class Resealing:
    """Background work of a service that owns sealed rows."""

    def __init__(self, pool: Pool, keys: KeyRing, tables: Sequence[SealedTable], service: str) -> None:
        self._pool = pool
        self._keys = keys
        self._tables = tables
        self._service = service
        self._left = 0
        self._told: object = None

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await self.turn(stopping)
            except RETRYABLE as error:
                log.warning("resealing_retries", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)

    async def turn(self, stopping: asyncio.Event) -> None:
        """Once through all rows that are under other keys."""
        await self._count()
        if not self._left:
            return
        sealed, unreadable = 0, []
        for table in self._tables:
            last: str | None = ""
            while last is not None and not stopping.is_set():
                async with self._pool.acquire() as connection, connection.transaction():
                    last, done, refused = await self._batch(connection, table, last)
                sealed += done
                unreadable += refused
        await self._count()
        if (sealed, unreadable, self._left) == self._told:
            return
        self._told = sealed, unreadable, self._left
        log.info("secrets_resealed", key_id=self._keys.active, number=sealed, left=self._left)
        if unreadable:
            log.error("secrets_unreadable", rows=unreadable[:10], number=len(unreadable))

    async def _count(self) -> None:
        usage = await key_usage(self._pool)
        self._left = sum(rows for _, key_id, rows in usage if key_id != self._keys.active)
        METRICS.secrets_to_reseal.labels(self._service).set(self._left)

    async def _batch(
        self, tx: Connection, table: SealedTable, after: str
    ) -> tuple[str | None, int, list[str]]:
        """The last id, None at the end of the table; how many were sealed again; which could not be."""
        others = list(self._keys.ids - {self._keys.active})
        rows = await tx.fetch(table.pick, others, after, BATCH)
        ids, sealed, unreadable = [], [], []
        for row in rows:
            bound_to = table.binding(row)
            try:
                secret = self._keys.open(row["sealed"], bound_to=bound_to)
            except UnreadableSecretError:
                unreadable.append(bound_to)
                continue
            ids.append(row["id"])
            sealed.append(self._keys.seal(secret, bound_to=bound_to))
        await tx.execute(table.put, ids, sealed)
        return (rows[-1]["id"] if rows else None), len(ids), unreadable
