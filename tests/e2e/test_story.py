"""The main job and what people do in the browser, end to end, on real Kafka, Postgres and Tryton or Odoo."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from lineshaft.common.clock import now
from lineshaft.common.links import LIFETIME, reauthorize_url
from lineshaft.common.unified import ROUTES
from lineshaft.tools.demo.kafka_client import consume
from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.story import Story
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.observability.dashboard_data import assert_dashboard_has_data
from lineshaft.tools.observability.prometheus import Prometheus
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack
from services.api.tests.console.browser import chromium, signed_in, violations

from .customer_admin import Admin, admin_of
from .writing import a_vendor_and_its_purchase_order, made_changed_and_read_back

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(400)]

SECONDS = 60.0
PATIENCE = SECONDS * 1000
NAME = "Works North"
DASHBOARDS = find_checkout() / "deploy" / "grafana" / "dashboards"
ONLY_WHEN_SOMETHING_IS_WRONG = {
    "fleet": {"Longest wait for new credentials"},
    "pipeline": {"Fields left null", "Batches tried again", "Dead letters"},
    "webhooks": set[str](),
    "services": set[str](),
}


@pytest.fixture(scope="module", params=["tryton", pytest.param("odoo", marks=pytest.mark.nightly)])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    layout = Layout.discover(f"story-{request.param}-{os.getpid()}")
    with Stack(layout, source=request.param, durable=False, progress=Progress(quiet=True)) as stack:
        yield stack


@dataclass(slots=True)
class Desk:
    """An editor's browser, the customer's, and the connection that both are about."""

    browser: Browser
    editor: BrowserContext
    vendor: Vendor
    admin: Admin
    connection_id: str = ""
    programs_connection_id: str = ""
    """Another connection to the same system, with which only programs deal."""
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str = "") -> Page:
        """A page of the connection, in a tab whose scripts must not fail."""
        page = await self.editor.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(f"/console/connections/{self.connection_id}{path}")
        return page

    async def a_customer(self) -> Page:
        context = await self.browser.new_context()
        context.set_default_timeout(PATIENCE)
        return await context.new_page()

    async def sync_now(self, page: Page) -> None:
        """Until it is over; the page is the connection's again then."""
        before = len(self.syncs())
        await page.goto(f"/console/connections/{self.connection_id}")
        await page.get_by_role("button", name="Sync now").click()
        await expect(page.get_by_role("status").first).to_contain_text("A sync was asked for")
        wait_until("the sync", lambda: len(self.syncs()) > before, SECONDS)
        await page.get_by_role("link", name="Overview").click()

    def syncs(self) -> list[dict[str, Any]]:
        return completed(self.vendor, self.connection_id)

    def record(self, route: str) -> dict[str, Any]:
        data = self.vendor.get(f"/{route}?limit=1&connection_id={self.connection_id}")["data"]
        return data[0] if data else {}


