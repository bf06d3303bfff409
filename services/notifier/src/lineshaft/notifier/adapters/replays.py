"""Replays: a range of events, a cursor, and what was queued of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from lineshaft.common.events.commands import ReplayRequested
from lineshaft.common.ids import derived_id
from lineshaft.common.postgres.pool import Connection
from lineshaft.notifier.adapters.postgres import SQL, delivery_id
from lineshaft.notifier.domain.routing import Endpoint


class Taken(NamedTuple):
    """A replay in hand, until the transaction ends."""

    replay_id: str
    endpoint_id: str
    since: datetime
    until: datetime
    only_undelivered: bool
    per_second: float
    worked_at: datetime
    all_queued: bool
    outstanding: int


async def choice(tx: Connection, endpoint_id: str) -> Endpoint | None:
    """What the endpoint gets."""
    row = await tx.fetchrow(SQL["endpoint_choice"], endpoint_id)
    if row is None:
        return None
    return Endpoint(endpoint_id, frozenset(row["event_types"]), frozenset(row["connection_ids"]))


async def add(
    tx: Connection,
    command: ReplayRequested,
    event_types: Sequence[str],
    connection_ids: Sequence[str],
    now: datetime,
) -> tuple[str, int]:
    """Its id and how many events it is about."""
    replay_id = derived_id("rpl", command.command_id)
    await tx.execute(
        SQL["add_replay"],
        replay_id,
        command.endpoint_id,
        command.since,
        min(command.until or now, now),
        event_types,
        connection_ids,
        command.only == "undelivered",
        command.per_second,
        now,
    )
    return replay_id, await tx.fetchval(SQL["count_replay"], replay_id)


async def cancel(tx: Connection, replay_id: str, now: datetime) -> bool:
    return await tx.fetchval(SQL["cancel_replay"], replay_id, now) is not None


async def take(tx: Connection, now: datetime) -> Taken | None:
    row = await tx.fetchrow(SQL["take_replay"], now)
    return Taken(*row) if row else None


async def queue(tx: Connection, replay: Taken, limit: int, now: datetime, again: datetime) -> None:
    """The next events and the new cursor."""
    rows = await tx.fetch(SQL["replay_events"], replay.replay_id, limit)
    events = [row["event_id"] for row in rows]
    queued = await tx.fetch(
        SQL["queue_replay"],
        [delivery_id(replay.endpoint_id, event) for event in events],
        [derived_id("msg", replay.endpoint_id, event) for event in events],
        events,
        [row["event_type"] for row in rows],
        [row["connection_id"] for row in rows],
        replay.only_undelivered,
        replay.endpoint_id,
        now,
        replay.replay_id,
    )
    await tx.execute(
        SQL["move_replay"],
        replay.replay_id,
        rows[-1]["at"] if rows else None,
        rows[-1]["event_id"] if rows else None,
        len(rows),
        len(queued),
        len(rows) < limit,
        now,
        again,
    )


async def rest(tx: Connection, replay: Taken, until: datetime) -> None:
    await tx.execute(SQL["rest_replay"], replay.replay_id, until)


async def complete(tx: Connection, replay: Taken, now: datetime) -> asyncpg.Record | None:
    return await tx.fetchrow(SQL["complete_replay"], replay.replay_id, now)
