"""What else a failure touches, on the sandbox; `test_sandbox_drill` has all failures."""

import asyncio
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest
from playwright.async_api import Page, expect

from lineshaft.common.integrations.oauth import AUTHORIZATION_CODE
from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import REDIRECT_URL, Vendor, wait_until
from lineshaft.tools.observability.dashboard import sql_queries
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.stack import Stack
from lineshaft.tools.testing.oauth_system import CLIENT_ID, SYSTEM, decide, write_system
from services.api.tests.console.browser import chromium, violations

from .trace_collector import TraceCollector, trace_collector

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(240)]

SECONDS = 40.0


@pytest.fixture(scope="module")
def collector() -> Iterator[TraceCollector]:
    with trace_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def stack(collector: TraceCollector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With the sandbox also as a system at which customers log in themselves."""
    layout = Layout.discover(f"sandbox-e2e-{os.getpid()}")
    integrations = tmp_path_factory.mktemp("systems") / "integrations"
    shutil.copytree(layout.checkout / "integrations", integrations)
    stack = Stack(
        layout,
        source="sandbox",
        durable=False,
        progress=Progress(quiet=True),
        extra_environment={
            "LINESHAFT_TRACES_ENDPOINT": collector.url,
            "LINESHAFT_INTEGRATIONS_DIR": str(integrations),
        },
    )
    assert isinstance(stack.source, SandboxSource)
    write_system(integrations, stack.source.base_url, AUTHORIZATION_CODE)
    with stack:
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


def test_a_401_of_one_object_asks_nobody_to_reconnect(
    vendor: Vendor, sandbox: SandboxSource, customer: Customer
) -> None:
    sandbox.fault(unauthorized_objects=["vendors"])
    customer.sync()
    verdict = customer.status("degraded")["verdict"]
    assert (verdict["fault"], verdict["objects"]) == ("permission", ["vendors"])
    wait_until("the sync of the others", lambda: len(customer.syncs()) > 1, SECONDS)
    assert customer.webhooks("connection.reauthorization_required") == []


def test_what_will_fail_and_when_credentials_end_is_told_before(
    vendor: Vendor, sandbox: SandboxSource, customer: Customer
) -> None:
    def permissions() -> dict[tuple[str, str], str]:
        listed = vendor.status(customer.id)["permissions"]
        return {(one["object"], one["verb"]): one["granted"] for one in listed}

    wait_until("the check at connect", permissions, SECONDS)
    assert permissions()["vendors", "read"] == "granted"
    ends = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    sandbox.fault(forbidden_objects=["vendors"], expires_at=ends)
    vendor.put(f"/connections/{customer.id}/schedule", {"every_minutes": 1440})
    wait_until("the loss", lambda: permissions()["vendors", "read"] == "denied", SECONDS)
    status = vendor.status(customer.id)
    assert (status["status"], status["verdict"]) == ("healthy", None), "nothing has failed yet"
    assert datetime.fromisoformat(status["credentials_expire_at"]) == datetime.fromisoformat(ends)
    lines = vendor.get(f"/connections/{customer.id}/timeline")["data"]
    told = {one["kind"]: one["summary"] for one in lines}
    assert "read vendors any more" in told["permissions.lost"]
    assert "in 5 days" in told["credentials.expiring"]


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


def consent(url: str, settings: dict[str, str]) -> str:
    """A customer's browser on the hosted page, at the provider and back; the vendor's code."""
    with httpx.Client(timeout=SECONDS, trust_env=False) as browser:
        page = browser.get(url, follow_redirects=True)
        leaving = browser.post(str(page.url), data=settings)
        address = re.search(r'<a href="([^"]*)" rel', leaving.text)
        assert address is not None, leaving.text
        done = browser.get(decide(unescape(address[1])))
        assert done.is_redirect, done.text
    return parse_qs(urlsplit(done.headers["location"]).query)["code"][0]


def register(vendor: Vendor, sandbox: SandboxSource) -> None:
    """What a vendor does once with each system at which customers log in themselves."""
    client = {"client_id": CLIENT_ID, "client_secret": sandbox.client_secret}
    vendor.put(f"/systems/{SYSTEM}/oauth-client", client)


def test_a_customer_logs_in_at_the_system_and_comes_back_after_a_revocation(
    vendor: Vendor, sandbox: SandboxSource, receiver: WebhookReceiver
) -> None:
    sandbox.admin("POST", "/reset")
    sandbox.oauth(token_seconds=2)
    register(vendor, sandbox)
    session = vendor.post("/link-sessions", {"system": SYSTEM, "redirect_url": REDIRECT_URL})
    connection_id, token = vendor.exchange(consent(session["url"], {"base_url": sandbox.base_url}))

    def completed() -> int:
        syncs = vendor.get(f"/connections/{connection_id}/syncs")["data"]
        return sum(one["completed_at"] is not None for one in syncs)

    wait_until("the first sync", completed, SECONDS)
    assert vendor.get("/items?limit=5", token=token)["data"]
    refreshed = len(sandbox.oauth()["refreshed_at"])
    time.sleep(2)
    vendor.post(f"/connections/{connection_id}/syncs", {"mode": "full"})
    wait_until("a sync with a new token", lambda: completed() > 1, SECONDS)
    provider = sandbox.oauth()
    assert (len(provider["refreshed_at"]) > refreshed, provider["reused"]) == (True, 0)

    sandbox.revoke_tokens()
    vendor.post(f"/connections/{connection_id}/syncs", {"mode": "full"})
    told = receiver.wait_for(
        lambda one: (one.type, one.connection_id) == ("connection.reauthorization_required", connection_id),
        SECONDS,
    )
    code = consent(told.body["data"]["reauthorize_url"], {})
    assert vendor.exchange(code)[0] == connection_id
    wait_until("the sync that waited", lambda: completed() > 2, SECONDS)
    vendor.post(f"/connections/{connection_id}/pause")


async def test_in_the_browser_a_customer_denies_starts_again_and_allows(
    vendor: Vendor, sandbox: SandboxSource
) -> None:
    sandbox.admin("POST", "/reset")
    register(vendor, sandbox)
    session = vendor.post("/link-sessions", {"system": SYSTEM})

    async def go_on(page: Page) -> None:
        """Over the page that leads to the provider."""
        await page.locator("#base_url").fill(sandbox.base_url)
        assert await violations(page) == []
        await page.get_by_role("button", name="Continue to").click()
        await expect(page.get_by_role("button", name="Allow")).to_be_visible()

    async with chromium() as browser:
        customer = await browser.new_page()
        heading = customer.get_by_role("heading", level=1)
        await customer.goto(session["url"])
        await go_on(customer)
        await customer.get_by_role("button", name="Deny").click()
        await expect(heading).to_contain_text("was not connected")
        assert await violations(customer) == []

        await customer.get_by_role("link", name="Start again").click()
        await go_on(customer)
        elsewhere = await browser.new_page()
        await elsewhere.goto(customer.url)
        await elsewhere.get_by_role("button", name="Allow").click()
        await expect(elsewhere.get_by_role("heading")).to_have_text(
            "Please use the browser in which you began"
        )
        await customer.get_by_role("button", name="Allow").click()
        await expect(heading).to_have_text("Choose what is read from Sandbox")
        await customer.get_by_role("button", name="Connect").click()
        await expect(heading).to_contain_text("is connected")
        await customer.goto(session["url"])
        await expect(heading).to_have_text("This link was used already")

    def completed() -> bool:
        syncs = vendor.get(f"/connections/{session['connection_id']}/syncs")["data"]
        return any(one["completed_at"] for one in syncs)

    wait_until("the first sync", completed, SECONDS)
    vendor.post(f"/connections/{session['connection_id']}/pause")
