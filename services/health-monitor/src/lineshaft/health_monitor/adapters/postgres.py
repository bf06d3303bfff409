"""State, issues, timeline and errors of connections, read and written by the batch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson

from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.events.envelope import Event
from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.postgres import tombstones
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.postgres.queries import load_queries
from lineshaft.health_monitor.domain.effects import IssueChanged, Noted
from lineshaft.health_monitor.domain.sharing import is_down
from lineshaft.health_monitor.domain.state import ConnectionState

SQL = load_queries("lineshaft.health_monitor.adapters")


async def lock_states(tx: Connection, connection_ids: Iterable[str]) -> dict[str, ConnectionState]:
    """The state of each connection, locked until the transaction ends; a new one where there is none."""
    wanted = sorted(set(connection_ids))
    rows = await tx.fetch(SQL["lock_states"], wanted)
    if len(rows) < len(wanted):
        await tx.execute(SQL["add_states"], wanted)
        rows = await tx.fetch(SQL["lock_states"], wanted)
    return {row["connection_id"]: _state(row) for row in rows}


async def find_due(connection: Connection, now: datetime, limit: int) -> list[str]:
    return [row["connection_id"] for row in await connection.fetch(SQL["find_due"], now, limit)]


async def lock_due_states(
    tx: Connection, connection_ids: Sequence[str], now: datetime
) -> dict[str, ConnectionState]:
    rows = await tx.fetch(SQL["lock_due_states"], connection_ids, now)
    return {row["connection_id"]: _state(row) for row in rows}


async def set_aside(tx: Connection, connection_id: str, until: datetime) -> None:
    await tx.execute(SQL["set_aside"], connection_id, until)


async def save_states(
    tx: Connection,
    states: Mapping[str, ConnectionState],
    due: Mapping[str, datetime | None],
    described: Mapping[str, StatusDescribed],
) -> None:
    rows = [
        (
            state.connection_id,
            state.system,
            state.status,
            due[connection_id],
            orjson.Fragment(state.model_dump_json(exclude_defaults=True)),
            orjson.Fragment(described[connection_id].model_dump_json())
            if connection_id in described
            else None,
            state.last_sync_at,
            state.host,
            *_down(state),
            state.heard_ok_at,
            state.heard_error_at,
            state.outage_mark,
            state.rejection.since if state.rejection else None,
        )
        for connection_id, state in states.items()
    ]
    await _run(tx, "save_states", rows)


async def save_issues(tx: Connection, changes: Sequence[IssueChanged]) -> None:
    """The resolved ones first, so that the same fault may open anew in the same batch."""
    latest: dict[str, IssueChanged] = {}
    for change in changes:
        known = latest.get(change.issue.issue_id)
        verdict = change.verdict or (known.verdict if known else None)
        latest[change.issue.issue_id] = IssueChanged(change.connection_id, change.issue, verdict)
    rows = [_issue_row(change) for change in latest.values()]
    await _run(tx, "save_issues", [row for row in rows if row[3] == "resolved"])
    await _run(tx, "save_issues", [row for row in rows if row[3] == "open"])


async def add_timeline(tx: Connection, lines: Sequence[tuple[str, Noted]]) -> None:
    rows = [
        (line_id, line.connection_id, line.at, line.kind, line.summary, line.actor, line.details)
        for line_id, line in lines
    ]
    await _run(tx, "add_timeline", rows)


async def add_errors(tx: Connection, events: Sequence[Event[Any]]) -> None:
    rows = [
        (
            event.id,
            event.data.connection_id,
            event.data.at,
            event.data.object,
            event.data.operation,
            event.data.outcome,
            event.data.http_status,
            event.data.code,
            event.data.message,
            event.data.request_id,
        )
        for event in events
    ]
    await _run(tx, "add_errors", rows)


async def save_ladders(tx: Connection, ladders: Iterable[ConnectionDiagnosed]) -> None:
    latest = {one.connection_id: one for one in sorted(ladders, key=lambda one: one.at)}
    rows = [(key, one.at, one.model_dump(mode="json")) for key, one in sorted(latest.items())]
    await _run(tx, "save_ladders", rows)


async def purge(tx: Connection, connection_id: str) -> dict[str, int]:
    """Everything but that it was; how many rows of which table."""
    await tx.execute(SQL["purge_state"], connection_id)
    return await tombstones.delete_rows(
        tx, SQL, ("purge_issue", "purge_timeline", "purge_error_log", "purge_ladder"), connection_id
    )


async def refusing_systems(
    tx: Connection, systems: Iterable[str], since: datetime, at_once: int
) -> frozenset[str]:
    """Those of which so many connections were refused within ten minutes."""
    rows = await tx.fetch(SQL["refusing_systems"], list(systems), since, at_once)
    return frozenset(row["system"] for row in rows)


async def figures(pool: Pool, name: str) -> list[tuple[Any, ...]]:
    """Labels, then a number, in the order of the query's columns."""
    return [tuple(row.values()) for row in await pool.fetch(SQL[name])]


async def forget(pool: Pool, older_than: timedelta) -> None:
    for name in ("forget_timeline", "forget_errors", "forget_issues", "forget_outages"):
        await pool.execute(SQL[name], older_than)


async def _run(tx: Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await tx.execute(SQL[name], *(list(column) for column in zip(*rows, strict=True)))


def _down(state: ConnectionState) -> tuple[datetime | None, str | None, str | None]:
    """Since when, the fault and the rung."""
    if not is_down(state):
        return None, None, None
    return state.whole.failing_since, state.whole.fault, state.whole.rung


def _state(row: asyncpg.Record) -> ConnectionState:
    return ConnectionState.model_validate({**row["document"], "connection_id": row["connection_id"]})


def _issue_row(change: IssueChanged) -> tuple[Any, ...]:
    issue, verdict = change.issue, change.verdict
    return (
        issue.issue_id,
        change.connection_id,
        issue.fault,
        "open" if issue.resolved_at is None else "resolved",
        verdict.scope if verdict else None,
        issue.opened_at,
        issue.announced_at,
        issue.first_seen_at,
        issue.last_seen_at,
        issue.count,
        issue.resolved_at,
        verdict.model_dump(mode="json") if verdict else None,
        issue.muted_until,
    )
