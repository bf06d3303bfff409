"""What else a failure touches, on the sandbox; `test_sandbox_drill` has all failures."""

import asyncio
import os
import secrets
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.observability.dashboard import sql_queries
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.stack import Stack

from .trace_collector import TraceCollector, trace_collector

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(240)]

SECONDS = 40.0


@pytest.fixture(scope="module")
def collector() -> Iterator[TraceCollector]:
    with trace_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def stack(collector: TraceCollector) -> Iterator[Stack]:
    layout = Layout.discover(f"sandbox-e2e-{os.getpid()}")
    traced = {"LINESHAFT_TRACES_ENDPOINT": collector.url}
    with Stack(
        layout, source="sandbox", durable=False, progress=Progress(quiet=True), extra_environment=traced
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def sandbox(stack: Stack) -> SandboxSource:
    assert isinstance(stack.source, SandboxSource)
    return stack.source


@pytest.fixture(scope="module", autouse=True)
def endpoint(vendor: Vendor, receiver: WebhookReceiver) -> None:
    receiver.secret = vendor.post("/webhook-endpoints", {"url": receiver.url})["secret"]


class Customer:
    """A connection whose first sync is complete."""

    def __init__(self, vendor: Vendor, sandbox: SandboxSource, receiver: WebhookReceiver) -> None:
        self._vendor = vendor
        self._receiver = receiver
        self.id, self.token = vendor.connect("sandbox", sandbox.connection_fields)
        wait_until("the first sync", self.syncs, SECONDS)

    def syncs(self) -> list[dict[str, Any]]:
        syncs = self._vendor.get(f"/connections/{self.id}/syncs")["data"]
        return [one for one in syncs if one["completed_at"]]

    def sync(self) -> None:
        self._vendor.post(f"/connections/{self.id}/syncs", {"mode": "full"})

    def status(self, wanted: str) -> dict[str, Any]:
        """The status document, as soon as it says that."""

        def look() -> dict[str, Any] | None:
            status = self._vendor.status(self.id)
            return status if status["status"] == wanted else None

        found: dict[str, Any] = wait_until(f"{wanted}", look, SECONDS)
        return found

    def webhooks(self, event_type: str) -> list[Any]:
        return [
            one for one in self._receiver.deliveries if (one.type, one.connection_id) == (event_type, self.id)
        ]

    def error(self, outcome: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            errors = self._vendor.get(f"/connections/{self.id}/errors")["data"]
            return next((one for one in errors if one["outcome"] == outcome), None)

        found: dict[str, Any] = wait_until(f"an error {outcome}", look, SECONDS)
        return found


@pytest.fixture
def customer(vendor: Vendor, sandbox: SandboxSource, receiver: WebhookReceiver) -> Iterator[Customer]:
    sandbox.admin("POST", "/reset")
    customer = Customer(vendor, sandbox, receiver)
    yield customer
    sandbox.mend()
    vendor.post(f"/connections/{customer.id}/pause")


async def empty_panels(stack: Stack, connection_id: str) -> set[str]:
    """Of all panels that ask Postgres, those that show nothing to Grafana's own role."""
    checkout = find_checkout()
    admin = await asyncpg.connect(stack.postgres.dsn, server_settings={"grafana.password": "a reader"})
    await admin.execute((checkout / "deploy" / "postgres" / "grafana_reader.sql").read_text(encoding="utf-8"))
    await admin.close()
    reader = await asyncpg.connect(stack.postgres.dsn, user="lineshaft_grafana", password="a reader")
    try:
        return {
            f"{path.stem}: {title}"
            for path in (checkout / "deploy" / "grafana" / "dashboards").glob("*.json")
            for title, query in sql_queries(path, {"connection": connection_id})
            if not await reader.fetch(query)
        }
    finally:
        await reader.close()


def test_one_object_that_is_forbidden_leaves_the_others_alone(
    sandbox: SandboxSource, customer: Customer
) -> None:
    sandbox.fault(forbidden_objects=["parts"])
    customer.sync()
    wait_until("the sync", lambda: len(customer.syncs()) > 1, SECONDS)
    results = {one["object"]: one["result"] for one in customer.syncs()[0]["objects"]}
    assert {name for name, result in results.items() if result == "failed"} == {"parts"}
    verdict = customer.status("degraded")["verdict"]
    assert (verdict["fault"], verdict["scope"], verdict["objects"]) == ("permission", "entities", ["parts"])
    assert customer.webhooks("connection.reauthorization_required") == []


def test_a_field_that_is_renamed_is_named_and_empties_nothing(
    vendor: Vendor, sandbox: SandboxSource, customer: Customer
) -> None:
    before = vendor.get("/vendors?limit=5", token=customer.token)["data"]
    sandbox.fault(drift={"vendors": {"renamed": {"email": "mail"}}})
    customer.sync()
    wait_until("the sync", lambda: len(customer.syncs()) > 1, SECONDS)
    verdict = customer.status("degraded")["verdict"]
    assert (verdict["fault"], verdict["objects"]) == ("configuration", ["vendors"])
    error = customer.error("configuration_error")
    assert (error["code"], "email" in error["message"]) == ("fields_missing", True)
    assert vendor.get("/vendors?limit=5", token=customer.token)["data"] == before


def test_a_system_that_does_not_listen_names_the_rung(
    vendor: Vendor, sandbox: SandboxSource, customer: Customer
) -> None:
    sandbox.admin("PUT", "/door", {"open": False})
    customer.sync()
    verdict = customer.status("unreachable")["verdict"]
    assert (verdict["fault"], customer.error("unreachable")["code"]) == ("network", "connection_refused")

    def looked_at() -> bool:
        found: dict[str, Any] = vendor.status(customer.id)["verdict"]
        return bool(found["rung"] == "tcp" and found["action"].startswith("Open TCP "))

    wait_until("the ladder that the monitor asked for", looked_at, SECONDS)
    kinds = [one["kind"] for one in vendor.get(f"/connections/{customer.id}/timeline")["data"]]
    assert kinds.count("connection.diagnosed") == 1
    ladder = vendor.post(f"/connections/{customer.id}/diagnose")
    assert (ladder["failed_rung"], ladder["ask"][:9]) == ("tcp", "open TCP ")

    sandbox.mend()
    ladder = vendor.post(f"/connections/{customer.id}/diagnose")
    assert ladder["failed_rung"] is None
    assert {one["rung"]: one["status"] for one in ladder["rungs"]}["auth"] == "ok"


async def test_the_dashboards_tell_what_happened(
    stack: Stack, sandbox: SandboxSource, customer: Customer, receiver: WebhookReceiver
) -> None:
    sandbox.fault(drift={"parts": {"retyped": ["lead_time_days"]}})
    customer.sync()
    wait_until("the sync", lambda: len(customer.syncs()) > 1, SECONDS)
    receiver.status = 500
    try:
        sandbox.fault(credentials="expired")
        customer.sync()
        customer.status("reauthorization_required")
        deadline = time.monotonic() + SECONDS
        while (empty := await empty_panels(stack, customer.id)) and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
    finally:
        receiver.status = 204
    assert empty == set()


def test_one_trace_leads_from_the_request_to_the_webhook(
    vendor: Vendor, customer: Customer, receiver: WebhookReceiver, collector: TraceCollector
) -> None:
    trace_id = secrets.token_hex(16)
    answer = httpx.post(
        f"{vendor.api_url}/v1/connections/{customer.id}/syncs",
        json={"mode": "full"},
        headers={
            "authorization": f"Bearer {vendor.admin_key}",
            "traceparent": f"00-{trace_id}-00f067aa0ba902b7-01",
        },
        trust_env=False,
    )
    assert answer.status_code == 202
    told = receiver.wait_for(
        lambda one: one.type == "sync.completed" and trace_id in (one.traceparent or ""), SECONDS
    )
    assert told.connection_id == customer.id
    wanted = {
        ("lineshaft-api", "POST /v1/connections/{connection_id}/syncs"),
        ("lineshaft-connector", "sync-requests"),
        ("lineshaft-connector", "sync slice"),
        ("lineshaft-mapping", "records"),
        ("lineshaft-health-monitor", "sync-events"),
        ("lineshaft-health-monitor", "calls"),
        ("lineshaft-notifier", "sync-events"),
        ("lineshaft-notifier", "webhook"),
    }
    wait_until("all spans", lambda: wanted <= collector.of(trace_id), SECONDS)
