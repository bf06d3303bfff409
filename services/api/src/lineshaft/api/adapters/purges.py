"""Deletes a connection for good: our own rows at once, those of the other services by a command to each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.connections import SOURCE, change_connection
from lineshaft.api.adapters.postgres import SQL, build
from lineshaft.api.domain.connections import Connection
from lineshaft.common import topics
from lineshaft.common.events.commands import (
    CommandCompleted,
    ConnectorPurgeRequested,
    HealthPurgeRequested,
    MappingPurgeRequested,
    NotifierPurgeRequested,
    PurgeRequested,
)
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.purges import receipt_of
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.record import Message
from lineshaft.common.postgres.outbox import add_events, add_messages
from lineshaft.common.postgres.pool import Connection as Transaction
from lineshaft.common.postgres.pool import Pool
from lineshaft.common.postgres.tombstones import delete_rows

OTHERS: dict[str, type[PurgeRequested]] = {
    "connector": ConnectorPurgeRequested,
    "mapping": MappingPurgeRequested,
    "health-monitor": HealthPurgeRequested,
    "notifier": NotifierPurgeRequested,
}
OWN = ("purge_link_session", "purge_command", "purge_mapping_version", "purge_api_key")


@dataclass(frozen=True, slots=True)
class Purge:
    """What one service was asked, and its receipt once it is done."""

    connection_id: str
    service: str
    asked_at: datetime
    asked_by: str
    completed_at: datetime | None
    receipt: dict[str, Any] | None


async def delete_connection(tx: Transaction, connection: Connection, *, by: str, at: datetime) -> None:
    """Leave a tombstone, empty what topics say last of it, and ask every service to purge it."""
    entities = [row["entity"] for row in await tx.fetch(SQL["mapped_entities"], connection.connection_id)]
    await tx.execute(SQL["empty_connection"], connection.connection_id)
    gone = replace(
        connection,
        lifecycle=Lifecycle.DELETED,
        label="",
        login={},
        metadata={},
        redirect_url=None,
        account_id="",
        account_label="",
    )
    await change_connection(tx, gone, reason="deleted", by=by, at=at)
    rows = await delete_rows(tx, SQL, OWN, connection.connection_id)
    keys = [f"{connection.connection_id}/{entity}".encode() for entity in entities]
    await add_messages(tx, [Message(topics.MAPPINGS.name, key, None) for key in keys])
    own = receipt_of(SOURCE, rows, at).model_dump(mode="json")
    await tx.execute(SQL["insert_purge"], connection.connection_id, SOURCE, new_id("cmd"), at, by, at, own)
    for service, model in OTHERS.items():
        command = model(command_id=new_id("cmd"), connection_id=connection.connection_id)
        await tx.execute(
            SQL["insert_purge"], connection.connection_id, service, command.command_id, at, by, None, None
        )
        await add_events(tx, [new_event(command, source=SOURCE, key=connection.connection_id)])


async def keep_receipt(tx: Transaction, answer: CommandCompleted) -> bool:
    """Whether it answers a purge; what came in here meanwhile goes, too."""
    connection_id = await tx.fetchval(SQL["complete_purge"], answer.command_id, answer.at, answer.result)
    if connection_id is None:
        return False
    await delete_rows(tx, SQL, OWN, connection_id)
    await audit.forget_values(tx, connection_id)
    return True


async def list_purges(pool: Pool, connection_id: str) -> Sequence[Purge]:
    return [build(Purge, row) for row in await pool.fetch(SQL["purges"], connection_id)]
