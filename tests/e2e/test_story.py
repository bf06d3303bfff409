"""The main job, end to end, on real Kafka, Postgres and Tryton; then what the dashboards show of it."""

import re

import pytest
from playwright.async_api import expect

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.story import Story
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.observability.dashboard_data import assert_dashboard_has_data
from lineshaft.tools.observability.prometheus import Prometheus
from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.stack.stack import Stack
from services.api.tests.console.browser import chromium, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(400)]

DASHBOARDS = find_checkout() / "deploy" / "grafana" / "dashboards"
ONLY_WHEN_SOMETHING_IS_WRONG = {
    "fleet": {"Longest wait for new credentials"},
    "pipeline": {"Fields left null", "Batches tried again", "Dead letters"},
    "webhooks": set[str](),
    "services": set[str](),
}


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


async def test_an_editor_syncs_and_adds_a_custom_field_in_the_console(stack: Stack) -> None:
    """On what the story before has left: one connection, healthy again."""
    async with chromium() as browser:
        context = await signed_in(browser, stack.api_url, stack.admin_key)
        context.set_default_timeout(30_000)
        page = await context.new_page()
        await page.goto("/console/connections")
        await page.locator(".row-link").first.click()
        await expect(page.locator(".verdict")).to_contain_text("Everything works", timeout=30_000)

        await page.get_by_role("button", name="Sync now").click()
        latest = page.locator("#syncs tbody tr").first
        await expect(latest).to_contain_text("Completed", timeout=60_000)

        await page.get_by_role("link", name="Mapping").click()
        await page.get_by_role("link", name="Item", exact=True).click()
        add = (
            page.locator("#source-fields li", has=page.locator(".samples"))
            .get_by_role("button", name="Add")
            .first
        )
        await add.click()
        await expect(page.locator("#preview")).to_contain_text("latest records change")
        name = await page.locator("#custom-fields .map-row").last.get_attribute("data-name")
        await page.get_by_role("button", name="Save and put in force").click()
        await expect(page.get_by_role("status").first).to_contain_text("is in force")
        await page.get_by_role("link", name="Records").last.click()
        shown = re.compile(re.escape((name or "").replace("_", " ")), re.IGNORECASE)
        await expect(page.get_by_role("columnheader", name=shown)).to_be_visible()
