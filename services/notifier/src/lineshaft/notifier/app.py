"""Composition root of notifier."""

from datetime import timedelta
from functools import partial

from lineshaft.common import topics
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.alerts import ChannelDescribed
from lineshaft.common.events.commands import (
    AlertTestRequested,
    EndpointTestRequested,
    NotifierPurgeRequested,
    RedeliveryRequested,
    ReplayCancelRequested,
    ReplayRequested,
)
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.drift import MappingDrifted
from lineshaft.common.events.envelope import Decoder
from lineshaft.common.events.health import (
    ConnectionCreated,
    ConnectionDisconnected,
    ConnectionRecovered,
    CredentialsExpiring,
    PermissionsMissing,
    ReauthorizationRequired,
    StatusChanged,
    SystemOutage,
    SystemRecovered,
)
from lineshaft.common.events.syncs import SyncCompleted, SyncFailed
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import create_pool
from lineshaft.common.postgres.sealed import Resealing, refuse_unknown_keys
from lineshaft.common.service import Service, start_producer
from lineshaft.notifier.adapters.alerts import ALERT_SECRETS
from lineshaft.notifier.adapters.apprise_process import AlertClient
from lineshaft.notifier.adapters.http import WebhookClient
from lineshaft.notifier.adapters.signing import SEALED, Signers
from lineshaft.notifier.alerting import AlertSender
from lineshaft.notifier.domain.endurance import Patience
from lineshaft.notifier.endurance import Endurance
from lineshaft.notifier.handlers import SOURCE, Handlers
from lineshaft.notifier.housekeeping import (
    alert_worker,
    count_worker,
    endurance_worker,
    forget_worker,
    last_word_worker,
    replay_worker,
)
from lineshaft.notifier.replaying import Replays
from lineshaft.notifier.settings import NotifierSettings
from lineshaft.notifier.workers import Sender

NAME = SOURCE


async def build(settings: NotifierSettings) -> Service:
    keys = KeyRing.parse(settings.secret_keys.get_secret_value())
    secret_overlap = timedelta(hours=settings.secret_overlap_hours)
    pool = await create_pool(
        settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool_size, service=NAME
    )
    await migrate(pool, "lineshaft.notifier.adapters")
    await refuse_unknown_keys(pool, keys)
    producer = await start_producer(settings, NAME)
    handlers = Handlers(superseded_after=timedelta(minutes=settings.superseded_after_minutes))
    sender = Sender(
        pool,
        WebhookClient(AddressPolicy(settings.allowed_networks), total_seconds=settings.request_seconds),
        Signers(pool, keys, secret_overlap),
        settings,
    )
    alerts = AlertSender(
        pool,
        AlertClient(settings.allowed_networks, settings.alert_seconds),
        keys,
        settings.public_url,
        scale=settings.retry_scale,
    )
    effect = partial(transactional, pool)
    return Service(
        name=NAME,
        settings=settings,
        pool=pool,
        producer=producer,
        subscriptions=[
            Subscription(
                "connection-events",
                [topics.CONNECTION_EVENTS],
                decode=Decoder(
                    ConnectionCreated,
                    ReauthorizationRequired,
                    ConnectionRecovered,
                    StatusChanged,
                    ConnectionDisconnected,
                    CredentialsExpiring,
                    PermissionsMissing,
                    SystemOutage,
                    SystemRecovered,
                ),
                handle=effect("connection-events", handlers.on_connection_events),
            ),
            Subscription(
                "sync-events",
                [topics.SYNC_EVENTS],
                decode=Decoder(SyncCompleted, SyncFailed),
                handle=effect("sync-events", handlers.on_sync_events),
            ),
            Subscription(
                "mapping-events",
                [topics.MAPPING_EVENTS],
                decode=Decoder(MappingDrifted),
                handle=effect("mapping-events", handlers.on_mapping_events),
            ),
            Subscription(
                "webhook-endpoints",
                [topics.WEBHOOK_ENDPOINTS],
                decode=Decoder(EndpointDescribed),
                handle=effect("webhook-endpoints", handlers.on_endpoints),
            ),
            Subscription(
                "alert-channels",
                [topics.ALERT_CHANNELS],
                decode=Decoder(ChannelDescribed),
                handle=effect("alert-channels", handlers.on_channels),
            ),
            Subscription(
                "connections",
                [topics.CONNECTIONS],
                decode=Decoder(ConnectionDescribed),
                handle=effect("connections", handlers.on_connections),
            ),
            Subscription(
                "commands",
                [topics.COMMANDS_NOTIFIER],
                decode=Decoder(
                    RedeliveryRequested,
                    EndpointTestRequested,
                    AlertTestRequested,
                    ReplayRequested,
                    ReplayCancelRequested,
                    NotifierPurgeRequested,
                ),
                handle=effect("commands", handlers.on_commands),
            ),
        ],
        background={
            "sender": sender.run,
            "endurance": endurance_worker(
                pool, Endurance(Patience(whole=timedelta(days=settings.disable_days))).look
            ),
            "replays": replay_worker(pool, Replays().step),
            "alerts": alert_worker(alerts),
            "count": count_worker(pool),
            "last-words": last_word_worker(pool),
            "forget": forget_worker(pool, settings.history_days, secret_overlap),
            "resealing": Resealing(pool, keys, (*SEALED, ALERT_SECRETS), NAME).run,
        },
    )
