"""The database role of Grafana: what its panels need, and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from lineshaft.tools.observability.dashboard import sql_queries
from lineshaft.tools.stack.service_settings import SERVICES

pytestmark = pytest.mark.integration

PASSWORD = "it's a reader"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reader(database: Any, checkout: Path) -> AsyncIterator[Connection]:
    for service in SERVICES:
        pool = await database.pool(service)
        await pool.close()
    script = (checkout / "deploy" / "postgres" / "grafana_reader.sql").read_text(encoding="utf-8")
    admin = await asyncpg.connect(database.admin_dsn, server_settings={"grafana.password": PASSWORD})
    await admin.execute(script)
    await admin.execute(script)
    await admin.close()
    reader = await asyncpg.connect(database.admin_dsn, user="lineshaft_grafana", password=PASSWORD)
    yield reader
    await reader.close()


async def test_it_can_ask_what_the_panels_ask(reader: Connection, checkout: Path) -> None:
    queries = [
        query
        for path in (checkout / "deploy" / "grafana" / "dashboards").glob("*.json")
        for query in sql_queries(path, {"connection": "con_'1"})
    ]
    assert queries
    for title, query in queries:
        assert await reader.fetch(query) == [], title


@pytest.mark.parametrize(
    "table",
    [
        "health_monitor.state",
        "mapping.entity_view",
        "mapping.field_health_view",
        "connector.credential",
        "connector.schema_view",
        "notifier.attempt_view",
        "notifier.webhook_secret",
        "api.connection",
    ],
)
async def test_it_sees_no_record_no_secret_and_nothing_else(reader: Connection, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetch(f"select * from {table}")


async def test_it_cannot_write(reader: Connection) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await reader.execute("create temporary table mine (number int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute(
            "set default_transaction_read_only = off; delete from health_monitor.status_view"
        )
