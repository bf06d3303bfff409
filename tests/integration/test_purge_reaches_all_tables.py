"""Every table that names a connection is purged, by a query of its own or with the row that it belongs to."""

from importlib import import_module

import asyncpg
import pytest

from lineshaft.common.postgres.bootstrap import SERVICES
from lineshaft.tools.testing.infrastructure import Database

pytestmark = pytest.mark.integration

KEPT = {
    "api.audit_entry": "without values",
    "api.connection": "emptied",
    "api.purge": "the receipts",
    "connector.connection": "emptied",
    "health_monitor.state": "emptied",
    "mapping.purge": "the tombstone's own progress",
    "notifier.connection": "emptied",
}
MODULES = {
    "api": ("postgres", "SQL"),
    "connector": ("postgres", "QUERIES"),
    "health_monitor": ("postgres", "SQL"),
    "mapping": ("postgres", "QUERIES"),
    "notifier": ("postgres", "SQL"),
}
OTHER_NAMES = {"purge_records": "record"}
_NAMING = """
select c.table_schema || '.' || c.table_name as name
from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = any($1::text[]) and c.column_name = 'connection_id' and t.table_type = 'BASE TABLE'
    and c.table_name <> 'tombstone'
"""
_CASCADES = """
select child.relnamespace::regnamespace || '.' || child.relname as child,
    parent.relnamespace::regnamespace || '.' || parent.relname as parent
from pg_constraint join pg_class child on child.oid = conrelid join pg_class parent on parent.oid = confrelid
where contype = 'f' and confdeltype = 'c'
"""


async def test_every_table_that_names_a_connection(database: Database) -> None:
    for service in SERVICES:
        await (await database.pool(service, size=2)).close()
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        naming = {row["name"] for row in await admin.fetch(_NAMING, list(SERVICES))}
        cascades = [(row["child"], row["parent"]) for row in await admin.fetch(_CASCADES)]
    finally:
        await admin.close()
    assert len(naming) > 30
    reached = {f"{service}.{table}" for service in SERVICES for table in _purged(service)}
    while more := {child for child, parent in cascades if parent in reached} - reached:
        reached |= more
    assert naming - reached == set(KEPT)


def _purged(service: str) -> set[str]:
    module, name = MODULES[service]
    queries = getattr(import_module(f"lineshaft.{service}.adapters.{module}"), name)
    found = set()
    for query, sql in queries.items():
        if query.startswith("purge_"):
            table = OTHER_NAMES.get(query, query.removeprefix("purge_"))
            if f"delete from {table}" in sql:
                found.add(table)
    return found
