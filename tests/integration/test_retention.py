"""Every table has a line in docs/howto/retention.md, and what is said to end does."""

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from lineshaft.common.postgres import inbox
from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.stack.service_settings import SERVICES
from lineshaft.tools.testing.infrastructure import Database

pytestmark = pytest.mark.integration

PAGE = find_checkout() / "docs" / "howto" / "retention.md"
_TABLES = """
select n.nspname || '.' || c.relname as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any($1::text[])
"""


async def test_every_table_has_a_retention_on_the_page(database: Database) -> None:
    for service in SERVICES:
        await (await database.pool(service)).close()
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        tables = {row["name"] for row in await admin.fetch(_TABLES, list(SERVICES))}
    finally:
        await admin.close()
    told = set(
        re.findall(r"`([a-z_*]+\.[a-z_]+)`", PAGE.read_text(encoding="utf-8").partition("## Topics")[0])
    )
    common = {name.removeprefix("*.") for name in told if name.startswith("*.")}
    missing = {name for name in tables - told if name.partition(".")[2] not in common}
    gone = {name for name in told - tables if not name.startswith("*.")}
    assert (missing, gone) == (set(), set())


async def test_the_inbox_forgets_what_no_topic_holds_any_more(database: Database) -> None:
    pool: Any = await database.pool("api")
    try:
        await pool.execute(
            "insert into inbox (subscription, event_id, received_at)"
            " values ('s', 'old', now() - $1::interval), ('s', 'young', now() - $2::interval)",
            inbox.KEEP + timedelta(hours=1),
            inbox.KEEP - timedelta(hours=1),
        )
        assert await inbox.prune(pool) == 1
        assert await pool.fetchval("select array_agg(event_id) from inbox") == ["young"]
    finally:
        await pool.close()
