"""Customers in every condition, as the other services would have written them."""

from datetime import timedelta
from typing import Any

from lineshaft.common.clock import now
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import ConnectionStatus, Fault, Move, Outcome, Scope
from lineshaft.common.postgres.pool import Pool
from services.api.tests.routes.conftest import World, insert

LABELS = ("Paper mill North", "Brewery Lake", "Harbour cranes", "Foundry 3", "Cold store West")

ITEMS: list[dict[str, Any]] = [
    {
        "id": number,
        "code": f"P-{number:04}",
        "rec_name": f"[P-{number:04}] {name}",
        "description": f"{name}, spare part",
        "active": number % 7 != 0,
        "cost_price": f"{number * 3.5:.2f}",
        "template": {"name": name, "type": "goods", "default_uom": {"symbol": "u"}},
        "x_shelf": f"{'ABC'[number % 3]}-{number}",
        "x_abc": "ABC"[number % 3],
        "x_hazard": number % 5 == 0,
        "write_date": "2026-11-20T08:15:00Z",
        "create_date": "2026-01-12T10:00:00Z",
    }
    for number, name in enumerate(
        ("Mechanical seal", "Deep groove bearing", "V-belt SPB", "Gear oil 220", "Coupling spider", "Filter")
        * 4,
        start=1,
    )
]


def verdict(fault: Fault, summary: str, move: Move, action: str, **more: Any) -> dict[str, Any]:
    return {
        "scope": Scope.ALL,
        "fault": fault,
        "summary": summary,
        "move": move,
        "action": action,
        "evidence": [
            {
                "event_id": new_id("evt"),
                "at": now() - timedelta(minutes=4),
                "outcome": Outcome.CREDENTIALS_REJECTED
                if fault is Fault.CREDENTIALS
                else Outcome.PERMISSION_DENIED,
                "object": "purchase.purchase",
                "operation": "read",
                "message": "You are not allowed to access 'purchase.purchase'",
            }
        ],
        **more,
    }


CREDENTIALS = verdict(
    Fault.CREDENTIALS,
    "The source refuses the stored credentials.",
    Move.CUSTOMER,
    "Send the customer the reconnect link.",
)
PERMISSION = verdict(
    Fault.PERMISSION,
    "purchase.purchase may no longer be read; everything else works.",
    Move.CUSTOMER,
    "Ask the customer to give the account read access to purchase.purchase again.",
    scope=Scope.ENTITIES,
    objects=["purchase.purchase"],
    operations=["read"],
)
NETWORK = verdict(
    Fault.NETWORK,
    "Nothing answers at erp.example.com:443.",
    Move.CUSTOMER,
    "Ask the customer's IT team whether a firewall is between.",
)

CONDITIONS: tuple[tuple[ConnectionStatus, dict[str, Any] | None], ...] = (
    (ConnectionStatus.HEALTHY, None),
    (ConnectionStatus.REAUTHORIZATION_REQUIRED, CREDENTIALS),
    (ConnectionStatus.DEGRADED, PERMISSION),
    (ConnectionStatus.UNREACHABLE, NETWORK),
    (ConnectionStatus.HEALTHY, None),
)


async def seed(world: World) -> list[str]:
    """One connection in each condition of `CONDITIONS`; the first has records, syncs and a history."""
    ids = []
    for label, (status, told) in zip(LABELS, CONDITIONS, strict=True):
        connection_id, _ = await world.connect()
        await world.call("PATCH", f"/connections/{connection_id}", {"label": label})
        await world.set_status(
            connection_id,
            status,
            verdict=told,
            objects=[
                _object("product.product"),
                _object("party.party"),
                _object(
                    "purchase.purchase",
                    ConnectionStatus.DEGRADED if told is PERMISSION else ConnectionStatus.HEALTHY,
                ),
            ],
        )
        ids.append(connection_id)
        await _history(world.pools, connection_id, told)
    for connection_id in ids[:3]:
        await world.store(connection_id, "item", ITEMS)
    return ids


def _object(name: str, status: ConnectionStatus = ConnectionStatus.HEALTHY) -> dict[str, Any]:
    at = now()
    failed = status is not ConnectionStatus.HEALTHY
    return {
        "object": name,
        "status": status,
        "last_ok_at": at - timedelta(minutes=90 if failed else 3),
        "last_error_at": at - timedelta(minutes=4) if failed else None,
    }


async def _history(pools: dict[str, Pool], connection_id: str, told: dict[str, Any] | None) -> None:
    health, at = pools["health_monitor"], now()
    await insert(
        health,
        "timeline",
        id=new_id("tml"),
        connection_id=connection_id,
        at=at - timedelta(days=2),
        kind="connected",
        summary="The customer connected.",
        actor="customer",
    )
    if told is None:
        return
    document = {**told, "evidence": [{**one, "at": one["at"].isoformat()} for one in told["evidence"]]}
    await insert(
        health,
        "issue",
        issue_id=new_id("iss"),
        connection_id=connection_id,
        fault=told["fault"],
        status="degraded",
        scope=told["scope"],
        objects=told.get("objects", []),
        opened_at=at - timedelta(hours=1),
        first_seen_at=at - timedelta(hours=1),
        last_seen_at=at - timedelta(minutes=4),
        count=7,
        resolved_at=None,
        verdict=document,
    )
    await insert(
        health,
        "timeline",
        id=new_id("tml"),
        connection_id=connection_id,
        at=at - timedelta(hours=1),
        kind="issue_opened",
        summary=told["summary"],
        actor="health-monitor",
    )
    for number in range(3):
        await insert(
            health,
            "error_log",
            connection_id=connection_id,
            event_id=new_id("evt"),
            at=at - timedelta(minutes=4 + number),
            object="purchase.purchase",
            operation="read",
            outcome=told["evidence"][0]["outcome"],
            http_status=403,
            code="AccessError",
            message="You are not allowed to access 'purchase.purchase'",
            request_id=new_id("req"),
        )


async def many(world: World, count: int) -> None:
    """As many connections, each with a health document of usual size."""
    connection_id, _ = await world.connect()
    await world.set_status(
        connection_id,
        ConnectionStatus.DEGRADED,
        verdict=PERMISSION,
        objects=[_object(f"object.{number}") for number in range(12)],
    )
    copied = "'con_' || md5(n::text || 'n')"
    columns = (
        "system, {label}, lifecycle, settings, login, metadata, account_id, account_label,"
        " credential_version, created_at, changed_at"
    )
    await world.context.pool.execute(
        f"insert into connection (connection_id, {columns.format(label='label')})"
        f" select {copied}, {columns.format(label=chr(39) + 'Plant ' + chr(39) + ' || n')}"
        " from connection, generate_series(1, $2::int) n where connection_id = $1",
        connection_id,
        count,
    )
    await world.pools["health_monitor"].execute(
        "insert into state (connection_id, described)"
        f" select {copied}, jsonb_set(described, '{{status}}', to_jsonb("
        "  (array['healthy', 'healthy', 'healthy', 'healthy', 'degraded', 'unreachable'])[1 + n % 6]))"
        " from state, generate_series(1, $2::int) n where connection_id = $1",
        connection_id,
        count,
    )
