"""Fixtures of every test that needs the real Postgres and the real Kafka, started once a run."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg
import pytest
import pytest_asyncio

from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.postgres.bootstrap import bootstrap
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import Pool, create_pool
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress

ROLE_PASSWORD = "test-role-password"


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one test module, with the roles and schemas of all services."""

    admin_dsn: str

    def dsn(self, service: str) -> str:
        """`service` as in the package name: `health_monitor`."""
        host = self.admin_dsn.rpartition("@")[2]
        return f"postgresql://lineshaft_{service}:{ROLE_PASSWORD}@{host}"

    async def pool(self, service: str, *, size: int = 8) -> Pool:
        """A pool of the service's own role, its migrations applied."""
        pool = await create_pool(self.dsn(service), size=size, service=service)
        await migrate(pool, f"lineshaft.{service}.adapters")
        return pool


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics under a prefix of one test."""

    bootstrap_servers: str
    prefix: str


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[Infrastructure]:
    layout = Layout.discover(f"tests-{os.getpid()}")
    with Infrastructure(layout, durable=False, progress=Progress(quiet=True)) as infrastructure:
        yield infrastructure


@pytest.fixture(scope="session")
def bootstrap_servers(infrastructure: Infrastructure) -> str:
    return infrastructure.kafka.bootstrap_servers


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(infrastructure: Infrastructure) -> Database:
    name = new_id("test")
    connection = await asyncpg.connect(infrastructure.postgres.dsn)
    try:
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    dsn = f"{infrastructure.postgres.dsn.rpartition('/')[0]}/{name}"
    await bootstrap(dsn, ROLE_PASSWORD)
    return Database(dsn)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def topics(bootstrap_servers: str) -> Topics:
    prefix = f"{new_id('test')}."
    await create_topics(bootstrap_servers, prefix, 1)
    return Topics(bootstrap_servers, prefix)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def producer(topics: Topics) -> AsyncIterator[Producer]:
    producer = Producer(topics.bootstrap_servers, topics.prefix, "test")
    await producer.start()
    yield producer
    await producer.stop()
