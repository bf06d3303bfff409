import os
import stat
import sys
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.description import describe
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.process_state import alive, wait_until
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack
from lineshaft.tools.stack.state import read_state
from lineshaft.tools.stack.tryton import TrytonSource

STAND_IN = Path(__file__).with_name("stand_in_service.py")

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def stand_in(_service: str) -> tuple[str, ...]:
    return (sys.executable, str(STAND_IN))


async def topics(bootstrap_servers: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    names: list[str] = await admin.list_topics()
    await admin.close()
    return names


async def schemas(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT nspname FROM pg_namespace")
    await connection.close()
    return {row["nspname"] for row in rows}


def test_the_whole_stack_starts_says_where_it_is_and_leaves_nothing() -> None:
    layout = Layout.discover(f"stack-{os.getpid()}")
    file = layout.stack_file
    with Stack(
        layout, source="tryton", durable=False, progress=Progress(quiet=True), command_of=stand_in
    ) as stack:
        state = read_state(file)
        assert state is not None
        assert state["ready"]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert state["api_url"] == stack.api_url
        assert state["source"] is not None
        assert state["source"]["connection_fields"] == stack.source.connection_fields
        shown = describe(stack)
        for opens in (stack.admin_key, f"{stack.api_url}/console", *stack.source.administrator.values()):
            assert opens in shown
        assert set(state["pids"]) >= {"kafka", "postgres", "tryton", "api", "notifier"}
        assert {"api", "mapping"} <= run_blocking(schemas(state["postgres_dsn"]))
        assert all(name.startswith("lineshaft.") for name in run_blocking(topics(state["kafka_bootstrap"])))
        stack.note_connections([{"id": "c1", "system": "tryton", "token": "t"}])
        noted = read_state(file)
        assert noted is not None
        assert noted["connections"] == [{"id": "c1", "system": "tryton", "token": "t"}]
        assert isinstance(stack.source, TrytonSource)
        assert stack.source.operator.count("purchase.purchase") == 40
        pids = list(state["pids"].values())
    assert wait_until(lambda: not any(map(alive, pids)), 5)
    assert not any(folder.exists() for folder in layout.folders_of_run)
