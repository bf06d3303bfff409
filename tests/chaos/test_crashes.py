"""Promise P12: `kill -9` between any two steps loses nothing and doubles no effect.

The steps: effect (with inbox and outbox in one transaction), offset commit, publish by the relay.
"""

import asyncio
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer

from lineshaft.common import topics as registry
from lineshaft.common.events.envelope import encode, new_event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.postgres.bootstrap import bootstrap
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.testing.infrastructure import ROLE_PASSWORD, Topics

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(180)]

REQUESTS = 200
BATCH = 20
SERVICE = Path(__file__).with_name("crashing_service.py")
KILLED = -9
WANTED = [f"con_{number}" for number in range(REQUESTS)]
PASSES = 2
STEPS = (
    "before_effect",
    "after_effect",
    "before_offset_commit",
    "after_offset_commit",
    "before_publish",
    "after_publish",
)


async def fresh_database(infrastructure: Infrastructure) -> str:
    """The DSN of a service role in a database of its own."""
    name = new_id("chaos")
    connection = await asyncpg.connect(infrastructure.postgres.dsn)
    await connection.execute(f'create database "{name}"')
    await connection.close()
    admin = f"{infrastructure.postgres.dsn.rpartition('/')[0]}/{name}"
    await bootstrap(admin, ROLE_PASSWORD)
    return f"postgresql://lineshaft_connector:{ROLE_PASSWORD}@{admin.rpartition('@')[2]}"


async def run_service(topics: Topics, dsn: str, step: str, passes: int) -> asyncio.subprocess.Process:
    environment = {
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "LINESHAFT_TOPIC_PREFIX": topics.prefix,
        "LINESHAFT_POSTGRES_DSN": dsn,
        "LINESHAFT_HTTP_PORT": str(free_port()),
        "LINESHAFT_SESSION_SECONDS": "6",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, str(SERVICE), step, str(passes), env=environment, stdout=asyncio.subprocess.DEVNULL
    )


async def effects(dsn: str, expected: int, seconds: float = 60) -> Counter[str]:
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    rows = await connection.fetch("select connection_id from effect")
                    unsent = await connection.fetchval("select count(*) from outbox")
                except asyncpg.UndefinedTableError:
                    rows, unsent = [], 1
                if len(rows) >= expected and unsent == 0:
                    return Counter(row["connection_id"] for row in rows)
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def published(topics: Topics) -> list[tuple[str, str]]:
    """(event id, delivery id) of everything on the outgoing topic."""
    consumer = AIOKafkaConsumer(
        topics.prefix + registry.NOTIFICATION_EVENTS.name,
        bootstrap_servers=topics.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    seen = []
    try:
        while batches := await consumer.getmany(timeout_ms=1500):
            for records in batches.values():
                seen += [(dict(record.headers)["ce_id"].decode(), record.key.decode()) for record in records]
    finally:
        await consumer.stop()
    return seen


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What there was once the next process had finished the work."""

    effects: Counter[str]
    sent: list[tuple[str, str]]


async def crash(bootstrap_servers: str, dsn: str, step: str) -> Aftermath:
    topics = Topics(bootstrap_servers, f"{new_id('chaos')}.")
    used = [registry.SYNC_REQUESTS, registry.NOTIFICATION_EVENTS, registry.DEAD_LETTERS]
    await create_topics(bootstrap_servers, topics.prefix, 1, used)
    producer = Producer(bootstrap_servers, topics.prefix, "chaos")
    await producer.start()
    await producer.publish(
        [encode(new_event(SyncRequested(connection_id=name), source="chaos", key=name)) for name in WANTED]
    )
    await producer.stop()

    crashed = await run_service(topics, dsn, step, PASSES)
    assert await asyncio.wait_for(crashed.wait(), 60) == KILLED
    healthy = await run_service(topics, dsn, "none", 0)
    try:
        counted = await effects(dsn, REQUESTS)
    finally:
        healthy.terminate()
        assert await asyncio.wait_for(healthy.wait(), 30) == 0
    return Aftermath(counted, await published(topics))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def aftermaths(
    infrastructure: Infrastructure, bootstrap_servers: str
) -> dict[str, Aftermath | BaseException]:
    """Side by side, as most of it is waiting until the killed member's session has ended."""
    crashes = [crash(bootstrap_servers, await fresh_database(infrastructure), step) for step in STEPS]
    return dict(zip(STEPS, await asyncio.gather(*crashes, return_exceptions=True), strict=True))


@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_at_any_step_loses_and_doubles_nothing(
    aftermaths: dict[str, Aftermath | BaseException], step: str
) -> None:
    aftermath = aftermaths[step]
    if isinstance(aftermath, BaseException):
        raise aftermath
    sent = aftermath.sent
    assert aftermath.effects == Counter(WANTED)
    assert {key for _, key in sent} == set(WANTED)
    ids_by_key = {key: {event_id for event_id, other in sent if other == key} for _, key in sent}
    assert all(len(ids) == 1 for ids in ids_by_key.values())
    repeated = len(sent) - REQUESTS
    if step == "after_publish":
        assert 0 < repeated <= REQUESTS
    elif step != "before_publish":
        assert repeated <= PASSES * BATCH
