"""Composition root."""

import asyncio

from lineshaft.api.adapters import consents, link_sessions
from lineshaft.api.adapters.admin_keys import install_admin_key
from lineshaft.api.adapters.commands import Waiters
from lineshaft.api.adapters.mappings import CompiledMappings
from lineshaft.api.console.install import install
from lineshaft.api.default_mappings import follow_defaults
from lineshaft.api.domain.keys import KeyKind, kind_of
from lineshaft.api.handlers import Handlers
from lineshaft.api.routes.application import create_application
from lineshaft.api.routes.context import Context
from lineshaft.api.settings import ApiSettings
from lineshaft.api.workers import forget_old
from lineshaft.common import topics
from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.errors import ConfigurationError
from lineshaft.common.events.commands import CommandCompleted
from lineshaft.common.events.envelope import Decoder
from lineshaft.common.integrations import Catalog
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import create_pool
from lineshaft.common.postgres.sealed import Resealing, refuse_unknown_keys
from lineshaft.common.service import Service, readiness, start_producer

NAME = "api"


async def build(settings: ApiSettings) -> Service:
    keys = KeyRing.parse(settings.secret_keys.get_secret_value())
    admin_key = _admin_key(settings)
    catalog = Catalog.load(settings.integrations_dir)
    pool = await create_pool(
        settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool_size, service=NAME
    )
    await migrate(pool, "lineshaft.api.adapters")
    await refuse_unknown_keys(pool, keys)
    await install_admin_key(pool, admin_key)
    producer = await start_producer(settings, NAME)
    waiters = Waiters(pool)
    context = Context(settings, pool, catalog, keys, waiters, CompiledMappings(), now)
    handlers = Handlers(context.visits, catalog)
    subscriptions = [
        Subscription(
            "results",
            [topics.COMMAND_RESULTS],
            decode=Decoder(CommandCompleted),
            handle=transactional(pool, "results", handlers.on_results),
        )
    ]

    http_app = create_application(context, readiness(pool, subscriptions, {}))
    install(http_app)

    async def forget(stopping: asyncio.Event) -> None:
        await forget_old(pool, now, stopping)

    async def follow(stopping: asyncio.Event) -> None:
        await follow_defaults(pool, catalog, now, stopping)

    return Service(
        name=NAME,
        settings=settings,
        pool=pool,
        producer=producer,
        subscriptions=subscriptions,
        background={
            "waiters": waiters.listen,
            "forget": forget,
            "defaults": follow,
            "resealing": Resealing(pool, keys, (*link_sessions.SEALED, *consents.SEALED), NAME).run,
        },
        http_app=http_app,
    )


def _admin_key(settings: ApiSettings) -> str | None:
    if settings.admin_key is None:
        return None
    secret = settings.admin_key.get_secret_value()
    if kind_of(secret) is not KeyKind.ADMIN:
        raise ConfigurationError(
            "LINESHAFT_ADMIN_KEY is no admin key; `python -m lineshaft.api.new_key` makes one"
        )
    return secret
