from datetime import datetime, timedelta

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.access import Permission
from lineshaft.common.events.health import Breaker, Evidence, ScopeStatus, Verdict
from lineshaft.common.links import open_link
from lineshaft.common.outcomes import (
    ConnectionStatus,
    Fault,
    Grant,
    Move,
    NeededBy,
    Operation,
    Outcome,
    Scope,
    Verb,
)

from .conftest import World, insert, verified

pytestmark = pytest.mark.integration

FIELDS = [
    "connection_id",
    "system",
    "metadata",
    "status",
    "since",
    "verdict",
    "objects",
    "breaker",
    "permissions",
    "credentials_expire_at",
    "last_sync_at",
    "data_as_of",
    "reauthorize_url",
]
VERDICT = Verdict(
    scope=Scope.ALL,
    fault=Fault.CREDENTIALS,
    summary="The credentials are refused.",
    move=Move.CUSTOMER,
    action="Reconnect.",
    evidence=[
        Evidence(event_id="evt_1", at=now(), outcome=Outcome.CREDENTIALS_REJECTED, operation=Operation.LOGIN)
    ],
)


async def test_a_connection_that_nobody_has_judged_is_pending(world: World) -> None:
    connection_id, token = await world.connect()
    status = (await world.call("GET", f"/connections/{connection_id}/status", key=token)).json()
    assert list(status) == FIELDS
    assert status["status"] == "pending"
    assert status["breaker"] == {"state": "closed", "retry_at": None, "scopes": []}
    assert (status["verdict"], status["objects"], status["reauthorize_url"]) == (None, [], None)


async def test_the_status_names_the_entity_of_each_object(world: World) -> None:
    connection_id, _ = await world.connect()
    system = world.context.catalog.system("tryton")
    name = system.object_of("item")
    await world.set_status(
        connection_id,
        ConnectionStatus.DEGRADED,
        objects=[ScopeStatus(object=name, status=ConnectionStatus.DEGRADED, last_ok_at=now())],
        breaker=Breaker(scopes=[name]),
    )
    status = (await world.call("GET", f"/connections/{connection_id}/status")).json()
    assert list(status) == FIELDS
    (one,) = status["objects"]
    assert list(one) == ["object", "entity", "status", "last_ok_at", "last_error_at"]
    assert one["entity"] == "item"
    assert status["breaker"]["scopes"] == [name]


async def test_a_link_is_made_when_it_is_needed(world: World) -> None:
    connection_id, _ = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.REAUTHORIZATION_REQUIRED, verdict=VERDICT)
    status = (await world.call("GET", f"/connections/{connection_id}/status")).json()
    assert status["status"] == "reauthorization_required"
    assert status["verdict"]["move"] == "customer"
    token = status["reauthorize_url"].rpartition("/")[2]
    assert open_link(token, world.context.link_key, now=now()) == connection_id


async def test_a_verdict_about_replaced_credentials_does_not_bind(world: World) -> None:
    connection_id, token = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.REAUTHORIZATION_REQUIRED, verdict=VERDICT)
    page = await world.open_page(system=None, connection_id=connection_id)
    await world.answer(await world.submit(page, {"password": "new"}), result=verified(version=2))
    status = (await world.call("GET", f"/connections/{connection_id}/status", key=token)).json()
    assert (status["status"], status["verdict"], status["reauthorize_url"]) == ("pending", None, None)
    accepted = await world.call("POST", f"/connections/{connection_id}/syncs", {})
    assert accepted.status_code == 202


