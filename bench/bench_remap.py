"""A mapping changes while a live sync goes on: when reads show it, what it costs, how long live pages wait.

`python bench/bench_remap.py [--full] [--profile] [--records N]`
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from harness.fill import ENTITIES, OBJECT, PAGE, SYSTEM, page_headers
from harness.load import percentile
from harness.records import FIRST_ID, records
from harness.report import Target, folder, write
from harness.services import PREFIX, Running, running_service
from harness.stack import Stack, running_stack

from lineshaft.api.domain.keys import KeyKind, key_hash, new_key
from lineshaft.common import topics

STORED, LIVE = "con_stored", "con_live"
LIVE_PAGE = 50
LIVE_SECONDS = 0.1
ALONE_SECONDS = 15.0
PATIENCE_SECONDS = 1_200.0
CHANGE = {
    "fields": {"title": {"path": "code"}, "status": {"path": "state", "value_map": "statuses"}},
    "value_maps": {
        "statuses": {"new": "draft", "planned": "scheduled", "running": "in_progress", "done": "closed"}
    },
}
"""Every title, and the status of every fourth record."""


@dataclass
class Live:
    """A sync that never ends: small pages of a connection, and how long each took to come out as entities."""

    bootstrap_servers: str
    connection_id: str
    sequence: int
    number: int
    sent: dict[str, float] = field(default_factory=dict)
    lags: list[tuple[float, float]] = field(default_factory=list)
    """When a page was sent, and after how many seconds its last record came out."""

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator["Live"]:
        consumer = AIOKafkaConsumer(
            PREFIX + ENTITIES.name, bootstrap_servers=self.bootstrap_servers, fetch_max_wait_ms=5
        )
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers, acks="all", linger_ms=0)
        await consumer.start()
        await producer.start()
        tasks = [asyncio.create_task(self._listen(consumer)), asyncio.create_task(self._send(producer))]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await consumer.stop()
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer) -> None:
        while True:
            self.sequence += 1
            value, key = _page(self.connection_id, self.sequence, self.number, LIVE_PAGE)
            self.number += LIVE_PAGE
            self.sent[str(FIRST_ID + self.number - 1)] = time.perf_counter()
            headers = page_headers(self.connection_id, self.sequence)
            await producer.send_and_wait(PREFIX + topics.RECORDS_RAW.name, value, key=key, headers=headers)
            await asyncio.sleep(LIVE_SECONDS)

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        own = self.connection_id.encode()
        async for message in consumer:
            if not (message.key or b"").startswith(own) or message.value is None:
                continue
            source_id = orjson.loads(message.value)["source_id"]
            sent = self.sent.pop(source_id, None)
            if sent is not None:
                self.lags.append((sent, time.perf_counter() - sent))

    def between(self, start: float, end: float) -> list[float]:
        return [lag for sent, lag in self.lags if start <= sent <= end]


def _page(connection_id: str, sequence: int, first: int, count: int) -> tuple[bytes, bytes]:
    page = {
        "connection_id": connection_id,
        "system": SYSTEM,
        "object": OBJECT,
        "sync_id": f"syn_{connection_id}",
        "lease_epoch": 1,
        "read_sequence": sequence,
        "read_at": datetime.now(UTC),
        "records": list(records(first, count)),
    }
    return orjson.dumps(page), f"{connection_id}/{OBJECT}".encode()


async def prepare(stack: Stack) -> str:
    """The connections, and a token of the one whose mapping changes."""
    for service in ("connector", "mapping", "health_monitor", "notifier", "api"):
        await stack.migrate(service)
    await stack.create_topics(PREFIX)
    token = new_key(KeyKind.CONNECTION)
    connection = await asyncpg.connect(stack.admin_dsn)
    try:
        for name in (STORED, LIVE):
            await connection.execute(
                "insert into api.connection (connection_id, system, lifecycle, settings, login, metadata,"
                " credential_version) values ($1, $2, 'active', '{}', '{}', '{}', 1)",
                name,
                SYSTEM,
            )
        await connection.execute(
            "insert into api.api_key (key_hash, key_id, kind, connection_id)"
            " values ($1, 'key_1', 'connection', $2)",
            key_hash(token),
            STORED,
        )
    finally:
        await connection.close()
    return token


async def fill(stack: Stack, count: int) -> None:
    """All pages of the stored connection onto the topic."""
    async with AIOKafkaProducer(
        bootstrap_servers=stack.bootstrap_servers, acks="all", max_request_size=4_000_000
    ) as producer:
        pending = []
        for sequence, first in enumerate(range(0, count, PAGE), 1):
            value, key = _page(STORED, sequence, first, PAGE)
            topic = PREFIX + topics.RECORDS_RAW.name
            pending.append(await producer.send(topic, value, key=key, headers=page_headers(STORED, sequence)))
        await asyncio.gather(*pending)


async def until(connection: asyncpg.Connection, query: str, wanted: object) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await connection.fetchval(query) != wanted:  # noqa: ASYNC110  Postgres has no event to wait for
            await asyncio.sleep(0.02)


class Api:
    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, admin_key: str) -> None:
        self._session = session
        self._url = f"{url}/v1"
        self._token = {"authorization": f"Bearer {token}"}
        self._admin = {"authorization": f"Bearer {admin_key}"}

    async def get(self, path: str) -> Any:
        async with self._session.get(self._url + path, headers=self._token) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def change_mapping(self) -> None:
        path = f"{self._url}/connections/{STORED}/mappings/{OBJECT}"
        async with self._session.put(path, json=CHANGE, headers=self._admin) as answer:
            answer.raise_for_status()
            await answer.read()


async def read_change(api: Api, record_id: str, code: str) -> dict[str, float]:
    """Seconds of the first read of each kind after the change; raises where one shows the old value."""

    async def seconds(path: str, *, shows: Callable[[Any], bool]) -> float:
        started = time.perf_counter()
        answer = await api.get(path)
        took = time.perf_counter() - started
        if not shows(answer):
            raise RuntimeError(f"{path} shows the mapping before")
        return took

    return {
        "one record": await seconds(f"/work-orders/{record_id}", shows=lambda one: one["title"] == code),
        "a filter on the new value": await seconds(
            "/work-orders?status=closed&limit=100",
            # a page may end before its limit where most rows do not fit its filter
            shows=lambda page: {one["status"] for one in page["data"]} == {"closed"},
        ),
        "a filter on the old value": await seconds(
            "/work-orders?status=completed&limit=100", shows=lambda page: page["data"] == []
        ),
    }


@dataclass(frozen=True, slots=True)
class Servers:
    stack: Stack
    mapping: Running
    api: Running
    token: str
    admin_key: str


async def measure(servers: Servers, count: int) -> dict[str, Any]:
    stack, mapping = servers.stack, servers.mapping
    database = await asyncpg.connect(stack.admin_dsn)
    stored = f"select count(*) from mapping.record where connection_id = '{STORED}'"
    before, started = mapping.cpu(), time.perf_counter()
    await fill(stack, count)
    await until(database, stored, count)
    filled = {"seconds": time.perf_counter() - started, "cpu": mapping.cpu() - before}
    row = await database.fetchrow(
        "select id, raw ->> 'code' as code from mapping.record where connection_id = $1"
        " and raw ->> 'state' = 'done' limit 1",
        STORED,
    )
    if row is None:
        raise RuntimeError("nothing was stored")
    pages = count // PAGE
    same = Live(stack.bootstrap_servers, STORED, pages, count)
    other = Live(stack.bootstrap_servers, LIVE, 0, 0)
    async with aiohttp.ClientSession() as session, same.going_on(), other.going_on():
        api = Api(session, servers.api.url, servers.token, servers.admin_key)
        await asyncio.sleep(3)
        alone_from, alone_cpu = time.perf_counter(), mapping.cpu()
        await asyncio.sleep(ALONE_SECONDS)
        alone_to = time.perf_counter()
        alone_cpu = mapping.cpu() - alone_cpu

        changed_from, changed_cpu = time.perf_counter(), mapping.cpu()
        await api.change_mapping()
        put = time.perf_counter() - changed_from
        reads = await read_change(api, row["id"], row["code"])
        finished = (
            "select coalesce(bool_or(finished_at is not null), false) from mapping.remap"
            f" where connection_id = '{STORED}'"
        )
        await until(database, finished, wanted=True)
        changed_to, used = time.perf_counter(), mapping.cpu() - changed_cpu
        await asyncio.sleep(5)
    mapped = await database.fetchval("select mapped from mapping.remap where connection_id = $1", STORED)
    await database.close()
    took = changed_to - changed_from
    pages_alone, pages_meanwhile = (
        sum(len(live.between(start, end)) for live in (same, other))
        for start, end in ((alone_from, alone_to), (changed_from, changed_to))
    )
    for_live_pages = alone_cpu / max(pages_alone, 1) * pages_meanwhile
    return {
        "records": count,
        "put_seconds": put,
        "first_reads": reads,
        "live_mapping": {
            "records_per_second": count / filled["seconds"],
            "cpu_micros": filled["cpu"] / count * 1e6,
        },
        "remap": {
            "mapped": mapped,
            "seconds": took,
            "records_per_second": mapped / took,
            "cpu_micros": (used - for_live_pages) / mapped * 1e6,
        },
        "live_lag": {
            name: {
                "without": _lags(live.between(alone_from, alone_to)),
                "meanwhile": _lags(live.between(changed_from, changed_to)),
            }
            for name, live in {"the same connection": same, "another connection": other}.items()
        },
    }


def _lags(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        raise RuntimeError("no live page came out")
    return {
        "pages": len(seconds),
        "p50_seconds": percentile(seconds, 0.5),
        "p99_seconds": percentile(seconds, 0.99),
        "longest_seconds": max(seconds),
    }


def targets(found: Mapping[str, Any]) -> list[Target]:
    remap, live = found["remap"], found["live_mapping"]
    lag = max(one["meanwhile"]["p99_seconds"] for one in found["live_lag"].values())
    slowest = found["put_seconds"] + max(found["first_reads"].values())
    return [
        Target("PUT and the first read that shows it, s", slowest, 1),
        Target("re-map / live mapping, CPU per record", remap["cpu_micros"] / live["cpu_micros"], 1),
        Target(
            "re-map beside live traffic / live mapping alone, records per second",
            remap["records_per_second"] / live["records_per_second"],
            1,
            at_most=False,
        ),
        Target("live lag meanwhile, p99 in s", lag, 2),
    ]


def lines(found: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from lines(value, f"{prefix}{name}: ")
        else:
            yield f"{prefix}{name} = {value:.3f}" if isinstance(value, float) else f"{prefix}{name} = {value}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="100,000 records in place of 20,000")
    parser.add_argument("--profile", action="store_true", help="profile the mapping service, into var/bench")
    parser.add_argument("--records", type=int)
    arguments = parser.parse_args()
    count = (arguments.records or (100_000 if arguments.full else 20_000)) // PAGE * PAGE
    admin_key = new_key(KeyKind.ADMIN)
    place: Path | None = folder() / "remap.profile.txt" if arguments.profile else None
    with running_stack() as stack:
        token = asyncio.run(prepare(stack))
        with (
            running_service(stack, "mapping", profile=place) as mapping,
            running_service(stack, "api", admin_key=admin_key, measured=False) as api,
        ):
            if place is not None:
                mapping.profile()
            found = asyncio.run(measure(Servers(stack, mapping, api, token, admin_key), count))
    print("\n".join(lines(found)))
    met = targets(found)
    print("\n" + "\n".join(target.line() for target in met))
    print(place or write("remap", found, met))


if __name__ == "__main__":
    main()
