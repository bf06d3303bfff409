"""Schedules, and the rows of them that are due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lineshaft.common.events.commands import Frequency
from lineshaft.common.postgres.pool import Connection
from lineshaft.connector.adapters.postgres import QUERIES, Database
from lineshaft.connector.domain.schedules import EVERYTHING_ELSE, Due, Scheduled, begin


@dataclass(frozen=True, slots=True)
class DueRow:
    connection_id: str
    system: str
    object: str
    frequency: Frequency
    due: Due


async def make_default(tx: Connection, connection_id: str, every_minutes: int, now: datetime) -> None:
    due = begin(Frequency(every_minutes=every_minutes), now)
    await tx.execute(QUERIES["schedule_default"], connection_id, every_minutes, due.changes_at)


async def replace(
    tx: Connection,
    connection_id: str,
    frequency: Frequency,
    objects: Mapping[str, Frequency],
    *,
    actor: str,
    now: datetime,
) -> bool:
    """False where there is no such connection."""
    await tx.execute(QUERIES["schedule_clear"], connection_id)
    known = False
    for name, one in {EVERYTHING_ELSE: frequency, **objects}.items():
        due = begin(one, now)
        known = await tx.fetchval(
            QUERIES["schedule_set"],
            connection_id,
            name,
            one.every_minutes,
            one.full_every_hours,
            due.changes_at,
            due.everything_at,
            actor,
        )
    return bool(known)


async def due(tx: Connection, now: datetime) -> list[DueRow]:
    """Locked for this transaction."""
    rows = await tx.fetch(QUERIES["schedule_due"], now)
    return [
        DueRow(
            row["connection_id"],
            row["system"],
            row["object"],
            Frequency(every_minutes=row["every_minutes"], full_every_hours=row["full_every_hours"]),
            Due(row["due_at"], row["full_due_at"]),
        )
        for row in rows
    ]


async def move_on(tx: Connection, row: DueRow, following: Due) -> None:
    await tx.execute(
        QUERIES["schedule_next"],
        row.connection_id,
        row.object,
        following.changes_at,
        following.everything_at,
    )


async def own_rows(tx: Connection, connection_id: str) -> set[str]:
    """Objects with a frequency of their own."""
    return {row["object"] for row in await tx.fetch(QUERIES["schedule_own"], connection_id)}


async def scheduled(db: Database, connection_id: str, *, by_default: bool) -> Scheduled:
    rows = await db.fetch(QUERIES["schedule_objects"], connection_id)
    return Scheduled({row["object"]: row["reads"] for row in rows}, by_default)
