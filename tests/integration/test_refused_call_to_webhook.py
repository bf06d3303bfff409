"""A refused call goes in at one end, a signed webhook comes out at the other: both services as processes."""

import asyncio
import base64
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from standardwebhooks import Webhook

from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.calls import CALL_EVENT_TYPES, Call
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.envelope import encode, new_event
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.links import open_link
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.postgres.pool import Pool
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.testing.infrastructure import Database, Topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
KEYS = "test:" + base64.b64encode(b"s" * 32).decode()
LINK_KEY = "link-key"
SYSTEM = "tryton"
LEASE_SECONDS = 6


@dataclass
class Receiver:
    """A webhook endpoint of a vendor; every request is verified."""

    port: int
    answer: Callable[[], int] = lambda: 204
    delay: float = 0.0
    requests: list[tuple[str, dict[str, Any], float]] = field(default_factory=list)
    started: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def handle(self, request: web.Request) -> web.Response:
        self.started += 1
        body = await request.read()
        verified = Webhook(SECRET).verify(body, dict(request.headers))
        self.requests.append((request.headers["webhook-id"], verified, time.time()))
        await asyncio.sleep(self.delay)
        return web.Response(status=self.answer())

    def of(self, connection_id: str) -> list[dict[str, Any]]:
        return [body for _, body, _ in self.requests if body["data"]["connection_id"] == connection_id]

    def types(self, connection_id: str) -> list[str]:
        return [body["type"] for body in self.of(connection_id)]


@dataclass
class Process:
    module: str
    environment: Mapping[str, str]
    port: int
    running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            env={**os.environ, **self.environment, "LINESHAFT_HTTP_PORT": str(self.port)},
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with httpx.AsyncClient(trust_env=False) as client:
            await eventually(lambda: self._ready(client), 60)

    async def _ready(self, client: httpx.AsyncClient) -> bool:
        try:
            answer = await client.get(f"http://127.0.0.1:{self.port}/readyz")
        except httpx.TransportError:
            return False
        return answer.is_success

    async def kill(self) -> None:
        if self.running is not None and self.running.returncode is None:
            self.running.kill()
            await self.running.wait()

    async def stop(self) -> int:
        if self.running is None:
            return 0
        self.running.terminate()
        return await self.running.wait()


@dataclass
class World:
    producer: Producer
    receiver: Receiver
    notifiers: list[Process]
    monitor: Process
    health: Pool
    deliveries: Pool

    async def connect(self, version: int = 1, *, connection_id: str | None = None, **changes: Any) -> str:
        connection_id = connection_id or new_id("con")
        fields = {
            "connection_id": connection_id,
            "system": SYSTEM,
            "metadata": {"customer": "Mill 7"},
            "credential_version": version,
            "revision": version,
            "created_at": now(),
            "changed_at": now(),
            "reason": "created" if version == 1 else "reauthorized",
        }
        described = ConnectionDescribed.model_validate(fields | changes)
        await self.publish(described, connection_id)
        return connection_id

    async def call(self, connection_id: str, outcome: Outcome, version: int = 1, **fields: Any) -> str:
        call = Call.model_validate(
            {
                "connection_id": connection_id,
                "system": SYSTEM,
                "operation": Operation.READ,
                "outcome": outcome,
                "credential_version": version,
                "at": now(),
                "request_id": new_id("req"),
            }
            | fields
        )
        event = new_event(call, source="connector", key=connection_id, event_type=CALL_EVENT_TYPES[outcome])
        await self.producer.publish([encode(event)])
        return event.id

    async def publish(self, data: Any, key: str) -> None:
        await self.producer.publish([encode(new_event(data, source="api", key=key))])

    async def status(self, connection_id: str) -> dict[str, Any]:
        document = await self.health.fetchval(
            "select document from status_view where connection_id = $1", connection_id
        )
        return document or {}

    async def has_status(self, connection_id: str, status: str) -> bool:
        return (await self.status(connection_id)).get("status") == status

    async def delivery(self, connection_id: str, event_type: str) -> Any:
        return await self.deliveries.fetchrow(
            "select * from delivery_view where connection_id = $1 and event_type = $2",
            connection_id,
            event_type,
        )


