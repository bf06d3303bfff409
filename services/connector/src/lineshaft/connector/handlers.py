"""What the connector takes from topics: each effect in one transaction, none of them calls a source."""

from collections.abc import Sequence
from typing import Any

from lineshaft.common.clock import Clock, now
from lineshaft.common.errors import DeadLetterError
from lineshaft.common.events.commands import ScheduleRequested
from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.envelope import Event
from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.syncs import SyncMode, SyncRequested
from lineshaft.common.integrations import Catalog
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection
from lineshaft.common.unified import is_custom
from lineshaft.connector.adapters import commands, connections, gates, schedules, schemas, syncs
from lineshaft.connector.domain.fields import head_of
from lineshaft.connector.domain.problems import UNKNOWN_CONNECTION
from lineshaft.connector.domain.sync_requests import objects_asked_for


class Handlers:
    def __init__(self, catalog: Catalog, *, default_sync_minutes: int = 0, clock: Clock = now) -> None:
        self._catalog = catalog
        self._default_sync_minutes = default_sync_minutes
        self._clock = clock

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
                requested_by=asked.requested_by,
                traceparent=event.traceparent,
            )

    async def on_commands(self, tx: Connection, events: Sequence[Event[Any]]) -> None:
        for event in events:
            if isinstance(event.data, ScheduleRequested):
                await self._schedule(tx, event)
            else:
                await commands.add(tx, event)

    async def on_connections(self, tx: Connection, events: Sequence[Event[ConnectionDescribed]]) -> None:
        for event in events:
            described = event.data
            if await connections.describe(tx, described):
                await syncs.unpark(tx, described.connection_id)
                if self._default_sync_minutes and described.lifecycle is Lifecycle.ACTIVE:
                    await schedules.make_default(
                        tx, described.connection_id, self._default_sync_minutes, self._clock()
                    )

    async def on_statuses(self, tx: Connection, events: Sequence[Event[StatusDescribed]]) -> None:
        for event in events:
            if await gates.obey(tx, event.data):
                await syncs.unpark(tx, event.data.connection_id)

    async def on_mappings(self, tx: Connection, events: Sequence[Event[MappingChanged]]) -> None:
        for event in events:
            if await connections.change_mapping(tx, event.data):
                await self._read_what_is_missing(tx, event.data)

    async def _read_what_is_missing(self, tx: Connection, changed: MappingChanged) -> None:
        """A new object is read at once, and one of which a field is needed that nobody has asked for yet."""
        connection = await connections.get(tx, changed.connection_id)
        system = self._catalog.systems.get(changed.system)
        if connection is None or system is None or not changed.object:
            return
        definition = MappingDefinition.parse(changed.effective)
        custom = await connections.custom_objects(tx, changed.connection_id)
        try:
            needed = system.with_objects(custom).source_fields_for(
                changed.object, {changed.entity: definition}
            )
        except KeyError:
            return
        columns = await syncs.columns_read(tx, changed.connection_id, changed.object)
        if columns is None and not is_custom(changed.entity):
            return
        if columns is not None and {head_of(name) for name in needed} <= {head_of(name) for name in columns}:
            return
        await schemas.doubt(tx, changed.connection_id, changed.object)
        await syncs.request(
            tx,
            changed.connection_id,
            f"mapping/{changed.entity}/{changed.version}",
            system=system.id,
            mode=SyncMode.FULL,
            objects=[changed.object],
            requested_by=changed.changed_by,
        )

    async def _schedule(self, tx: Connection, event: Event[ScheduleRequested]) -> None:
        asked = event.data
        at = self._clock()
        known = await schedules.replace(
            tx, asked.connection_id, asked.frequency, asked.objects, actor=asked.actor, now=at
        )
        answer = commands.completed(
            asked,
            at=at,
            traceparent=event.traceparent,
            result={} if known else None,
            problem=None if known else UNKNOWN_CONNECTION,
        )
        await add_events(tx, [answer])
