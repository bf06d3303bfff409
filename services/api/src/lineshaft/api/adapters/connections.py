"""Connections: each change and its event in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.postgres import SQL, Executor, build, build_or_none
from lineshaft.api.domain.connections import Connection
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection as Transaction
from lineshaft.common.postgres.pool import Pool

SOURCE = "api"


async def find_connection(tx: Executor, connection_id: str) -> Connection | None:
    row = await tx.fetchrow(SQL["connection"], connection_id)
    return build_or_none(Connection, row, lifecycle=Lifecycle)


async def lock_connection(tx: Transaction, connection_id: str) -> Connection | None:
    """For a change; a deleted one comes back as its tombstone."""
    row = await tx.fetchrow(SQL["lock_connection"], connection_id)
    return build_or_none(Connection, row, lifecycle=Lifecycle)


async def list_connections(pool: Pool, *, after: str, system: str | None, limit: int) -> Sequence[Connection]:
    rows = await pool.fetch(SQL["connections"], after, system, limit)
    return [build(Connection, row, lifecycle=Lifecycle) for row in rows]


async def create_connection(
    tx: Transaction, connection: Connection, *, cause: Event[Any] | None = None
) -> Connection:
    row = await tx.fetchrow(
        SQL["insert_connection"],
        connection.connection_id,
        connection.system,
        connection.label,
        connection.settings,
        connection.login,
        connection.metadata,
        connection.redirect_url,
        connection.account_id,
        connection.account_label,
        connection.credential_version,
        connection.created_at,
        connection.changed_by,
        connection.objects,
    )
    created = build(Connection, row, lifecycle=Lifecycle)
    await _tell(tx, created, "created", cause)
    await audit.note(
        tx,
        "connection.created",
        by=created.changed_by,
        at=created.created_at,
        connection_id=created.connection_id,
        after=created.audited,
    )
    return created


async def change_connection(
    tx: Transaction,
    connection: Connection,
    *,
    reason: str,
    by: str,
    at: datetime,
    cause: Event[Any] | None = None,
) -> Connection:
    """Store the given values under the next revision."""
    before = await find_connection(tx, connection.connection_id)
    row = await tx.fetchrow(
        SQL["update_connection"],
        connection.connection_id,
        connection.label,
        connection.metadata,
        connection.lifecycle,
        connection.login,
        connection.redirect_url,
        connection.account_id,
        connection.account_label,
        connection.credential_version,
        at,
        by,
        connection.objects,
    )
    changed = build(Connection, row, lifecycle=Lifecycle)
    await _tell(tx, changed, reason, cause)
    await audit.note(
        tx,
        f"connection.{reason}",
        by=by,
        at=at,
        connection_id=changed.connection_id,
        before=before.audited if before else None,
        after=changed.audited,
    )
    if changed.lifecycle is Lifecycle.DELETED:
        await audit.forget_values(tx, changed.connection_id)
    return changed


async def _tell(tx: Transaction, connection: Connection, reason: str, cause: Event[Any] | None) -> None:
    described = connection.described(reason)
    await add_events(tx, [new_event(described, source=SOURCE, key=connection.connection_id, cause=cause)])
