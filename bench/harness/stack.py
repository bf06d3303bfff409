"""Apache Kafka and Postgres of one benchmark, kept off the core that the subjects run on."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import configuration
from lineshaft.common.postgres.bootstrap import bootstrap
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import create_pool
from lineshaft.common.topics import TOPICS, Topic
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress

CORES = sorted(os.sched_getaffinity(0))
SUBJECT_CORE = CORES[-1]
OTHER_CORES = set(CORES[:-1]) or {SUBJECT_CORE}

_PASSWORD = "bench-role-password"  # noqa: S105  of a database that is gone with the run
_TICKS = os.sysconf("SC_CLK_TCK")


class WrongBrokerError(RuntimeError):
    """Figures are for Apache Kafka; another broker would make them about something else."""


@dataclass(frozen=True, slots=True)
class Stack:
    infrastructure: Infrastructure
    admin_dsn: str

    @property
    def bootstrap_servers(self) -> str:
        return self.infrastructure.kafka.bootstrap_servers

    def dsn(self, service: str) -> str:
        host = self.admin_dsn.rpartition("@")[2]
        return f"postgresql://lineshaft_{service}:{_PASSWORD}@{host}"

    def postgres_cpu(self) -> float:
        """Seconds that the server has used, the backends that have ended included."""
        server = self.infrastructure.postgres.child.pid
        seconds = 0.0
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            own, parent = int(status.parent.name), int(fields[1])
            if own == server:
                seconds += sum(map(int, fields[11:15])) / _TICKS
            elif parent == server:
                seconds += sum(map(int, fields[11:13])) / _TICKS
        return seconds

    async def create_topics(self, prefix: str, topics: Sequence[Topic] = TOPICS) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            await admin.create_topics(
                [
                    NewTopic(prefix + topic.name, topic.partitions, 1, topic_configs=configuration(topic))
                    for topic in topics
                ]
            )
        finally:
            await admin.close()

    async def migrate(self, service: str) -> None:
        pool = await create_pool(self.dsn(service), size=2, service=service)
        await migrate(pool, f"lineshaft.{service}.adapters")
        await pool.close()

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_stack() -> Iterator[Stack]:
    os.sched_setaffinity(0, OTHER_CORES)
    layout = Layout.discover(f"bench-{os.getpid()}")
    with Infrastructure(layout, durable=False, progress=Progress(quiet=True)) as infrastructure:
        if infrastructure.kafka.kind == "embedded":
            raise WrongBrokerError(WrongBrokerError.__doc__)
        yield Stack(infrastructure, asyncio.run(_database(infrastructure)))


async def _database(infrastructure: Infrastructure) -> str:
    name = new_id("bench")
    connection = await asyncpg.connect(infrastructure.postgres.dsn)
    try:
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    dsn = f"{infrastructure.postgres.dsn.rpartition('/')[0]}/{name}"
    await bootstrap(dsn, _PASSWORD)
    return dsn
