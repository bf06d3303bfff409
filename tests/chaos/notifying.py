"""The monitor and the notifier as processes, a receiver that notes what it gets, and what the tables say."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
from aiohttp import web
from standardwebhooks import Webhook

from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.calls import CALL_EVENT_TYPES, Call
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.envelope import encode, new_event
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.testing.infrastructure import Database, create_database
from tests.chaos.history import History, Line

ENDPOINT = "whe_chaos"
SECRET = "whsec_" + base64.b64encode(b"c" * 32).decode()
KEYS = "chaos:" + base64.b64encode(b"s" * 32).decode()
STORY = ("connection.created", "connection.reauthorization_required", "connection.recovered")
"""What each connection goes through, in this order."""
IN_FLIGHT = 50
"""Deliveries of one endpoint that a sender has in hand: at once, and taken ahead of time."""


@dataclass(slots=True)
class Notifying:
    infrastructure: Infrastructure
    history: History
    prefix: str = field(default_factory=lambda: f"{new_id('chaos')}.")
    database: Database = field(init=False)
    services: dict[str, Child] = field(default_factory=dict)
    producer: Producer = field(init=False)
    supervisor: Supervisor = field(init=False)
    received: int = 0

    async def open(self) -> None:
        servers = self.infrastructure.kafka.bootstrap_servers
        await create_topics(servers, self.prefix, 1)
        self.database = await create_database(self.infrastructure.postgres.dsn)
        self.producer = Producer(servers, self.prefix, "chaos")
        await self.producer.start()
        self.supervisor = Supervisor(Layout.discover(new_id("chaos")), Progress(quiet=True))
        for service in ("health_monitor", "notifier"):
            self.services[service] = await self._start(service)

    async def close(self) -> None:
        await asyncio.to_thread(self.supervisor.stop)
        await self.producer.stop()

    async def _start(self, service: str) -> Child:
        port = free_port()
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.infrastructure.kafka.bootstrap_servers,
            "LINESHAFT_TOPIC_PREFIX": self.prefix,
            "LINESHAFT_POSTGRES_DSN": self.database.dsn(service),
            "LINESHAFT_HTTP_PORT": str(port),
            "LINESHAFT_SESSION_SECONDS": "6",
            "LINESHAFT_SECRET_KEYS": KEYS,
            "LINESHAFT_LINK_SIGNING_KEY": "chaos",
            "LINESHAFT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "LINESHAFT_REQUEST_SECONDS": "2",
            "LINESHAFT_LEASE_SECONDS": "6",
            "LINESHAFT_RETRY_SCALE": "0.001",
        }
        arguments = (sys.executable, "-m", f"lineshaft.{service}")
        child = self.supervisor.start(
            Command(
                name=service,
                arguments=arguments,
                environment=environment,
                folder=find_checkout(),
                restarts=True,
            )
        )
        await asyncio.to_thread(child.wait_until_ready, lambda: _ready(port), 60)
        return child

    @asynccontextmanager
    async def receiver(self) -> AsyncIterator[None]:
        """Verifies and notes before it answers, without deduplication."""

        async def handle(request: web.Request) -> web.Response:
            event = Webhook(SECRET).verify(await request.read(), dict(request.headers))
            if event["type"] in STORY:
                identity = request.headers["webhook-id"]
                self.history.append([_line("event", event["data"]["connection_id"], event["type"], identity)])
                self.received += 1
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await self._register(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        yield
        await runner.cleanup()

    async def _register(self, url: str) -> None:
        sealed = KeyRing.parse(KEYS).seal(SECRET.encode(), bound_to=f"webhook_secret/{ENDPOINT}/sec_chaos")
        connection = await asyncpg.connect(self.database.dsn("notifier"))
        await connection.execute(
            "insert into webhook_secret (secret_id, endpoint_id, sealed) values ('sec_chaos', $1, $2)",
            ENDPOINT,
            sealed,
        )
        await connection.close()
        described = EndpointDescribed(
            endpoint_id=ENDPOINT,
            url=url,
            event_types=list(STORY),
            ordered=True,
            revision=1,
            changed_at=now(),
        )
        await self.producer.publish([encode(new_event(described, source="chaos", key=ENDPOINT))])

    async def describe(self, connections: Iterable[str]) -> None:
        await self.producer.publish(
            [
                encode(
                    new_event(
                        ConnectionDescribed(
                            connection_id=name,
                            system="chaos",
                            credential_version=1,
                            revision=1,
                            created_at=now(),
                            changed_at=now(),
                            reason="created",
                        ),
                        source="chaos",
                        key=name,
                    )
                )
                for name in connections
            ]
        )

    async def called(self, connections: Iterable[str], outcome: Outcome, version: int) -> None:
        await self.producer.publish(
            [
                encode(
                    new_event(
                        Call(
                            connection_id=name,
                            system="chaos",
                            object="party.party",
                            operation=Operation.READ,
                            outcome=outcome,
                            credential_version=version,
                            at=now(),
                            request_id="req",
                        ),
                        source="chaos",
                        key=name,
                        event_type=CALL_EVENT_TYPES[outcome],
                    )
                )
                for name in connections
            ]
        )

    async def stored(self) -> list[Line]:
        """What the notifier says it delivered."""
        try:
            connection = await asyncpg.connect(self.database.dsn("notifier"), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return []
        try:
            rows = await connection.fetch(
                "select connection_id, event_type, webhook_id from delivery where state = 'delivered'"
            )
        finally:
            await connection.close()
        return [_line("stored", row["connection_id"], row["event_type"], row["webhook_id"]) for row in rows]

    async def until_delivered(self, event_type: str, count: int, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while True:
                stored = [line for line in await self.stored() if line.key.endswith(f"/{event_type}")]
                if len(stored) >= count:
                    return
                await asyncio.sleep(0.5)

    def log_of(self, service: str) -> str:
        return Path(self.supervisor.layout.logs / f"{service}.log").read_text(errors="replace")


def expected(connections: Iterable[str]) -> list[Line]:
    return [_line("expected", name, event_type, "") for name in connections for event_type in STORY]


def _line(kind: str, connection_id: str, event_type: str, webhook_id: str) -> Line:
    return Line(kind, f"{connection_id}/{event_type}", event_type, event_id=webhook_id)  # type: ignore[arg-type]


def in_order_of_connections(lines: Iterable[Line]) -> list[Line]:
    """The events with the connection as their key and the place in its story as their revision."""
    return [
        Line("event", line.key.partition("/")[0], line.content, STORY.index(line.content), line.event_id)
        for line in lines
        if line.kind == "event"
    ]


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False
