"""Endpoints, events and deliveries; leases of deliveries and what tries came to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.ids import derived_id
from lineshaft.common.postgres import tombstones
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.postgres.queries import load_queries
from lineshaft.notifier.domain.endurance import Failing, Tally
from lineshaft.notifier.domain.result import Answer
from lineshaft.notifier.domain.routing import Endpoint
from lineshaft.notifier.domain.secrets import StoredSecret

SQL = load_queries("lineshaft.notifier.adapters")


@dataclass(frozen=True, slots=True)
class Told:
    """An event to tell."""

    event_id: str
    event_type: str
    connection_id: str | None
    at: datetime
    data: dict[str, Any]
    concerned: tuple[str, ...] = ()
    """Connections that it is about, where it is about several."""
    traceparent: str | None = None

    @property
    def connection_ids(self) -> tuple[str, ...]:
        return self.concerned or ((self.connection_id,) if self.connection_id else ())


@dataclass(frozen=True, slots=True)
class Lease:
    """A delivery in hand until `until`."""

    delivery_id: str
    webhook_id: str
    endpoint_id: str
    connection_id: str | None
    event_type: str
    lease_epoch: int
    tries: int
    deferrals: int
    first_tried_at: datetime | None
    attempts: int
    url: str
    ordered: bool
    event_at: datetime
    data: dict[str, Any]
    until: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A try that was made, and what becomes of its delivery."""

    lease: Lease
    answer: Answer
    state: str
    next_attempt_at: datetime | None
    deferred: bool


async def share_routing(tx: Connection) -> None:
    await tx.execute(SQL["routing_shared"])


async def change_routing(tx: Connection) -> None:
    await tx.execute(SQL["routing_exclusive"])


async def list_endpoints(tx: Connection) -> list[Endpoint]:
    rows = await tx.fetch(SQL["list_endpoints"])
    return [
        Endpoint(row["endpoint_id"], frozenset(row["event_types"]), frozenset(row["connection_ids"]))
        for row in rows
    ]


async def save_endpoint(tx: Connection, endpoint: EndpointDescribed) -> bool:
    """Whether it was heard of for the first time."""
    is_new = await tx.fetchval(
        SQL["save_endpoint"],
        endpoint.endpoint_id,
        endpoint.url,
        endpoint.event_types,
        endpoint.connection_ids,
        endpoint.enabled,
        endpoint.deleted,
        endpoint.revision,
        endpoint.changed_at,
        endpoint.ordered,
        endpoint.max_per_second,
    )
    if is_new is not None and endpoint.deleted:
        await tx.execute(SQL["cancel_deliveries"], endpoint.endpoint_id)
        await tx.execute(SQL["delete_secrets"], endpoint.endpoint_id)
        await tx.execute(SQL["cancel_replays_of"], endpoint.endpoint_id)
    return bool(is_new)


async def events_since(tx: Connection, since: datetime) -> list[Told]:
    """Without their data, which routing does not look at."""
    rows = await tx.fetch(SQL["events_since"], since)
    return [
        Told(
            row["event_id"],
            row["event_type"],
            row["connection_id"],
            row["at"],
            {},
            tuple(row["concerned"]),
        )
        for row in rows
    ]


async def save_connection(tx: Connection, connection: ConnectionDescribed) -> None:
    """Of a deleted one only that it was."""
    deleted = connection.lifecycle is Lifecycle.DELETED
    await tx.execute(
        SQL["save_connection"],
        connection.connection_id,
        "" if deleted else connection.system,
        {} if deleted else connection.metadata,
        connection.revision,
        deleted,
    )


async def purge(tx: Connection, connection_id: str) -> dict[str, int]:
    """Delete all but the tombstone, and a last word until it is delivered; how many rows of which table."""
    await tombstones.bury(tx, connection_id)
    await tx.execute(SQL["bury_connection"], connection_id)
    counted = await tx.fetchrow(SQL["count_deliveries"], connection_id)
    return {
        "delivery": counted["deliveries"] if counted else 0,
        "attempt": counted["attempts"] if counted else 0,
        **await tombstones.delete_rows(tx, SQL, ("purge_event", "purge_alert"), connection_id),
    }


async def purge_last_words(pool: Pool) -> None:
    await pool.execute(SQL["purge_last_words"])
    await pool.execute(SQL["purge_last_alerts"])


async def deleted_connections(tx: Connection, connection_ids: Iterable[str]) -> frozenset[str]:
    rows = await tx.fetch(SQL["deleted_connections"], list(set(connection_ids)))
    return frozenset(row["connection_id"] for row in rows)


