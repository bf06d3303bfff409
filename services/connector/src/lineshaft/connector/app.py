"""Composition root: settings to adapters to handlers and workers."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from lineshaft.common import topics
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.commands import ConnectorPurgeRequested, ScheduleRequested
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.drift import DriftPolicyRequested, SchemaChangesAccepted
from lineshaft.common.events.envelope import Decoder, Event
from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.integrations import Catalog
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import Connection, create_pool
from lineshaft.common.postgres.sealed import Resealing, refuse_unknown_keys
from lineshaft.common.service import Service, start_producer
from lineshaft.common.topics import Topic
from lineshaft.connector.adapters.commands import KINDS, NAME
from lineshaft.connector.adapters.credentials import Credentials
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.networks import Networks
from lineshaft.connector.adapters.sealed import SEALED
from lineshaft.connector.handlers import Handlers
from lineshaft.connector.settings import ConnectorSettings
from lineshaft.connector.workers.commanding import Commanding
from lineshaft.connector.workers.dispatcher import Dispatcher
from lineshaft.connector.workers.housekeeping import Housekeeping
from lineshaft.connector.workers.scheduling import Scheduling
from lineshaft.connector.workers.syncing import Syncing
from lineshaft.connector.workers.tools import Tools

__all__ = ["NAME", "build"]

Effect = Callable[[Connection, Sequence[Event[Any]]], Awaitable[None]]


async def build(settings: ConnectorSettings) -> Service:
    keys = KeyRing.parse(settings.secret_keys.get_secret_value())
    catalog = Catalog.load(settings.integrations_dir)
    pool = await create_pool(
        settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool_size, service=NAME
    )
    await migrate(pool, "lineshaft.connector.adapters")
    await refuse_unknown_keys(pool, keys)
    producer = await start_producer(settings, NAME)
    tools = Tools(
        pool=pool,
        producer=producer,
        catalog=catalog,
        keys=keys,
        networks=Networks(SourceHttp(AddressPolicy(settings.allowed_networks))),
        credentials=Credentials(keys),
        slice_seconds=settings.slice_seconds,
        silent_limit=timedelta(seconds=settings.rate_limit_seconds),
        reads_by_default=settings.default_sync_minutes > 0,
    )
    syncing, commanding = Syncing(tools), Commanding(tools)
    syncs = Dispatcher("sync", syncing.take, syncing.work, slots=settings.concurrent_slices)
    commands = Dispatcher("command", commanding.take, commanding.work, slots=settings.concurrent_commands)

    def subscription(name: str, topic: Topic, decoder: Decoder, effect: Effect) -> Subscription[Any]:
        recorded = transactional(pool, name, effect)

        async def handle(events: Sequence[Event[Any]]) -> None:
            await recorded(events)
            syncs.bell.ring()
            commands.bell.ring()

        return Subscription(name, [topic], decode=decoder, handle=handle)

    handlers = Handlers(catalog, default_sync_minutes=settings.default_sync_minutes)
    return Service(
        name=NAME,
        settings=settings,
        pool=pool,
        producer=producer,
        subscriptions=[
            subscription(
                "sync-requests",
                topics.SYNC_REQUESTS,
                Decoder(SyncRequested, assume=SyncRequested),
                handlers.on_sync_requests,
            ),
            subscription(
                "commands",
                topics.COMMANDS_CONNECTOR,
                Decoder(
                    *KINDS.values(),
                    ScheduleRequested,
                    DriftPolicyRequested,
                    SchemaChangesAccepted,
                    ConnectorPurgeRequested,
                ),
                handlers.on_commands,
            ),
            subscription(
                "connections", topics.CONNECTIONS, Decoder(ConnectionDescribed), handlers.on_connections
            ),
            subscription(
                "statuses", topics.CONNECTION_STATUS, Decoder(StatusDescribed), handlers.on_statuses
            ),
            subscription("mappings", topics.MAPPINGS, Decoder(MappingChanged), handlers.on_mappings),
        ],
        background={
            "syncs": syncs.run,
            "commands": commands.run,
            "heartbeat": syncing.heartbeat,
            "schedules": Scheduling(tools, syncs.bell.ring).run,
            "housekeeping": Housekeeping(pool).run,
            "resealing": Resealing(pool, keys, SEALED, NAME).run,
        },
    )
