"""Seconds from the event of a refused call to its webhook at the receiver, over health-monitor and notifier.

First one refusal at a time, then all connections at once. Prints one JSON object.
"""

import asyncio
import base64
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from harness.services import cpu_seconds

from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.calls import CALL_EVENT_TYPES, Call
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.envelope import encode, new_event
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.postgres.bootstrap import bootstrap
from lineshaft.common.postgres.pool import create_pool
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.progress import Progress

ONE_BY_ONE = 300
AT_ONCE = int(os.environ.get("CONNECTIONS", "10000"))
PASSWORD = "bench"  # noqa: S105  of a database that lives as long as this run
SERVICES = ("health_monitor", "notifier")
KEYS = "bench:" + base64.b64encode(b"s" * 32).decode()
REQUIRED = b'"type":"connection.reauthorization_required"'


class Receiver:
    def __init__(self) -> None:
        self.port = free_port()
        self.at: dict[str, float] = {}
        self.requests = 0

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/", self.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        return runner

    async def handle(self, request: web.Request) -> web.Response:
        moment = time.perf_counter()
        body = await request.read()
        if REQUIRED in body:
            self.requests += 1
            self.at.setdefault(json.loads(body)["data"]["connection_id"], moment)
        return web.Response(status=204)


def refused(connection_id: str) -> Message:
    call = Call(
        connection_id=connection_id,
        system="bench",
        object="party.party",
        operation=Operation.READ,
        outcome=Outcome.CREDENTIALS_REJECTED,
        credential_version=1,
        at=now(),
        request_id="req",
    )
    event_type = CALL_EVENT_TYPES[call.outcome]
    return encode(new_event(call, source="bench", key=connection_id, event_type=event_type))


def described(connection_id: str) -> Message:
    connection = ConnectionDescribed(
        connection_id=connection_id,
        system="bench",
        credential_version=1,
        revision=1,
        created_at=now(),
        changed_at=now(),
        reason="created",
    )
    return encode(new_event(connection, source="bench", key=connection_id))


async def start_service(service: str, environment: dict[str, str]) -> asyncio.subprocess.Process:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"lineshaft.{service}",
        env={**os.environ, **environment, "LINESHAFT_HTTP_PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    return process
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


def peak_megabytes(pid: int) -> int:
    """Of resident memory, since the process began."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peak) // 1024


def figures(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50_ms": round(statistics.median(ordered) * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "longest_ms": round(ordered[-1] * 1000, 1),
    }


async def one_by_one(producer: Producer, receiver: Receiver, connections: list[str]) -> dict[str, float]:
    seconds = []
    for connection_id in connections:
        started = time.perf_counter()
        await producer.publish([refused(connection_id)])
        while connection_id not in receiver.at:  # noqa: ASYNC110  a timer finer than an event's
            await asyncio.sleep(0.0005)
        seconds.append(receiver.at[connection_id] - started)
        await asyncio.sleep(0.02)
    return figures(seconds)


async def at_once(
    producer: Producer,
    receiver: Receiver,
    connections: list[str],
    processes: dict[str, asyncio.subprocess.Process],
) -> dict[str, Any]:
    before = {name: cpu_seconds(process.pid) for name, process in processes.items()}
    requests = receiver.requests
    started = time.perf_counter()
    await producer.publish([refused(connection_id) for connection_id in connections])
    while not all(connection_id in receiver.at for connection_id in connections):  # noqa: ASYNC110  another process works
        await asyncio.sleep(0.01)
    seconds = [receiver.at[connection_id] - started for connection_id in connections]
    await asyncio.sleep(2)
    cpu = {
        f"{name}_cpu_us_each": round((cpu_seconds(process.pid) - before[name]) / len(connections) * 1e6)
        for name, process in processes.items()
    }
    memory = {f"{name}_peak_mb": peak_megabytes(process.pid) for name, process in processes.items()}
    return {
        "connections": len(connections),
        "webhooks": receiver.requests - requests,
        "median_seconds": round(statistics.median(seconds), 2),
        "last_seconds": round(max(seconds), 2),
        **cpu,
        **memory,
    }


async def measure(infrastructure: Infrastructure) -> dict[str, Any]:
    admin, servers = infrastructure.postgres.dsn, infrastructure.kafka.bootstrap_servers
    await bootstrap(admin, PASSWORD)
    await create_topics(servers, "lineshaft.", 1)
    receiver = Receiver()
    runner = await receiver.start()
    environments = {
        service: {
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "LINESHAFT_POSTGRES_DSN": infrastructure.postgres.dsn_for(f"lineshaft_{service}", PASSWORD),
            "LINESHAFT_SECRET_KEYS": KEYS,
            "LINESHAFT_LINK_SIGNING_KEY": "bench",
            "LINESHAFT_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        for service in SERVICES
    }
    started = await asyncio.gather(*(start_service(name, environments[name]) for name in SERVICES))
    processes = dict(zip(SERVICES, started, strict=True))
    pool = await create_pool(environments["notifier"]["LINESHAFT_POSTGRES_DSN"], size=2, service="bench")
    secret = ("whsec_" + base64.b64encode(b"k" * 32).decode()).encode()
    sealed = KeyRing.parse(KEYS).seal(secret, bound_to="webhook_secret/whe_bench/sec_bench")
    await pool.execute(
        "insert into webhook_secret (secret_id, endpoint_id, sealed) values ('sec_bench', 'whe_bench', $1)",
        sealed,
    )
    producer = Producer(servers, "lineshaft.", "bench")
    await producer.start()
    endpoint = EndpointDescribed(
        endpoint_id="whe_bench", url=f"http://127.0.0.1:{receiver.port}/", revision=1, changed_at=now()
    )
    await producer.publish([encode(new_event(endpoint, source="bench", key="whe_bench"))])
    connections = [new_id("con") for _ in range(ONE_BY_ONE + AT_ONCE)]
    await producer.publish([described(connection_id) for connection_id in connections])
    while await pool.fetchval("select count(*) from delivery where state = 'delivered'") < len(connections):  # noqa: ASYNC110  another process works
        await asyncio.sleep(0.2)
    try:
        return {
            "one_by_one": await one_by_one(producer, receiver, connections[:ONE_BY_ONE]),
            "at_once": await at_once(producer, receiver, connections[ONE_BY_ONE:], processes),
        }
    finally:
        for process in processes.values():
            process.terminate()
        await asyncio.gather(*(process.wait() for process in processes.values()))
        await producer.stop()
        await pool.close()
        await runner.cleanup()


def main() -> None:
    layout = Layout.discover(f"bench-{os.getpid()}")
    with Infrastructure(layout, progress=Progress(quiet=True)) as infrastructure:
        print(json.dumps({"refused_call_to_webhook": asyncio.run(measure(infrastructure))}, indent=2))


if __name__ == "__main__":
    main()
