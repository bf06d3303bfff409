"""How long the server takes for each page with 10,000 connections: `make page-times`. No test by itself."""

import sys
import time
from collections.abc import Iterator
from statistics import median

import pytest

from lineshaft.api.console.install import ROUTERS
from lineshaft.common.postgres.pool import Pool
from services.api.tests.routes.conftest import World

from .conftest import Reader
from .seeding import many, seed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

CONNECTIONS = 10_000
ROUNDS = 9
MOST_MILLISECONDS = 200.0
EACH = "'con_' || md5((n % 10000 + 1)::text || 'n')"
"""The connection of the n-th row; those that `many` makes."""
NOT_PAGES = {
    "/console/static/{version}/{name:path}",
    "/console/sign-in/oidc",
    "/console/sign-in/oidc/callback",
    "/console/connections/{connection_id}/support-bundle",
    "/console/connections/{connection_id}/receipt",
    "/console/connections/{connection_id}/ladder",
    "/console/audit-log/export",
}
"""Files, and the way over an identity provider."""
FILLERS = {"text": "''", "jsonb": "'{}'", "ARRAY": "'{}'", "boolean": "false"}


async def fill(pool: Pool, table: str, rows: int, /, **columns: str) -> None:
    """Rows of another service's table, made by SQL of their number `n`."""
    needed = await pool.fetch(
        "select column_name, data_type from information_schema.columns"
        " where table_schema = current_schema() and table_name = $1"
        " and is_nullable = 'NO' and column_default is null and is_identity = 'NO'",
        table,
    )
    usual = "now() - n * interval '1 minute'"
    row = {
        one["column_name"]: usual
        if one["data_type"] == "timestamp with time zone"
        else FILLERS.get(one["data_type"], "1")
        for one in needed
    } | columns
    await pool.execute(
        f"insert into {table} ({', '.join(row)}) select {', '.join(row.values())}"
        " from generate_series(1, $1::int) n",
        rows,
    )
    await pool.execute(f"analyze {table}")


async def a_full_database(world: World) -> dict[str, str]:
    """What the places in the paths stand for."""
    ids = await seed(world)
    await many(world, CONNECTIONS)
    health, connector, notifier = (world.pools[one] for one in ("health_monitor", "connector", "notifier"))
    endpoint = await world.call("POST", "/webhook-endpoints", {"url": "https://product.example.com/hooks"})
    channel = await world.call(
        "POST",
        "/alert-channels",
        {"name": "Night shift", "url": "slack://A/B/C", "event_types": ["system.outage"]},
    )
    subject, endpoint_id = ids[2], endpoint.json()["id"]
    busy = f"case when n % 20 = 0 then '{subject}' else {EACH} end"
    await fill(
        health,
        "issue",
        20_000,
        issue_id="'iss_' || n",
        connection_id=busy,
        fault="'permission'",
        scope="'entities'",
        count="7",
        resolved_at="case when n % 20 = 0 or n > 10000 then now() end",
    )
    await fill(
        health,
        "timeline",
        200_000,
        id="'tml_' || n",
        connection_id=busy,
        kind="'issue_opened'",
        summary="'Something happened.'",
        actor="'health-monitor'",
    )
    await fill(
        health,
        "error_log",
        200_000,
        event_id="'err_' || n",
        connection_id=busy,
        object="'party.party'",
        operation="'read'",
        outcome="'permission_denied'",
        request_id="'req_' || n",
    )
    await connector.execute("alter table sync drop constraint if exists sync_connection_id_fkey")
    await fill(
        connector,
        "sync",
        50_000,
        sync_id="'syn_' || n",
        connection_id=busy,
        system="'tryton'",
        mode="'incremental'",
        objects="'{party.party}'",
        ended_at="now()",
    )
    await fill(notifier, "event", 50_000, event_id="'evn_' || n", event_type="'sync.completed'")
    await fill(
        notifier,
        "delivery",
        50_000,
        delivery_id="'dlv_' || n",
        endpoint_id=f"'{endpoint_id}'",
        event_id="'evn_' || n",
        event_type="'sync.completed'",
        connection_id=EACH,
        state="'delivered'",
        attempts="1",
    )
    await fill(notifier, "attempt", 50_000, delivery_id="'dlv_' || n", number="1", status="204")
    await fill(
        world.context.pool,
        "audit_entry",
        200_000,
        audit_id="'aud_' || lpad(n::text, 9, '0')",
        actor="'Ada'",
        action="'connection.paused'",
        connection_id=busy,
    )
    (record,) = await world.pools["mapping"].fetch(
        "select id from record where connection_id = $1 limit 1", subject
    )
    return {
        "connection_id": subject,
        "entity": "item",
        "entity_id": record["id"],
        "endpoint_id": endpoint_id,
        "channel_id": channel.json()["id"],
        "system_id": "tryton",
    }


def paths(names: dict[str, str]) -> Iterator[str]:
    for router in ROUTERS:
        for route in router.routes:
            path: str = route.path  # type: ignore[attr-defined]  # all are API routes
            if "GET" in route.methods and path not in NOT_PAGES:  # type: ignore[attr-defined]  # likewise
                yield path.format(**names)
    subject = names["connection_id"]
    yield "/console/connections?q=plant+77"
    yield "/console/connections?status=attention"
    yield "/console/audit-log?actor=nobody"
    yield f"/console/audit-log?connection_id={subject}"
    yield f"/console/connections/{subject}/errors?outcome=rate_limited"
    yield f"/console/webhooks/{names['endpoint_id']}?state=given_up"


async def test_times(editor: Reader, world: World) -> None:
    names = await a_full_database(world)
    took: dict[str, float] = {}
    for path in paths(names):
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            answer = await editor.get(path)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code in {200, 303}, (path, answer.text)
        took[path] = median(times)
    for path, milliseconds in sorted(took.items(), key=lambda one: -one[1]):
        sys.stdout.write(f"{milliseconds:7.1f} ms  {path}\n")
    assert max(took.values()) <= MOST_MILLISECONDS