async def metadata_of(tx: Connection, connection_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    rows = await tx.fetch(SQL["connections"], list(set(connection_ids)))
    return {row["connection_id"]: row["metadata"] for row in rows}


async def add_events(tx: Connection, told: Sequence[Told]) -> list[Told]:
    """Those that are new: an old event that is read once more goes to nobody."""
    rows = await tx.fetch(
        SQL["add_events"],
        [event.event_id for event in told],
        [event.event_type for event in told],
        [event.connection_id for event in told],
        [event.at for event in told],
        [event.data for event in told],
        [{"ids": event.concerned} for event in told],
        [event.traceparent for event in told],
    )
    new = {row["event_id"] for row in rows}
    return [event for event in told if event.event_id in new]


async def add_deliveries(
    tx: Connection, pairs: Sequence[tuple[str, str, str, str | None]], now: datetime
) -> None:
    """Of (endpoint id, event id, event type, connection id)."""
    if not pairs:
        return
    endpoints, events, types, connections = zip(*pairs, strict=True)
    await tx.execute(
        SQL["add_deliveries"],
        [delivery_id(endpoint, event) for endpoint, event, _, _ in pairs],
        [derived_id("msg", endpoint, event) for endpoint, event, _, _ in pairs],
        list(endpoints),
        list(events),
        list(types),
        list(connections),
        now,
    )


async def supersede(
    tx: Connection, recoveries: Sequence[tuple[str, str, str, str]], older_than: datetime
) -> list[asyncpg.Record]:
    """By (endpoint id, connection id, issue id, event id) of recoveries: what is no longer to be sent."""
    if not recoveries:
        return []
    return await tx.fetch(
        SQL["supersede"], *(list(column) for column in zip(*recoveries, strict=True)), older_than
    )


def delivery_id(endpoint_id: str, event_id: str) -> str:
    return derived_id("dlv", endpoint_id, event_id)


async def redeliver(tx: Connection, delivery: str, now: datetime) -> asyncpg.Record | None:
    return await tx.fetchrow(SQL["redeliver"], delivery, now)


async def wake_senders(tx: Connection) -> None:
    await tx.execute(SQL["wake_senders"])


async def endpoint_exists(tx: Connection, endpoint_id: str) -> bool:
    return bool(await tx.fetchval(SQL["endpoint_exists"], endpoint_id))


async def lease(
    pool: Pool,
    taken: Mapping[str, int],
    *,
    per_endpoint: int,
    limit: int,
    now: datetime,
    until: datetime,
) -> list[Lease]:
    """Due deliveries of every endpoint that has less than `per_endpoint` in hand, the oldest first."""
    rows = await pool.fetch(SQL["lease"], now, list(taken), list(taken.values()), per_endpoint, limit, until)
    return sorted((Lease(**row, until=until) for row in rows), key=lambda one: one.event_at)


async def secrets_of(pool: Pool, endpoint_ids: Iterable[str]) -> dict[str, list[StoredSecret]]:
    found: dict[str, list[StoredSecret]] = {}
    for row in await pool.fetch(SQL["secrets"], list(set(endpoint_ids))):
        found.setdefault(row["endpoint_id"], []).append(StoredSecret(**row))
    return found


async def next_due(pool: Pool, after: datetime) -> datetime | None:
    due: datetime | None = await pool.fetchval(SQL["next_due"], after)
    return due


async def release(pool: Pool, leases: Sequence[Lease]) -> None:
    await pool.execute(
        SQL["release"], [one.delivery_id for one in leases], [one.lease_epoch for one in leases]
    )


async def postpone(pool: Pool, leases: Sequence[Lease], until: datetime, reason: str) -> None:
    await pool.execute(
        SQL["postpone"],
        [one.delivery_id for one in leases],
        [one.lease_epoch for one in leases],
        until,
        reason,
    )


async def record(tx: Connection, made: Sequence[Made]) -> dict[str, int]:
    """Delivery id to the number of the attempt, of those that count."""
    rows = await tx.fetch(
        SQL["record"],
        [one.lease.delivery_id for one in made],
        [one.lease.lease_epoch for one in made],
        [one.state for one in made],
        [one.next_attempt_at for one in made],
        [int(one.deferred) for one in made],
        [one.answer.at for one in made],
        [one.answer.duration_ms for one in made],
        [one.answer.status for one in made],
        [one.answer.problem for one in made],
        [one.answer.body for one in made],
    )
    return {row["delivery_id"]: row["number"] for row in rows}


async def disable_endpoints(
    tx: Connection, endpoint_ids: Iterable[str], now: datetime, reason: str
) -> dict[str, datetime | None]:
    """Those that were not yet, and since when they have failed."""
    wanted = sorted(set(endpoint_ids))
    rows = await tx.fetch(SQL["disable_endpoints"], wanted, now, reason) if wanted else []
    return {row["endpoint_id"]: row["failing_since"] for row in rows}


async def tally_endpoints(tx: Connection, tallies: Mapping[str, Tally]) -> None:
    """What a batch of tries says of their endpoints."""
    names = sorted(tallies)
    if not names:
        return
    found = [tallies[name] for name in names]
    await tx.execute(
        SQL["tally_endpoints"],
        names,
        [one.taken for one in found],
        [one.failures for one in found],
        [one.first_failed_at for one in found],
        [one.last_failed_at for one in found],
    )


async def failing_endpoints(tx: Connection, before: datetime) -> dict[str, Failing]:
    """Those that have taken nothing since then; locked."""
    rows = await tx.fetch(SQL["failing_endpoints"], before)
    return {
        row["endpoint_id"]: Failing(row["failing_since"], row["last_failed_at"], row["warned"])
        for row in rows
    }


async def warn_endpoint(tx: Connection, endpoint_id: str, percent: int) -> None:
    await tx.execute(SQL["warn_endpoint"], endpoint_id, percent)


async def count_due(pool: Pool) -> tuple[int, float]:
    """Deliveries not yet made, and the age of the oldest that should be on its way, in seconds."""
    row = await pool.fetchrow(SQL["count_due"])
    return (row["deliveries"], float(row["oldest"])) if row else (0, 0.0)


async def forget(pool: Pool, older_than: timedelta) -> None:
    await pool.execute(SQL["cancel_abandoned"], older_than)
    await pool.execute(SQL["forget"], older_than)
    await pool.execute(SQL["forget_replays"], older_than)