async def test_timeline_issues_and_errors_are_paged(world: World) -> None:
    connection_id, _ = await world.connect()
    health = world.pools["health_monitor"]
    at = now()
    for number in range(5):
        moment = at - timedelta(seconds=number // 2)
        row_id = f"{connection_id}/{number}"
        await insert(
            health, "timeline", id=row_id, connection_id=connection_id, at=moment, kind="status_changed"
        )
        await insert(
            health,
            "error_log",
            event_id=row_id,
            connection_id=connection_id,
            at=moment,
            operation="read",
            outcome="source_error" if number % 2 else "unreachable",
            request_id=f"call_{number}",
        )
        await insert(
            health,
            "issue",
            issue_id=row_id,
            connection_id=connection_id,
            fault="network",
            status="resolved",
            scope="all",
            opened_at=moment,
            resolved_at=moment,
        )
    for area, name in (("timeline", "id"), ("errors", "event_id"), ("issues", "issue_id")):
        seen, cursor = [], ""
        while True:
            answer = await world.call("GET", f"/connections/{connection_id}/{area}?limit=2{cursor}")
            page = answer.json()
            seen += [one[name] for one in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert sorted(seen) == [f"{connection_id}/{number}" for number in range(5)], area
    for state, count in (("open", 0), ("resolved", 5)):
        issues = await world.call("GET", f"/connections/{connection_id}/issues?state={state}")
        assert len(issues.json()["data"]) == count
    errors = await world.call("GET", f"/connections/{connection_id}/errors?outcome=source_error")
    assert [one["request_id"] for one in errors.json()["data"]] == ["call_1", "call_3"]
    other = await world.call("GET", f"/connections/{connection_id}/errors?cursor=nonsense")
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "cursor")


async def test_another_service_that_has_not_started_gives_503(world: World) -> None:
    connection_id, token = await world.connect()
    health = world.pools["health_monitor"]
    await health.execute("alter view status_view rename to status_view_away")
    try:
        answer = await world.call("GET", f"/connections/{connection_id}/status", key=token)
        assert (answer.status_code, answer.json()["code"]) == (503, "connection_unavailable")
        assert answer.headers["retry-after"] == "5"
    finally:
        await health.execute("alter view status_view_away rename to status_view")
    assert (await world.call("GET", f"/connections/{connection_id}/status", key=token)).status_code == 200


async def test_the_error_log_is_filtered_by_operation_and_fault(world: World) -> None:
    connection_id, _ = await world.connect()
    for number, (operation, outcome) in enumerate(
        [("read", "unreachable"), ("login", "credentials_rejected"), ("read", "permission_denied")]
    ):
        await insert(
            world.pools["health_monitor"],
            "error_log",
            event_id=f"evt_{connection_id}_{number}",
            connection_id=connection_id,
            at=now(),
            operation=operation,
            outcome=outcome,
            request_id=f"req_{number}",
        )

    async def found(query: str) -> set[str]:
        answer = await world.call("GET", f"/connections/{connection_id}/errors?{query}")
        return {one["outcome"] for one in answer.json()["data"]}

    assert await found("operation=login") == {"credentials_rejected"}
    assert await found("fault=network") == {"unreachable"}
    assert await found("fault=permission&operation=read") == {"permission_denied"}
    assert await found("fault=network&outcome=permission_denied") == set()
    assert len(await found("")) == 3


async def test_the_status_tells_what_is_needed_and_granted_and_when_credentials_end(world: World) -> None:
    connection_id, token = await world.connect()
    system = world.context.catalog.system("tryton")
    name, ends = system.object_of("item"), now()
    await world.set_status(
        connection_id,
        ConnectionStatus.HEALTHY,
        permissions=[
            Permission(
                object=name,
                verb=Verb.READ,
                needed_by=[NeededBy.MAPPING, NeededBy.SCHEDULE],
                granted=Grant.DENIED,
                fields=["cost_price"],
            )
        ],
        credentials_expire_at=ends,
    )
    status = (await world.call("GET", f"/connections/{connection_id}/status", key=token)).json()
    assert status["permissions"] == [
        {
            "object": name,
            "entity": "item",
            "verb": "read",
            "needed_by": ["mapping", "schedule"],
            "granted": "denied",
            "fields": ["cost_price"],
        }
    ]
    assert datetime.fromisoformat(status["credentials_expire_at"]) == ends
