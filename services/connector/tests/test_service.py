"""The process as it runs: its topics, its dead letters, its ends."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer

from lineshaft.common import topics as registry
from lineshaft.common.events.commands import AuthorizationRequested
from lineshaft.common.events.envelope import encode
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.postgres.pool import Pool, create_pool
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.tryton import TrytonSource

from .rig import KEYS, OBJECTS, ROOT, a_connection_id, an_event

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure
    from lineshaft.tools.testing.infrastructure import Database, Topics

pytestmark = pytest.mark.integration

SECONDS = 40.0


@dataclass
class Process:
    environment: dict[str, str]
    log: Path
    child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "lineshaft.connector"],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
            )

    def end(self, number: signal.Signals) -> int:
        assert self.child is not None
        self.child.send_signal(number)
        return self.child.wait(timeout=35)


class Reader:
    """Everything on some topics, from their beginning."""

    def __init__(self, consumer: AIOKafkaConsumer, prefix: str) -> None:
        self._consumer = consumer
        self._prefix = prefix
        self.seen: list[Any] = []

    async def until(self, found: Callable[[list[Any]], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if result := found(self.seen):
                return result
            batches = await self._consumer.getmany(timeout_ms=200)
            self.seen += [record for batch in batches.values() for record in batch]
        raise AssertionError(f"not on the topics in time: {self.of_topic('dead-letters')}")

    def of_topic(self, name: str) -> list[Any]:
        return [record for record in self.seen if record.topic == self._prefix + name]

    def data(self, name: str) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in self.of_topic(name)]


@pytest.fixture(scope="module")
def tryton(infrastructure: "Infrastructure") -> Iterator[TrytonSource]:
    source = TrytonSource(infrastructure.supervisor, name="tryton-connector-process")
    source.prepare()
    source.start()
    yield source
    source.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def process(
    database: "Database", topics: "Topics", tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Process]:
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "LINESHAFT_TOPIC_PREFIX": topics.prefix,
        "LINESHAFT_POSTGRES_DSN": database.dsn("connector"),
        "LINESHAFT_SECRET_KEYS": "test:" + base64.b64encode(bytes(32)).decode(),
        "LINESHAFT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "LINESHAFT_INTEGRATIONS_DIR": str(ROOT / "integrations"),
        "LINESHAFT_HTTP_PORT": str(free_port()),
    }
    process = Process(environment, tmp_path_factory.mktemp("connector") / "connector.log")
    process.start()
    yield process
    if process.child is not None and process.child.poll() is None:
        process.end(signal.SIGKILL)


@pytest_asyncio.fixture(loop_scope="session")
async def reader(topics: "Topics") -> AsyncIterator[Reader]:
    names = ("records.raw", "command.results", "connection.calls", "sync.events", "dead-letters")
    consumer = AIOKafkaConsumer(
        *(topics.prefix + name for name in names),
        bootstrap_servers=topics.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    yield Reader(consumer, topics.prefix)
    await consumer.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api_pool(database: "Database", process: Process) -> AsyncIterator[Pool]:
    """Of `api`'s role, once the service has made its tables."""
    pool = await create_pool(database.dsn("api"), size=2, service="api")
    deadline = time.monotonic() + SECONDS
    while not await pool.fetchval("select to_regclass('connector.sync_view')") or not await _granted(pool):
        assert time.monotonic() < deadline, process.log.read_text()
        await asyncio.sleep(0.2)
    yield pool
    await pool.close()


async def _granted(pool: Pool) -> bool:
    return bool(await pool.fetchval("select has_table_privilege('connector.sync_view', 'select')"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def connection_id(api_pool: Pool, producer: Producer, tryton: TrytonSource) -> str:
    """Connected over the topics, as `api` does it."""
    connection_id, credential_id = a_connection_id(), new_id("cre")
    secret = orjson.dumps({"username": tryton.username, "password": tryton.password})
    await api_pool.execute(
        "insert into connector.credential (credential_id, connection_id, sealed) values ($1, $2, $3)",
        credential_id,
        connection_id,
        KEYS.seal(secret, bound_to=f"credential/{connection_id}/{credential_id}"),
    )
    command = AuthorizationRequested(
        command_id=new_id("cmd"),
        connection_id=connection_id,
        system="tryton",
        settings={"base_url": tryton.base_url, "database": tryton.database},
        credential_id=credential_id,
    )
    await producer.publish([encode(an_event(command, connection_id))])
    return connection_id


async def test_a_connection_and_a_plain_sync_request(
    reader: Reader, producer: Producer, connection_id: str
) -> None:
    await reader.until(lambda _: reader.of_topic("command.results"))
    (answer,) = reader.data("command.results")
    assert answer["problem"] is None, answer
    await producer.publish(
        [
            plain(b"this is no JSON"),
            plain(orjson.dumps({"connection_id": "con_nobody"})),
            plain(orjson.dumps({"connection_id": connection_id}), (("source", b"\xff\xfe"),)),
            plain(orjson.dumps({"connection_id": connection_id, "request_id": "mine"})),
        ]
    )
    markers = await reader.until(
        lambda _: markers if len(markers := markers_of(reader)) == len(OBJECTS) else None
    )
    assert {marker["result"]["result"] for marker in markers} == {"completed"}
    letters = await reader.until(
        lambda _: letters if len(letters := reader.of_topic("dead-letters")) == 3 else None
    )
    reasons = sorted(dict(letter.headers)["dlq_message"].decode() for letter in letters)
    assert "not UTF-8" in reasons[0]
    assert "not JSON" in reasons[1]
    assert "con_nobody" in reasons[2]
    for record in reader.of_topic("records.raw"):
        assert record.key.decode().startswith(f"{connection_id}/")


async def test_a_killed_worker_loses_nothing(
    reader: Reader, producer: Producer, connection_id: str, process: Process, database: "Database"
) -> None:
    await producer.publish([plain(orjson.dumps({"connection_id": connection_id, "mode": "full"}))])
    own = await create_pool(database.dsn("connector"), size=2, service="connector")
    deadline = time.monotonic() + SECONDS
    while not await own.fetchval("select count(*) from stream where lease_owner is not null"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    process.end(signal.SIGKILL)
    await own.execute("update stream set lease_until = now() where lease_owner is not null")
    await own.execute("update session set login_until = now() where login_owner is not null")
    process.start()
    markers = await reader.until(
        lambda _: markers if len(markers := markers_of(reader)) == 2 * len(OBJECTS) else None
    )
    await own.close()
    assert {marker["result"]["result"] for marker in markers} == {"completed"}
    full = {
        (marker["result"]["object"], marker["sync_id"]): marker["result"]["records"] for marker in markers
    }
    for (name, sync_id), records in full.items():
        ids = {
            record["id"]
            for part in reader.data("records.raw")
            if part.get("object") == name and part.get("sync_id") == sync_id
            for record in part["records"]
        }
        assert len(ids) >= records > 0


async def test_it_stops_cleanly(process: Process, connection_id: str, tryton: TrytonSource) -> None:
    started = time.monotonic()
    assert process.end(signal.SIGTERM) == 0, process.log.read_text()[-3000:]
    assert time.monotonic() - started < 30
    log = process.log.read_text()
    assert connection_id in log
    assert tryton.password not in log


def plain(value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> Message:
    return Message(registry.SYNC_REQUESTS.name, None, value, headers)


def markers_of(reader: Reader) -> list[dict[str, Any]]:
    return [one for one in reader.data("records.raw") if "sync_objects" in one]
