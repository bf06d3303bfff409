"""Processes of `proving_service` under a supervisor, and what they have handled."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import httpx

from lineshaft.common import topics as registry
from lineshaft.common.events.envelope import encode, new_event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.testing.infrastructure import create_database

KEYS = 12
START_SECONDS = 60.0


class Events(Progress):
    """What the supervisor did, kept."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.said: list[str] = []

    def say(self, name: str, text: str) -> None:
        self.said.append(f"{name}: {text}")


@dataclass(slots=True)
class Proving:
    infrastructure: Infrastructure
    kind: str
    prefix: str = field(default_factory=lambda: f"{new_id('chaos')}.")
    dsn: str = ""
    progress: Events = field(default_factory=Events)
    published: list[str] = field(default_factory=list)
    supervisor: Supervisor = field(init=False)
    _producer: Producer = field(init=False)
    _pool: Any = None
    _ports: dict[str, int] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        servers = self.infrastructure.kafka.bootstrap_servers
        used = [registry.SYNC_REQUESTS, registry.NOTIFICATION_EVENTS, registry.DEAD_LETTERS]
        await create_topics(servers, self.prefix, 1, used)
        self.dsn = (await create_database(self.infrastructure.postgres.dsn)).dsn("connector")
        self._producer = Producer(servers, self.prefix, "chaos")
        await self._producer.start()
        self._pool = await asyncpg.create_pool(self.dsn, min_size=1, max_size=2)
        self.supervisor = Supervisor(Layout.discover(new_id("chaos")), self.progress)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.supervisor.stop)
        await self._producer.stop()
        await self._pool.close()

    async def publish(self, count: int) -> None:
        """The next `count` records, spread over keys."""
        first = len(self.published)
        fresh = [f"{number % KEYS}/{number}" for number in range(first, first + count)]
        await self._producer.publish(
            [
                encode(new_event(SyncRequested(connection_id=name), source="chaos", key=name.split("/")[0]))
                for name in fresh
            ]
        )
        self.published += fresh

    async def start(self, name: str = "proving", *, watchdog_seconds: float = 60, **prove: str) -> Child:
        """One more process, ready to work."""
        port = free_port()
        self._ports[name] = port
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(find_checkout())])),
            "PYTHONUNBUFFERED": "1",
            "KAFKA_BOOTSTRAP_SERVERS": self.infrastructure.kafka.bootstrap_servers,
            "LINESHAFT_TOPIC_PREFIX": self.prefix,
            "LINESHAFT_POSTGRES_DSN": self.dsn,
            "LINESHAFT_HTTP_PORT": str(port),
            "LINESHAFT_SESSION_SECONDS": "6",
            "LINESHAFT_WATCHDOG_SECONDS": str(watchdog_seconds),
            "PROVE_KIND": self.kind,
            **prove,
        }
        child = self.supervisor.start(
            Command(
                name=name,
                arguments=(sys.executable, "-m", "tests.chaos.proving_service"),
                environment=environment,
                folder=find_checkout(),
                restarts=True,
            )
        )
        await asyncio.to_thread(child.wait_until_ready, lambda: _ready(port), START_SECONDS)
        return child

    async def handled(self) -> Counter[str]:
        try:
            rows = await self._pool.fetch("select name from handled")
        except asyncpg.UndefinedTableError:
            return Counter()
        return Counter(row["name"] for row in rows)

    async def overlapping(self) -> int:
        """Pairs of handlings of one record that were at work at the same time."""
        found: int = await self._pool.fetchval(
            "select count(*) from handled a join handled b on a.name = b.name and a.ctid < b.ctid"
            " where a.started < b.ended and b.started < a.ended"
        )
        return found

    async def until_handled(self, names: Sequence[str] | None = None, seconds: float = 60) -> Counter[str]:
        """All that was published, or these."""
        wanted = set(self.published if names is None else names)
        handled: Counter[str] = Counter()

        async def check() -> bool:
            nonlocal handled
            handled = await self.handled()
            return wanted <= set(handled)

        await until(f"{len(wanted)} records are handled", check, seconds)
        return handled

    def log_of(self, name: str = "proving") -> str:
        return Path(self.supervisor.layout.logs / f"{name}.log").read_text(errors="replace")


async def until(what: str, check: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not await check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.1)


def _ready(port: int) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
