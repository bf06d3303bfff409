"""From events to deliveries, in one transaction; the sender takes it from there."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, assert_never

from lineshaft.common.clock import Clock, now
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.alerts import CONNECTION_WARNINGS, ChannelDescribed
from lineshaft.common.events.commands import (
    AlertTestRequested,
    CommandCompleted,
    CommandProblem,
    EndpointTestRequested,
    NotifierPurgeRequested,
    RedeliveryRequested,
    ReplayCancelRequested,
    ReplayRequested,
)
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.drift import MappingDrifted
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.health import ConnectionEvent, ConnectionWarning, SystemEvent
from lineshaft.common.events.purges import purged
from lineshaft.common.events.syncs import SyncCompleted
from lineshaft.common.events.webhooks import EndpointDescribed, NotificationSuperseded
from lineshaft.common.ids import derived_id
from lineshaft.common.postgres import outbox
from lineshaft.common.postgres.pool import Connection
from lineshaft.notifier import alerts
from lineshaft.notifier.adapters import postgres
from lineshaft.notifier.adapters.postgres import Told
from lineshaft.notifier.domain.routing import Endpoint, webhook_type
from lineshaft.notifier.replaying import Replays

SOURCE = "notifier"
TEST_EVENT = "endpoint.test"
RECOVERED = "connection.recovered"
DISCONNECTED = "connection.disconnected"
NOT_FOUND = "not_found"
NEWS = timedelta(seconds=3)

Order = (
    RedeliveryRequested | EndpointTestRequested | AlertTestRequested | ReplayRequested | ReplayCancelRequested
)
_NAMES_NEWS = EndpointTestRequested | AlertTestRequested | ReplayRequested
NotifierCommand = Order | NotifierPurgeRequested


class Handlers:
    def __init__(self, clock: Clock = now, *, superseded_after: timedelta = timedelta(minutes=10)) -> None:
        self._clock = clock
        self._superseded_after = superseded_after
        self._replays = Replays(clock)

    async def on_connection_events(
        self, tx: Connection, events: Sequence[Event[ConnectionEvent | SystemEvent]]
    ) -> None:
        await self._tell(tx, [_told_of_health(event) for event in events])

    async def on_sync_events(self, tx: Connection, events: Sequence[Event[SyncCompleted]]) -> None:
        metadata = await postgres.metadata_of(tx, [event.data.connection_id for event in events])
        await self._tell(
            tx,
            [
                _told(event, _sync_data(event.data, metadata.get(event.data.connection_id, {})))
                for event in events
            ],
        )

    async def on_mapping_events(self, tx: Connection, events: Sequence[Event[MappingDrifted]]) -> None:
        metadata = await postgres.metadata_of(tx, [event.data.connection_id for event in events])
        await self._tell(
            tx,
            [
                _told(event, _drift_data(event.data, metadata.get(event.data.connection_id, {})))
                for event in events
            ],
        )

    async def on_endpoints(self, tx: Connection, events: Sequence[Event[EndpointDescribed]]) -> None:
        """An endpoint also gets what happened since it was made and reached us before it did."""
        await postgres.change_routing(tx)
        for event in events:
            described = event.data
            is_new = await postgres.save_endpoint(tx, described)
            if is_new and described.enabled and not described.deleted:
                endpoint = Endpoint(
                    described.endpoint_id,
                    frozenset(described.event_types),
                    frozenset(described.connection_ids),
                )
                await self._route(tx, [endpoint], await postgres.events_since(tx, described.changed_at))
        await postgres.wake_senders(tx)

    async def on_connections(self, tx: Connection, events: Sequence[Event[ConnectionDescribed]]) -> None:
        for event in events:
            await postgres.save_connection(tx, event.data)

    async def on_channels(self, tx: Connection, events: Sequence[Event[ChannelDescribed]]) -> None:
        await alerts.save_channels(tx, events)

    async def on_commands(self, tx: Connection, events: Sequence[Event[NotifierCommand]]) -> None:
        for event in events:
            if isinstance(event.data, NotifierPurgeRequested):
                await self._purge(tx, event)
                continue
            done = await self._obey(tx, event.data)
            if isinstance(event.data, _NAMES_NEWS) and self._may_be_news(done, event):
                raise RetryableError("what the command names may be described on a topic not read so far yet")
            await outbox.add_events(tx, [new_event(done, source=SOURCE, key=event.key, cause=event)])

    def _may_be_news(self, done: CommandCompleted, event: Event[Any]) -> bool:
        """`api` knows what it names; here it comes by another topic, perhaps a moment later."""
        unknown = done.problem is not None and done.problem.code == NOT_FOUND
        return unknown and self._clock() - event.time < NEWS

    async def _purge(self, tx: Connection, event: Event[Any]) -> None:
        await postgres.change_routing(tx)
        rows = await postgres.purge(tx, event.data.connection_id)
        await outbox.add_events(tx, [purged(event.data, SOURCE, rows, self._clock(), event)])

    async def _obey(self, tx: Connection, command: Order) -> CommandCompleted:
        match command:
            case RedeliveryRequested():
                return await self._redeliver(tx, command)
            case EndpointTestRequested():
                return await self._test(tx, command)
            case AlertTestRequested():
                return await self._test_channel(tx, command)
            case ReplayRequested():
                return await self._replays.accept(tx, command)
            case ReplayCancelRequested():
                return await self._replays.cancel(tx, command)
            case _:
                assert_never(command)

    async def _redeliver(self, tx: Connection, command: RedeliveryRequested) -> CommandCompleted:
        row = await postgres.redeliver(tx, command.delivery_id, self._clock())
        await postgres.wake_senders(tx)
        if row is None:
            return self._not_found(command.command_id, "There is no such delivery.")
        return CommandCompleted(
            command_id=command.command_id,
            connection_id=row["connection_id"],
            at=self._clock(),
            result={"delivery_id": row["delivery_id"]},
        )

    async def _test(self, tx: Connection, command: EndpointTestRequested) -> CommandCompleted:
        if not await postgres.endpoint_exists(tx, command.endpoint_id):
            return self._not_found(command.command_id, "There is no such endpoint.")
        told = Told(
            event_id=derived_id("evt", command.command_id),
            event_type=TEST_EVENT,
            connection_id=None,
            at=self._clock(),
            data={"endpoint_id": command.endpoint_id, "message": "A test: this endpoint can be reached."},
        )
        await postgres.add_events(tx, [told])
        await postgres.add_deliveries(
            tx, [(command.endpoint_id, told.event_id, TEST_EVENT, None)], self._clock()
        )
        return CommandCompleted(
            command_id=command.command_id,
            at=self._clock(),
            result={"delivery_id": postgres.delivery_id(command.endpoint_id, told.event_id)},
        )

    async def _test_channel(self, tx: Connection, command: AlertTestRequested) -> CommandCompleted:
        event_id = await alerts.try_channel(tx, command, self._clock)
        if event_id is None:
            return self._not_found(command.command_id, "There is no such alert channel.")
        return CommandCompleted(
            command_id=command.command_id, at=self._clock(), result={"event_id": event_id}
        )

    def _not_found(self, command_id: str, message: str) -> CommandCompleted:
        problem = CommandProblem(code=NOT_FOUND, message=message)
        return CommandCompleted(command_id=command_id, at=self._clock(), problem=problem)

    async def _tell(self, tx: Connection, told: Sequence[Told]) -> None:
        await postgres.share_routing(tx)
        deleted = await postgres.deleted_connections(
            tx, [event.connection_id for event in told if event.connection_id is not None]
        )
        living = [
            event for event in told if event.connection_id not in deleted or event.event_type == DISCONNECTED
        ]
        new = await postgres.add_events(
            tx, [one for one in living if one.event_type not in CONNECTION_WARNINGS]
        )
        await self._route(
            tx,
            await postgres.list_endpoints(tx),
            new,
        )
        warnings = [one for one in living if one.event_type in CONNECTION_WARNINGS]
        await alerts.tell(tx, [*new, *warnings], self._clock)

    async def _route(
        self,
        tx: Connection,
        endpoints: Iterable[Endpoint],
        events: Sequence[Told],
    ) -> None:
        pairs = [
            (endpoint.endpoint_id, event.event_id, event.event_type, event.connection_id)
            for endpoint in endpoints
            for event in events
            if endpoint.wants(event.event_type, event.connection_ids)
        ]
        await postgres.add_deliveries(tx, pairs, self._clock())
        await self._supersede(tx, {event.event_id: event for event in events}, pairs)

    async def _supersede(
        self,
        tx: Connection,
        events: Mapping[str, Told],
        pairs: Sequence[tuple[str, str, str, str | None]],
    ) -> None:
        """A call for reconnecting that nobody took is of no use to who is told of the recovery."""
        moment = self._clock()
        recoveries = [
            (endpoint_id, connection_id, issue_id, event_id)
            for endpoint_id, event_id, event_type, connection_id in pairs
            if event_type == RECOVERED
            and connection_id is not None
            and (issue_id := events[event_id].data.get("issue_id")) is not None
        ]
        superseded = await postgres.supersede(tx, recoveries, moment - self._superseded_after)
        await outbox.add_events(
            tx,
            [
                new_event(
                    NotificationSuperseded(
                        delivery_id=row["delivery_id"],
                        endpoint_id=row["endpoint_id"],
                        connection_id=row["connection_id"],
                        event_type_name=row["event_type"],
                        attempts=row["attempts"],
                        at=moment,
                        seconds_since_event=(moment - row["event_at"]).total_seconds(),
                        superseded_by=row["superseded_by"],
                    ),
                    source=SOURCE,
                    key=row["connection_id"],
                    event_id=derived_id("evt", row["delivery_id"], "superseded", row["superseded_by"]),
                )
                for row in superseded
            ],
        )


def _told(event: Event[Any], data: dict[str, Any]) -> Told:
    kind, connection_id = webhook_type(event.type), event.data.connection_id
    return Told(event.id, kind, connection_id, event.time, data, traceparent=event.traceparent)


def _told_of_health(event: Event[Any]) -> Told:
    data = event.data
    if isinstance(data, SystemEvent):
        content = data.model_dump(mode="json", exclude={"connection_ids", "at"})
        concerned = tuple(data.connection_ids)
        return Told(
            event.id, webhook_type(event.type), None, event.time, content, concerned, event.traceparent
        )
    if isinstance(data, ConnectionWarning):
        content = data.model_dump(mode="json", exclude={"credential_version", "at", "verdict", "issue_id"})
        return _told(event, content)
    return _told(event, _health_data(data))


def _health_data(event: ConnectionEvent) -> dict[str, Any]:
    return event.model_dump(
        mode="json",
        include={"connection_id", "system", "metadata", "status", "previous_status", "verdict", "issue_id"},
    )


def _drift_data(event: MappingDrifted, metadata: dict[str, Any]) -> dict[str, Any]:
    return {**event.model_dump(mode="json"), "metadata": metadata}


def _sync_data(event: SyncCompleted, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "connection_id": event.connection_id,
        "system": event.system,
        "metadata": metadata,
        **event.model_dump(
            mode="json", include={"sync_id", "result", "mode", "started_at", "at", "records", "objects"}
        ),
    }
