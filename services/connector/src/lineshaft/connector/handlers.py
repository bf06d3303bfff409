"""What the connector takes from topics: each effect in one transaction, none of them calls a source."""

from collections.abc import Sequence
from typing import Any

from lineshaft.common.clock import Clock, now
from lineshaft.common.errors import DeadLetterError
from lineshaft.common.events.commands import (
    AccessCheckRequested,
    CommandProblem,
    ConnectorPurgeRequested,
    ScheduleRequested,
    TrialRequested,
)
from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.drift import DriftPolicyRequested, SchemaAccepted, SchemaChangesAccepted
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.purges import purged
from lineshaft.common.events.syncs import SyncMode, SyncRequested
from lineshaft.common.ids import derived_id
from lineshaft.common.integrations import Catalog
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection
from lineshaft.common.unified import is_custom
from lineshaft.connector.adapters import commands, connections, credentials, gates, schedules, schemas, syncs
from lineshaft.connector.adapters.commands import NAME
from lineshaft.connector.adapters.connections import MappingNews
from lineshaft.connector.domain.fields import head_of
from lineshaft.connector.domain.gate import left_alone_of
from lineshaft.connector.domain.problems import NOTHING_CHANGED, UNKNOWN_CONNECTION
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
            objects = objects_asked_for(
                system, mapped, asked.entities, asked.objects, chosen=connection.objects
            )
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
            if asked.on_demand:
                await self._let_try(tx, event, objects)

    async def _let_try(self, tx: Connection, event: Event[SyncRequested], objects: Sequence[str]) -> None:
        """Whoever waits does not wait for the time of a breaker; the monitor decides."""
        connection_id = event.data.connection_id
        standing = await gates.standing(tx, connection_id)
        left_alone = [] if standing is None else left_alone_of(standing, objects, self._clock())
        if not left_alone:
            return
        trial = TrialRequested(
            command_id=derived_id("cmd", event.id, "trial"),
            connection_id=connection_id,
            objects=left_alone,
            asked_by=event.data.requested_by,
        )
        await add_events(tx, [new_event(trial, source=NAME, key=connection_id, cause=event)])

    async def on_commands(self, tx: Connection, events: Sequence[Event[Any]]) -> None:
        for event in events:
            match event.data:
                case ScheduleRequested():
                    await self._schedule(tx, event)
                case DriftPolicyRequested():
                    await self._set_policy(tx, event)
                case SchemaChangesAccepted():
                    await self._accept_changes(tx, event)
                case ConnectorPurgeRequested():
                    rows = await connections.purge(tx, event.data.connection_id)
                    await add_events(tx, [purged(event.data, NAME, rows, self._clock(), event)])
                case _:
                    await commands.add(tx, event)

    async def on_connections(self, tx: Connection, events: Sequence[Event[ConnectionDescribed]]) -> None:
        for event in events:
            described = event.data
            ended = described.lifecycle is Lifecycle.DISCONNECTED
            if ended:
                await credentials.lock_in_force(tx, described.connection_id)
            if await connections.describe(tx, described):
                if ended:
                    await credentials.forget(tx, described.connection_id, described.credential_version)
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
            news = await connections.change_mapping(tx, event.data)
            if news is not None:
                await self._read_what_is_missing(tx, news)

    async def _read_what_is_missing(self, tx: Connection, news: MappingNews) -> None:
        """A new custom object is read at once, and one of which a needed field was never asked for."""
        changed = news.changed
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
        if not system.reads(connection.objects, changed.object):
            return
        has_all = columns is not None and {*map(head_of, needed)} <= {*map(head_of, columns)}
        if has_all and not news.begins:
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
        known = await schedules.replace(
            tx, asked.connection_id, asked.frequency, asked.objects, actor=asked.actor, now=self._clock()
        )
        if known:
            await commands.add(tx, self._check_of(event))
        await self._answer(tx, event, None if known else UNKNOWN_CONNECTION)

    async def _set_policy(self, tx: Connection, event: Event[DriftPolicyRequested]) -> None:
        asked = event.data
        known = await schemas.set_policy(tx, asked.connection_id, asked.object, asked.policy, asked.actor)
        await self._answer(tx, event, None if known else UNKNOWN_CONNECTION)

    async def _accept_changes(self, tx: Connection, event: Event[SchemaChangesAccepted]) -> None:
        """The whole object is read again at once: what has changed may have left no other trace."""
        asked = event.data
        connection = await connections.get(tx, asked.connection_id)
        accepted = await schemas.accept(tx, asked.connection_id, asked.object)
        if connection is None or not accepted:
            await self._answer(tx, event, NOTHING_CHANGED)
            return
        await syncs.request(
            tx,
            asked.connection_id,
            asked.command_id,
            system=connection.system,
            mode=SyncMode.FULL,
            objects=[asked.object],
            requested_by=asked.actor,
            traceparent=event.traceparent,
        )
        fact = SchemaAccepted(
            connection_id=asked.connection_id,
            system=connection.system,
            object=asked.object,
            at=self._clock(),
            actor=asked.actor,
            accepted=accepted,
        )
        told = new_event(
            fact,
            source=commands.NAME,
            key=asked.connection_id,
            event_id=derived_id("evt", asked.command_id, "accepted"),
            cause=event,
        )
        await add_events(tx, [told])
        await self._answer(tx, event, accepted=accepted)

    async def _answer(
        self, tx: Connection, event: Event[Any], problem: CommandProblem | None = None, **result: Any
    ) -> None:
        answer = commands.completed(
            event.data,
            at=self._clock(),
            traceparent=event.traceparent,
            result=result if problem is None else None,
            problem=problem,
        )
        await add_events(tx, [answer])

    def _check_of(self, event: Event[ScheduleRequested]) -> Event[AccessCheckRequested]:
        """What a new schedule needs of the source may not be granted."""
        check = AccessCheckRequested(
            command_id=derived_id("cmd", event.data.command_id, "access"),
            connection_id=event.data.connection_id,
        )
        return new_event(check, source=commands.NAME, key=check.connection_id, cause=event)
