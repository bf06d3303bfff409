"""Composition root of health-monitor."""

from functools import partial

from lineshaft.common import topics
from lineshaft.common.events.access import AccessChecked
from lineshaft.common.events.calls import CALL_EVENT_TYPES, Call
from lineshaft.common.events.commands import (
    BreakerForced,
    HealthPurgeRequested,
    IssueMuted,
    TrialRequested,
)
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.events.drift import MappingDrifted, SchemaAccepted
from lineshaft.common.events.envelope import Decoder
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.syncs import SyncCompleted, SyncFailed, SyncStarted
from lineshaft.common.integrations import Catalog
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import create_pool
from lineshaft.common.service import Service, start_producer
from lineshaft.health_monitor.handlers import SOURCE, Handlers
from lineshaft.health_monitor.settings import HealthMonitorSettings
from lineshaft.health_monitor.watching import OutageWatch
from lineshaft.health_monitor.workers import count_worker, due_worker, forget_worker, outage_worker

NAME = SOURCE


async def build(settings: HealthMonitorSettings) -> Service:
    pool = await create_pool(
        settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool_size, service=NAME
    )
    await migrate(pool, "lineshaft.health_monitor.adapters")
    producer = await start_producer(settings, NAME)
    catalog = Catalog.load(settings.integrations_dir)
    labels = {name: system.manifest.label for name, system in catalog.systems.items()}
    handlers = Handlers(settings.thresholds(), at_once=settings.confirm_connections, labels=labels)
    effect = partial(transactional, pool)
    return Service(
        name=NAME,
        settings=settings,
        pool=pool,
        producer=producer,
        subscriptions=[
            Subscription(
                "calls",
                [topics.CONNECTION_CALLS],
                decode=Decoder(
                    ConnectionDiagnosed,
                    SchemaAccepted,
                    AccessChecked,
                    shared=dict.fromkeys(CALL_EVENT_TYPES.values(), Call),
                ),
                handle=effect("calls", handlers.on_calls),
            ),
            Subscription(
                "connections",
                [topics.CONNECTIONS],
                decode=Decoder(ConnectionDescribed),
                handle=effect("connections", handlers.on_connections),
            ),
            Subscription(
                "sync-events",
                [topics.SYNC_EVENTS],
                decode=Decoder(SyncStarted, SyncCompleted, SyncFailed),
                handle=effect("sync-events", handlers.on_sync_events),
            ),
            Subscription(
                "mappings",
                [topics.MAPPINGS],
                decode=Decoder(MappingChanged),
                handle=effect("mappings", handlers.on_mappings),
            ),
            Subscription(
                "mapping-events",
                [topics.MAPPING_EVENTS],
                decode=Decoder(MappingDrifted),
                handle=effect("mapping-events", handlers.on_mapping_events),
            ),
            Subscription(
                "commands",
                [topics.COMMANDS_HEALTH],
                decode=Decoder(BreakerForced, IssueMuted, TrialRequested, HealthPurgeRequested),
                handle=effect("commands", handlers.on_commands),
            ),
        ],
        background={
            "due": due_worker(pool, handlers, settings.due_poll_seconds),
            "outages": outage_worker(
                pool, OutageWatch(settings.outage_rules(), labels=labels).look, settings.outage_poll_seconds
            ),
            "count": count_worker(pool),
            "forget": forget_worker(pool, settings.history_days),
        },
    )
