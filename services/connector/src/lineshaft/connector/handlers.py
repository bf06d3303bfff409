"""What the connector takes from topics: each effect in one transaction, none of them calls a source."""

from collections.abc import Sequence
from typing import Any

from lineshaft.common.errors import DeadLetterError
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.envelope import Event
from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.integrations import Catalog
from lineshaft.common.postgres.pool import Connection
from lineshaft.connector.adapters import commands, connections, gates, syncs
from lineshaft.connector.domain.sync_requests import objects_asked_for


class Handlers:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def on_sync_requests(self, tx: Connection, events: Sequence[Event[SyncRequested]]) -> None:
        for event in events:
            asked = event.data
            connection = await connections.get(tx, asked.connection_id)
            if connection is None:
                raise DeadLetterError(f"there is no connection {asked.connection_id!r}")
            system = self._catalog.systems.get(connection.system)
            if system is None:
                raise DeadLetterError(f"{asked.connection_id}: there is no system {connection.system!r}")
            mapped = await connections.mapped_objects(tx, asked.connection_id)
            objects = objects_asked_for(system, mapped, asked.entities, asked.objects)
            await syncs.request(
                tx,
                asked.connection_id,
                asked.request_id or event.id,
                system=system.id,
                mode=asked.mode,
                objects=objects,
            )

    async def on_commands(self, tx: Connection, events: Sequence[Event[Any]]) -> None:
        for event in events:
            await commands.add(tx, event)

    async def on_connections(self, tx: Connection, events: Sequence[Event[ConnectionDescribed]]) -> None:
        for event in events:
            if await connections.describe(tx, event.data):
                await syncs.unpark(tx, event.data.connection_id)

    async def on_statuses(self, tx: Connection, events: Sequence[Event[StatusDescribed]]) -> None:
        for event in events:
            if await gates.obey(tx, event.data):
                await syncs.unpark(tx, event.data.connection_id)

    async def on_mappings(self, tx: Connection, events: Sequence[Event[MappingChanged]]) -> None:
        for event in events:
            await connections.change_mapping(tx, event.data)