async def eventually(true: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        result = true()
        if await result if asyncio.iscoroutine(result) else result:
            return
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(database: Database, topics: Topics, producer: Producer) -> AsyncIterator[World]:
    health, deliveries = await database.pool("health_monitor"), await database.pool("notifier")
    receiver = Receiver(free_port())
    app = web.Application()
    app.router.add_post("/hooks", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()

    secret_id, endpoint_id = new_id("sec"), new_id("whe")
    sealed = KeyRing.parse(KEYS).seal(SECRET.encode(), bound_to=f"webhook_secret/{endpoint_id}/{secret_id}")
    await deliveries.execute(
        "insert into webhook_secret (secret_id, endpoint_id, sealed) values ($1, $2, $3)",
        secret_id,
        endpoint_id,
        sealed,
    )

    def process(service: str) -> Process:
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
            "LINESHAFT_TOPIC_PREFIX": topics.prefix,
            "LINESHAFT_POSTGRES_DSN": database.dsn(service),
            "LINESHAFT_SECRET_KEYS": KEYS,
            "LINESHAFT_LINK_SIGNING_KEY": LINK_KEY,
            "LINESHAFT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "LINESHAFT_SESSION_SECONDS": "6",
            "LINESHAFT_QUIET_SECONDS": "1",
            "LINESHAFT_HOLD_SECONDS": "0.2",
            "LINESHAFT_BREAKER_OPEN_SECONDS": "0.5",
            "LINESHAFT_DENIED_RETRY_SECONDS": "0.5",
            "LINESHAFT_RETRY_SCALE": "0.02",
            "LINESHAFT_REQUEST_SECONDS": "3",
            "LINESHAFT_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        return Process(f"lineshaft.{service}", environment, free_port())

    world = World(
        producer,
        receiver,
        [process("notifier"), process("notifier")],
        process("health_monitor"),
        health,
        deliveries,
    )
    await asyncio.gather(*(one.start() for one in [*world.notifiers, world.monitor]))
    endpoint = EndpointDescribed(endpoint_id=endpoint_id, url=receiver.url, revision=1, changed_at=now())
    await world.publish(endpoint, endpoint_id)
    yield world
    codes = await asyncio.gather(*(one.stop() for one in [*world.notifiers, world.monitor]))
    await runner.cleanup()
    await asyncio.gather(health.close(), deliveries.close())
    assert codes == [0, 0, 0]


async def test_refused_credentials_become_one_webhook_and_reconnecting_heals(world: World) -> None:
    connection_id = await world.connect()
    await eventually(lambda: "connection.created" in world.receiver.types(connection_id))
    for _ in range(3):
        await world.call(connection_id, Outcome.CREDENTIALS_REJECTED, object="party.party")
    await eventually(lambda: "connection.reauthorization_required" in world.receiver.types(connection_id))

    status = await world.status(connection_id)
    assert status["status"] == "reauthorization_required"
    assert status["verdict"]["fault"] == "credentials"
    assert status["breaker"]["state"] == "open"
    required = world.receiver.of(connection_id)[-1]["data"]
    assert required["metadata"] == {"customer": "Mill 7"}
    token = required["reauthorize_url"].rpartition("/")[2]
    assert open_link(token, LINK_KEY, now=now()) == connection_id

    await world.connect(2, connection_id=connection_id)
    await eventually(lambda: "connection.recovered" in world.receiver.types(connection_id))
    await world.call(connection_id, Outcome.CREDENTIALS_REJECTED, version=1)
    await world.call(connection_id, Outcome.OK, version=2, object="party.party")
    await eventually(lambda: world.has_status(connection_id, "healthy"))
    await asyncio.sleep(1)
    assert world.receiver.types(connection_id) == [
        "connection.created",
        "connection.reauthorization_required",
        "connection.recovered",
    ]


async def test_a_forbidden_object_is_named_and_the_others_go_on(world: World) -> None:
    connection_id = await world.connect()
    await world.call(connection_id, Outcome.OK, object="party.party")
    await world.call(connection_id, Outcome.PERMISSION_DENIED, object="purchase.purchase")
    await eventually(lambda: world.has_status(connection_id, "degraded"))
    status = await world.status(connection_id)
    assert status["verdict"]["objects"] == ["purchase.purchase"]
    assert {item["object"]: item["callable"] for item in status["objects"]} == {
        "party.party": True,
        "purchase.purchase": False,
    }
    await asyncio.sleep(0.6)
    await world.call(connection_id, Outcome.OK, object="purchase.purchase")
    await eventually(lambda: world.has_status(connection_id, "healthy"))
    await eventually(
        lambda: (
            world.receiver.types(connection_id)
            == ["connection.created", "connection.status_changed", "connection.recovered"]
        )
    )


async def test_a_receiver_that_is_down_gets_it_when_it_is_back(world: World) -> None:
    world.receiver.answer = lambda: 503
    connection_id = await world.connect()
    await eventually(lambda: len(world.receiver.of(connection_id)) > 1)
    assert (await world.delivery(connection_id, "connection.created"))["state"] == "due"
    world.receiver.answer = lambda: 204
    before = len(world.receiver.of(connection_id))
    await eventually(lambda: len(world.receiver.of(connection_id)) > before, 60)
    await eventually(lambda: _delivered(world, connection_id))
    ids = {
        identity for identity, body, _ in world.receiver.requests if body in world.receiver.of(connection_id)
    }
    assert len(ids) == 1


async def _delivered(world: World, connection_id: str) -> bool:
    row = await world.delivery(connection_id, "connection.created")
    return row is not None and row["state"] == "delivered"


async def test_a_killed_sender_is_taken_over_with_the_same_id(world: World) -> None:
    world.receiver.delay = 2.5
    started = world.receiver.started
    connection_id = await world.connect()
    await eventually(lambda: world.receiver.started > started)
    await asyncio.gather(*(one.kill() for one in world.notifiers))
    world.receiver.delay = 0.0
    await asyncio.gather(*(one.start() for one in world.notifiers))
    await eventually(lambda: _delivered(world, connection_id), LEASE_SECONDS + 20)
    ids = [
        identity for identity, body, _ in world.receiver.requests if body in world.receiver.of(connection_id)
    ]
    assert len(ids) == 2
    assert len(set(ids)) == 1