def completed(vendor: Vendor, connection_id: str) -> list[dict[str, Any]]:
    syncs = vendor.get(f"/connections/{connection_id}/syncs")["data"]
    return [one for one in syncs if one["completed_at"]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(stack: Stack, vendor: Vendor) -> AsyncIterator[Desk]:
    async with chromium() as browser:
        editor = await signed_in(browser, stack.api_url, stack.admin_key)
        editor.set_default_timeout(PATIENCE)
        desk = Desk(browser, editor, vendor, admin_of(stack.source))
        expect.set_options(timeout=PATIENCE)
        yield desk
        expect.set_options(timeout=None)
        assert desk.complaints == []


def test_a_changed_password_becomes_a_webhook_and_reconnecting_heals_it(
    stack: Stack, vendor: Vendor, receiver: WebhookReceiver
) -> None:
    story = Story(vendor, stack.source, receiver, stack.kafka.bootstrap_servers)
    with Prometheus(stack.services.urls) as prometheus:
        told = story.run()
        assert told, "\n".join(f"{step.name}: {step.told}" for step in story.steps)
        for name, optional in ONLY_WHEN_SOMETHING_IS_WRONG.items():
            assert_dashboard_has_data(prometheus, DASHBOARDS / f"{name}.json", optional=optional)

    assert story.reauth_webhook_seconds is not None
    assert story.reauth_webhook_seconds < 5
    required = [one for one in receiver.deliveries if one.type == "connection.reauthorization_required"]
    assert len(required) == 1
    assert required[0].body["data"]["metadata"] == {"customer": "Plant 7"}
    assert required[0].body["data"]["verdict"]["fault"] == "credentials"
    assert all(one.problem is None for one in receiver.deliveries)
    vendor.post(f"/connections/{story.connection_id}/pause")


def test_what_is_written_stands_at_the_source_and_is_read_back(
    stack: Stack, vendor: Vendor, desk: Desk
) -> None:
    """A vendor and its purchase order in an ERP, a work order in a CMMS."""
    connection_id, _ = vendor.connect(stack.source.system, stack.source.connection_fields)
    desk.programs_connection_id = connection_id
    if stack.source.system == "odoo":
        written = {
            "work-orders": made_changed_and_read_back(
                vendor,
                connection_id,
                "work-orders",
                {"title": "Pump leaks", "type": "corrective", "priority": "low"},
                {"title": "Pump leaks badly", "priority": "high", "status": "in_progress"},
            )
        }
    else:
        written = a_vendor_and_its_purchase_order(
            vendor, connection_id, {}, {}, {"title": "More bolts", "vendor_reference": "B-4711"}
        )
    desk.admin.assert_holds(written)
    wait_until("the first sync", lambda: completed(vendor, connection_id), SECONDS)


async def test_a_customer_connects_with_a_link_from_the_console(stack: Stack, desk: Desk) -> None:
    page = await desk.editor.new_page()
    await page.goto("/console/connect")
    await page.get_by_role("link", name=desk.admin.label).first.click()
    await page.get_by_label("What you call this connection").fill(NAME)
    await page.get_by_role("button", name="Make the link").click()
    link = await page.locator(".secret-line code").inner_text()

    customer = await desk.a_customer()
    await customer.goto(link)
    assert await violations(customer) == []
    for key, value in stack.source.connection_fields.items():
        await customer.locator(f"#{key}").fill(value)
    await customer.get_by_role("button", name="Connect").click()
    heading = customer.get_by_role("heading", level=1)
    await expect(heading).to_have_text(f"Choose what is read from {desk.admin.label}")
    assert await violations(customer) == []
    await expect(customer.locator("#sample tbody tr")).not_to_have_count(0)
    vendors = customer.locator(".choice", has_text="Read as vendor")
    left_out = vendors.get_by_role("checkbox")
    name = await left_out.get_attribute("value")
    await left_out.uncheck()
    await customer.get_by_role("button", name="Connect").click()
    await expect(heading).to_have_text(f"{desk.admin.label} is connected")

    await expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    desk.connection_id = page.url.rsplit("/", 1)[1]
    wait_until("the first sync", desk.syncs, SECONDS)
    read = {one["object"] for sync in desk.syncs() for one in sync["objects"]}
    assert read
    assert name not in read
    await expect(page.locator(".verdict")).to_contain_text("Healthy")
    await expect(page.locator("#live")).to_contain_text("Completed")
    await customer.goto(link)
    await expect(customer.get_by_role("heading")).to_have_text("This link was used already")


async def test_a_field_that_is_new_at_the_source_takes_three_clicks(desk: Desk) -> None:
    desk.admin.add_a_field()
    added = desk.admin.field
    page = await desk.open(f"/mapping/{added.entity}")
    await expect(page.locator(f"[data-use={added.name}]")).to_have_count(0)
    await page.get_by_role("button", name="Look again").click()
    await expect(page.locator("#source")).to_contain_text(added.name)
    await page.get_by_role("button", name=f"Add {added.name} as a custom field").click()
    await expect(page.locator("#preview")).to_contain_text(f"{added.name} was not read so far")
    await page.get_by_role("button", name="Save and put in force").click()
    await expect(page.get_by_role("status").first).to_contain_text("is in force")

    def read() -> bool:
        fields = desk.record(ROUTES[added.entity])["custom_fields"]
        return bool(fields.get(added.name) == added.value)

    wait_until("its values, read from the source", read, SECONDS)
    await page.get_by_role("link", name="Records").last.click()
    await expect(page.locator("#records")).to_contain_text(added.value)


def test_a_field_that_is_new_at_the_source_is_found_mapped_and_read_by_api(desk: Desk) -> None:
    connection = f"/connections/{desk.programs_connection_id}"
    added, vendor = desk.admin.field, desk.vendor
    (before,) = vendor.get(f"{connection}/schema?object={added.object}")["data"]
    assert added.name not in {one["name"] for one in before["fields"]}
    (looked,) = vendor.post(f"{connection}/schema/refresh", {"objects": [added.object]})["data"]
    assert added.name in {one["name"] for one in looked["fields"]}

    def read() -> dict[str, Any]:
        path = f"/{ROUTES[added.entity]}?limit=1&connection_id={desk.programs_connection_id}"
        fields: dict[str, Any] = vendor.get(path)["data"][0]["custom_fields"]
        return fields

    mapping = {"custom_fields": {"new": {"path": added.name, "type": "string", "label": "New"}}}
    vendor.put(f"{connection}/mappings/{added.entity}", mapping)
    assert "new" in read(), "the very next read"
    wait_until("its values, read from the source", lambda: read()["new"] == added.value, SECONDS)
    vendor.post(f"{connection}/pause")


async def test_an_object_that_is_new_at_the_source_is_requested_read_and_consumed(
    stack: Stack, desk: Desk
) -> None:
    records = desk.admin.add_an_object()
    name = desk.admin.more_object.replace(".", "_")
    page = await desk.open("/mapping-objects")
    await page.get_by_label("Table or object of the source").fill(desk.admin.more_object)
    await page.get_by_role("button", name="Request it").click()
    await expect(page.get_by_role("status").first).to_contain_text("It is an entity now")
    wait_until("its records", lambda: desk.record(f"objects/{name}"), SECONDS)
    record = desk.record(f"objects/{name}")
    assert (record["entity"], record["object"]) == ("custom", name)
    events = await asyncio.to_thread(
        consume,
        stack.kafka.bootstrap_servers,
        ["lineshaft.entities.custom"],
        until=lambda seen: len(seen) >= len(records),
        seconds=SECONDS,
    )
    assert {(one["connection_id"], one["object"]) for one in events} == {(desk.connection_id, name)}
    assert sorted(one["custom_fields"][desk.admin.name_field] for one in events) == records
    await page.goto(f"/console/connections/{desk.connection_id}/records/custom:{name}")
    await expect(page.locator("#records tbody tr").first).to_be_visible()


@pytest.mark.nightly  # its breaker waits before it tries again
async def test_a_lost_permission_is_named_with_whose_move_it_is(stack: Stack, desk: Desk) -> None:
    page = await desk.open()
    lost = stack.source.revoke_one_object()
    try:
        await desk.sync_now(page)
        verdict = page.locator(".verdict")
        await expect(verdict).to_contain_text("Partly working")
        await expect(verdict).to_contain_text("Customer's move")
        await expect(page.get_by_role("region", name="Open issue")).to_contain_text(lost)
        healthy = page.locator("#live tr", has_text="Healthy")
        assert await healthy.count() > 1
        await expect(healthy.filter(has=page.locator(f"code:text-is('{lost}')"))).to_have_count(0)
    finally:
        stack.source.restore_one_object()
    await desk.sync_now(page)
    await expect(page.locator(".verdict")).to_contain_text("Healthy")


async def test_an_editor_sends_a_link_and_watches_the_connection_recover(stack: Stack, desk: Desk) -> None:
    """The customer mistypes the password, then takes a wrong account, then gets it right."""
    label = desk.admin.label
    watched = await desk.open()
    stack.source.change_password("changed-at-the-source-2026")
    await watched.get_by_role("button", name="Sync now").click()
    await watched.get_by_role("link", name="Overview").click()
    verdict = watched.locator(".verdict")
    await expect(verdict).to_contain_text("Reconnect needed")
    await expect(verdict).to_contain_text("Customer's move")
    await expect(verdict).to_contain_text("Evidence: credentials")

    making = await desk.open()
    await making.get_by_text("New credentials", exact=True).click()
    await making.get_by_role("button", name="Make a reconnect link").click()
    link = await making.locator(".secret-line code").inner_text()

    customer = await desk.a_customer()
    expired = now() - LIFETIME - timedelta(days=1)
    key = stack.settings.link_signing_key
    await customer.goto(reauthorize_url(stack.api_url, key, desk.connection_id, now=expired))
    await expect(customer.get_by_role("heading")).to_have_text("This link is not valid any more")
    assert await violations(customer) == []

    await customer.goto(link)
    await expect(customer.get_by_role("heading")).to_have_text(f"Reconnect {label}")
    await expect(customer.locator("dl")).to_contain_text(stack.source.connection_fields["username"])

    async def give(password: str) -> None:
        desk.admin.forget_failed_logins()
        await expect(customer.get_by_label("Password")).to_have_value("")
        await customer.get_by_label("Password").fill(password)
        await customer.get_by_role("button", name="Reconnect").click()

    refused = customer.get_by_role("alert")
    await give("mistyped")
    await expect(refused).to_contain_text(f"{label} did not accept these credentials.")
    assert await violations(customer) == []
    desk.admin.give_the_login_to_another_account("of-another-account-2026")
    await give("of-another-account-2026")
    await expect(refused).to_contain_text("These credentials belong to another account")
    desk.admin.give_the_login_back()
    await expect(verdict).to_contain_text("Reconnect needed")

    await watched.evaluate("document.title = 'watched'")
    await give(stack.source.connection_fields["password"])
    await expect(customer.get_by_role("heading")).to_have_text(f"{label} is connected")
    await expect(verdict).to_contain_text("Healthy")
    assert await watched.title() == "watched", "the page was not loaded again"
    await customer.goto(link)
    await expect(customer.get_by_role("heading")).to_have_text("This link was used already")
    wait_until("a sync with the new password", lambda: desk.syncs()[0]["result"] == "completed", SECONDS)
