"""The handlers and the sender on a real Postgres, and a receiver that verifies."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.commands import NotifierPurgeRequested
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.health import ConnectionEvent, ConnectionRecovered
from lineshaft.common.events.model import EventData
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.pool import Pool
from lineshaft.notifier.adapters.http import WebhookClient
from lineshaft.notifier.adapters.signing import Signers
from lineshaft.notifier.handlers import Handlers
from lineshaft.notifier.settings import NotifierSettings
from lineshaft.notifier.workers import Sender

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()
KEYS = "test:" + base64.b64encode(b"s" * 32).decode()

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def no_content(_: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


@dataclass
class Receiver:
    """Answers per path; `got` holds webhook-id, body and headers by path."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    got: dict[str, list[tuple[str, dict[str, Any], dict[str, str]]]] = field(default_factory=dict)
    secret: str = SECRET

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = Webhook(self.secret).verify(await request.read(), dict(request.headers))
        entry = (request.headers["webhook-id"], body, dict(request.headers))
        self.got.setdefault(request.path, []).append(entry)
        return await self.answers.get(request.path, no_content)(request)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ids(self, path: str) -> list[str]:
        return [identity for identity, _, _ in self.got.get(path, [])]


@asynccontextmanager
async def a_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = runner.addresses[0][1]
    yield receiver
    await runner.cleanup()


def some_settings(**changes: Any) -> NotifierSettings:
    return NotifierSettings.model_validate(
        {
            "secret_keys": KEYS,
            "link_signing_key": "link-key",
            "request_seconds": 2,
            "lease_seconds": 10,
            "retry_scale": 0.001,
            "unsigned_retry_seconds": 0.2,
        }
        | changes
    )


@dataclass
class Stage:
    pool: Pool
    receiver: Receiver
    handlers: Handlers = field(default_factory=Handlers)

    async def handle(self, subscription: str, *events: Event[Any]) -> None:
        effects = {
            "connection-events": self.handlers.on_connection_events,
            "sync-events": self.handlers.on_sync_events,
            "mapping-events": self.handlers.on_mapping_events,
            "webhook-endpoints": self.handlers.on_endpoints,
            "connections": self.handlers.on_connections,
            "commands": self.handlers.on_commands,
        }
        await transactional(self.pool, subscription, effects[subscription])(events)

    async def purge(self, connection_id: str) -> None:
        command = NotifierPurgeRequested(command_id=new_id("cmd"), connection_id=connection_id)
        await self.handle("commands", an_event(command, connection_id))

    async def endpoint(self, path: str, *, secret: str | None = SECRET, **fields: Any) -> str:
        endpoint_id = fields.pop("endpoint_id", None) or new_id("whe")
        if secret is not None:
            await self.add_secret(endpoint_id, secret)
        described = EndpointDescribed.model_validate(
            {
                "endpoint_id": endpoint_id,
                "url": self.receiver.url(path),
                "revision": 1,
                "changed_at": now(),
            }
            | fields
        )
        await self.handle("webhook-endpoints", an_event(described, endpoint_id))
        return endpoint_id

    async def add_secret(self, endpoint_id: str, secret: str, *, bound_to: str | None = None) -> None:
        secret_id = new_id("sec")
        sealed = KeyRing.parse(KEYS).seal(
            secret.encode(), bound_to=bound_to or f"webhook_secret/{endpoint_id}/{secret_id}"
        )
        await self.pool.execute(
            "insert into webhook_secret (secret_id, endpoint_id, sealed) values ($1, $2, $3)",
            secret_id,
            endpoint_id,
            sealed,
        )

    async def tell(
        self,
        connection_id: str,
        model: type[ConnectionEvent] = ConnectionRecovered,
        **fields: Any,
    ) -> Event[Any]:
        data = model(
            connection_id=connection_id,
            system="tryton",
            metadata={"customer": 7},
            status=ConnectionStatus.HEALTHY,
            credential_version=1,
            at=now(),
            **fields,
        )
        event = an_event(data, connection_id)
        await self.handle("connection-events", event)
        return event

    async def deliveries(self, endpoint_id: str) -> list[Any]:
        return await self.pool.fetch(
            "select * from delivery where endpoint_id = $1 order by created_at", endpoint_id
        )

    async def states(self, endpoint_id: str) -> list[str]:
        return [row["state"] for row in await self.deliveries(endpoint_id)]

    def sender(self, **changes: Any) -> Sender:
        settings = some_settings(**changes)
        return Sender(
            self.pool,
            WebhookClient(AddressPolicy(["127.0.0.0/8"]), total_seconds=settings.request_seconds),
            Signers(self.pool, KeyRing.parse(KEYS), timedelta(hours=settings.secret_overlap_hours)),
            settings,
        )

    @asynccontextmanager
    async def sending(self, senders: int = 1, **changes: Any) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        tasks = [asyncio.create_task(self.sender(**changes).run(stopping)) for _ in range(senders)]
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(*tasks)


def an_event(data: EventData, key: str) -> Event[Any]:
    return new_event(data, source="test", key=key)


async def eventually(true: Callable[[], Awaitable[Any]], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)
