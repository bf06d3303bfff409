"""Fixtures of every test that needs the real Postgres and the real Kafka, started once a run."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.testing.infrastructure import Database, Topics, create_database

# The broker of a test lives for a minute: code that is compiled well pays for itself later.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")


LONGEST_FIRST = ("e2e", "chaos", "integration")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with whole stacks come first and unit tests last, so that workers end at the same time."""

    def turn(item: pytest.Item) -> int:
        kinds = [number for number, name in enumerate(LONGEST_FIRST) if item.get_closest_marker(name)]
        return min(kinds, default=len(LONGEST_FIRST))

    first: dict[Path, int] = {}
    for item in items:
        first[item.path] = min(turn(item), first.get(item.path, len(LONGEST_FIRST)))
    items.sort(key=lambda item: first[item.path])


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
    return await create_database(infrastructure.postgres.dsn)


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
