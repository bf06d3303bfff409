"""Two replicas as processes: the one that holds a request is often not the one that hears the answer."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer

from lineshaft.api.domain.keys import KeyKind, new_key
from lineshaft.common.clock import now
from lineshaft.common.events.commands import CommandCompleted
from lineshaft.common.events.envelope import encode, new_event
from lineshaft.common.kafka.producer import Producer
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.testing.infrastructure import Database, Topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[3]
SETTINGS = {"base_url": "https://erp.example.com", "database": "plant"}
CUSTOMERS = 12


@dataclass
class Replica:
    port: int
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Api:
    replicas: list[Replica]
    admin_key: str
    http: httpx.AsyncClient

    async def call(self, number: int, method: str, path: str, body: object = None) -> httpx.Response:
        replica = self.replicas[number % len(self.replicas)]
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        return await self.http.request(method, replica.url + path, json=body, headers=headers)


@pytest_asyncio.fixture(loop_scope="session")
async def api(database: Database, topics: Topics) -> AsyncIterator[Api]:
    for service in ("connector", "mapping", "health_monitor", "notifier"):
        await (await database.pool(service, size=2)).close()
    admin_key = new_key(KeyKind.ADMIN)
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "LINESHAFT_TOPIC_PREFIX": topics.prefix,
        "LINESHAFT_POSTGRES_DSN": database.dsn("api"),
        "LINESHAFT_SECRET_KEYS": f"k1:{base64.b64encode(bytes(32)).decode()}",
        "LINESHAFT_LINK_SIGNING_KEY": "signing-key",
        "LINESHAFT_ADMIN_KEY": admin_key,
        "LINESHAFT_INTEGRATIONS_DIR": str(ROOT / "integrations"),
    }
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        api = Api([], admin_key, http)
        for _ in range(2):
            port = free_port()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "lineshaft.api",
                env=environment | {"LINESHAFT_HTTP_PORT": str(port)},
                stdout=asyncio.subprocess.DEVNULL,
            )
            api.replicas.append(Replica(port, process))
        for replica in api.replicas:
            await _ready(http, replica)
        yield api
        for replica in api.replicas:
            if replica.process.returncode is None:
                replica.process.kill()
                await replica.process.wait()


async def _ready(http: httpx.AsyncClient, replica: Replica) -> None:
    for _ in range(300):
        try:
            if (await http.get(f"{replica.url}/readyz")).is_success:
                return
        except httpx.TransportError:
            pass
        assert replica.process.returncode is None
        await asyncio.sleep(0.2)
    raise TimeoutError(replica.url)


async def _play_connector(topics: Topics, producer: Producer, heard: asyncio.Event) -> None:
    consumer = AIOKafkaConsumer(
        f"{topics.prefix}commands.connector",
        bootstrap_servers=topics.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    heard.set()
    try:
        async for record in consumer:
            command = orjson.loads(record.value)
            result = {"account_id": "plant/5", "credential_version": 1, "credential_id": "cred"}
            data = CommandCompleted(
                command_id=command["command_id"],
                connection_id=command["connection_id"],
                at=now(),
                result=result,
            )
            await producer.publish(
                [encode(new_event(data, source="connector", key=command["connection_id"]))]
            )
    finally:
        await consumer.stop()


async def test_each_customer_gets_an_answer_from_the_replica_they_asked(
    api: Api, topics: Topics, producer: Producer
) -> None:
    heard = asyncio.Event()
    connector = asyncio.create_task(_play_connector(topics, producer, heard))
    await heard.wait()

    async def connect(number: int) -> str:
        opened = await api.call(
            number,
            "POST",
            "/v1/link-sessions",
            {"system": "tryton", "redirect_url": "https://product.example.com/", "settings": SETTINGS},
        )
        page = urlsplit(opened.json()["url"]).path
        replica = api.replicas[(number + 1) % 2]
        answer = await api.http.post(
            replica.url + page, data=SETTINGS | {"username": "me", "password": "secret"}
        )
        assert answer.status_code == 303, answer.text
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        exchanged = await api.call(number, "POST", "/v1/link-sessions/exchange", {"code": code})
        return str(exchanged.json()["connection_id"])

    connected = await asyncio.gather(*(connect(number) for number in range(CUSTOMERS)))
    connector.cancel()
    assert len(set(connected)) == CUSTOMERS
    heard_by = [await _answers_heard(api, number) for number in range(2)]
    assert sum(heard_by) == CUSTOMERS
    assert all(heard_by), "both replicas heard answers"

    api.replicas[0].process.terminate()
    assert await asyncio.wait_for(api.replicas[0].process.wait(), 30) == 0


async def _answers_heard(api: Api, number: int) -> int:
    metrics = (await api.call(number, "GET", "/metrics")).text
    for line in metrics.splitlines():
        if line.startswith('lineshaft_consumed_records_total{service="api",subscription="results"}'):
            return int(float(line.rpartition(" ")[2]))
    return 0
