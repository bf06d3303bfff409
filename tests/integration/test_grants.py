"""One owner per table: every other role is tried on every table of every schema."""

import asyncpg
import pytest

from lineshaft.common.postgres.bootstrap import SERVICES
from lineshaft.tools.testing.infrastructure import Database

pytestmark = pytest.mark.integration

GRANTED = {
    ("api", "connector", "command_progress_view", "SELECT"),
    ("api", "connector", "credential", "INSERT"),
    ("api", "connector", "drift_policy_view", "SELECT"),
    ("api", "connector", "key_usage_view", "SELECT"),
    ("api", "connector", "network", "INSERT"),
    ("api", "connector", "network_view", "SELECT"),
    ("api", "connector", "oauth_client", "INSERT"),
    ("api", "connector", "oauth_client_view", "SELECT"),
    ("api", "connector", "schedule_view", "SELECT"),
    ("api", "connector", "schema_view", "SELECT"),
    ("api", "connector", "sync_view", "SELECT"),
    ("api", "health_monitor", "error_view", "SELECT"),
    ("api", "health_monitor", "issue_view", "SELECT"),
    ("api", "health_monitor", "ladder_view", "SELECT"),
    ("api", "health_monitor", "outage_view", "SELECT"),
    ("api", "health_monitor", "status_view", "SELECT"),
    ("api", "health_monitor", "timeline_view", "SELECT"),
    ("api", "mapping", "deletion_view", "SELECT"),
    ("api", "mapping", "entity_view", "SELECT"),
    ("api", "mapping", "field_health_view", "SELECT"),
    ("api", "mapping", "freshness_view", "SELECT"),
    ("api", "mapping", "remap_view", "SELECT"),
    ("api", "mapping", "sync_result_view", "SELECT"),
    ("api", "notifier", "alert_message_view", "SELECT"),
    ("api", "notifier", "alert_secret", "INSERT"),
    ("api", "notifier", "alert_waiting_view", "SELECT"),
    ("api", "notifier", "attempt_view", "SELECT"),
    ("api", "notifier", "delivery_view", "SELECT"),
    ("api", "notifier", "endpoint_state_view", "SELECT"),
    ("api", "notifier", "key_usage_view", "SELECT"),
    ("api", "notifier", "replay_view", "SELECT"),
    ("api", "notifier", "webhook_secret", "INSERT"),
}


async def test_roles_reach_what_is_listed_and_nothing_else(database: Database) -> None:
    for service in SERVICES:
        await (await database.pool(service, size=2)).close()
    tables = await _tables(database)
    assert {schema for schema, _ in tables} == set(SERVICES)

    allowed = set()
    for service in SERVICES:
        connection = await asyncpg.connect(database.dsn(service))
        try:
            for schema, table in tables:
                if schema != service:
                    allowed |= {
                        (service, schema, table, right) for right in await _rights(connection, schema, table)
                    }
        finally:
            await connection.close()
    assert allowed == GRANTED


async def _tables(database: Database) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        rows = await connection.fetch(
            "select table_schema, table_name from information_schema.tables where table_schema = any($1)",
            list(SERVICES),
        )
    finally:
        await connection.close()
    return [(row["table_schema"], row["table_name"]) for row in rows]


async def _rights(connection: "asyncpg.Connection[asyncpg.Record]", schema: str, table: str) -> set[str]:
    """What the role may really do, tried; INSERT may be granted on single columns."""
    name = f"{schema}.{table}"
    rights = set()
    for right, statement in {
        "SELECT": f"select * from {name} limit 0",
        "DELETE": f"delete from {name} where false",
        "TRUNCATE": f"truncate {name}",
    }.items():
        try:
            await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            continue
        except (asyncpg.WrongObjectTypeError, asyncpg.ObjectNotInPrerequisiteStateError):
            continue
        rights.add(right)
    for right in ("INSERT", "UPDATE"):
        if await connection.fetchval("select has_any_column_privilege($1, $2)", name, right):
            rights.add(right)
    return rights
