"""The users' stories in Chromium, on one running console with a real Postgres."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from lineshaft.api.adapters.visits import sample_of
from lineshaft.api.settings import ApiSettings
from lineshaft.common.postgres.pool import Pool
from lineshaft.tools.stack.ports import free_port
from services.api.tests.routes.conftest import (
    CREDENTIALS,
    SETTINGS,
    World,
    a_world,
    verified,
    waiting,
    whole_application,
)
from services.api.tests.routes.test_diagnoses import a_ladder, climb

from .browser import chromium, serving, signed_in, violations
from .conftest import PASSWORD
from .seeding import seed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


SAMPLED: dict[str, dict[str, Any]] = {
    "stock.lot": {
        "records": [
            {
                "id": 3,
                "number": "PUMP-7",
                "product": 12,
                "product.": {"id": 12, "rec_name": "[P-100] Feed pump"},
                "active": True,
                "create_date": "2026-01-02T09:12:00Z",
                "write_date": "2026-11-20T09:12:00Z",
            }
        ]
    },
    "stock.location": {"records": [{"id": 4, "name": "Hall 2"}]},
    "product.product": {"records": [{"id": 12, "code": "P-100"}]},
    "party.party": {"records": [{"id": 7, "name": "Weber"}]},
    "purchase.purchase": {
        "problem": {"code": "permission_denied", "message": "no", "outcome": "permission_denied"}
    },
}
"""What a Tryton may show before anything is connected."""
CONTROL = 24
"""Pixels that a radio button may be wide."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
CHANNEL = {"name": "Night shift", "url": "slack://A/B/C", "event_types": ["system.outage"]}


@dataclass(frozen=True, slots=True)
class Site:
    """The console as it runs, and the connections that it shows."""

    world: World
    url: str
    ids: list[str]
    endpoint_id: str
    channel_id: str
    deleted_id: str
    browser: Browser

    def page_of(self, number: int, path: str = "") -> str:
        return f"/console/connections/{self.ids[number]}{path}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(pools: dict[str, Pool], settings: ApiSettings) -> AsyncIterator[Site]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = settings.model_copy(update={"public_url": url})
    async with a_world(pools, settings) as world, chromium() as browser:
        served = whole_application(waiting(world, connect_wait_seconds=10.0).context)
        async with serving(served, port, browser):
            ids = await seed(world)
            made = await world.call(
                "POST", "/webhook-endpoints", {"url": "https://product.example.com/hooks"}
            )
            told = await world.call("POST", "/alert-channels", CHANNEL)
            deleted_id, _ = await world.connect("plant/6")
            await world.call("DELETE", f"/connections/{deleted_id}")
            yield Site(world, url, ids, made.json()["id"], told.json()["id"], deleted_id, browser)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def editor(site: Site) -> AsyncIterator[BrowserContext]:
    context = await signed_in(site.browser, site.url, PASSWORD, viewport={"width": 1280, "height": 900})
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(editor: BrowserContext) -> AsyncIterator[Page]:
    """A tab whose scripts must not fail and whose policy must not be broken."""
    tab = await editor.new_page()
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    yield tab
    await tab.close()
    assert [one for one in complaints if "422" not in one] == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
async def test_every_page_is_accessible_and_fits(
    site: Site, scheme: Literal["light", "dark"], width: int
) -> None:
    context = await signed_in(
        site.browser,
        site.url,
        PASSWORD,
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
    )
    tab = await context.new_page()
    (record,) = await site.world.pools["mapping"].fetch(
        "select id from record where connection_id = $1 order by id limit 1", site.ids[0]
    )
    paths = [
        "/console",
        "/console/connections",
        "/console/connect",
        "/console/connect/tryton",
        site.page_of(1),
        site.page_of(2),
        site.page_of(0, "/mapping/item"),
        site.page_of(0, "/mapping/item/versions"),
        site.page_of(0, "/mapping-objects"),
        site.page_of(0, "/records/item"),
        site.page_of(0, f"/records/item/{record['id']}"),
        site.page_of(0, "/syncs"),
        site.page_of(2, "/errors"),
        site.page_of(2, "/history"),
        site.page_of(0, "/settings"),
        f"/console/connections/{site.deleted_id}",
        "/console/webhooks",
        f"/console/webhooks/{site.endpoint_id}",
        "/console/alerts",
        f"/console/alerts/{site.channel_id}",
        "/console/keys",
        "/console/audit-log",
        "/console/nowhere",
    ]
    found: dict[str, list[str]] = {}
    stranger = await (await site.browser.new_context(base_url=site.url, color_scheme=scheme)).new_page()
    await stranger.goto("/console/sign-in")
    if wrong := await violations(stranger):
        found["/console/sign-in"] = wrong
    link = (await site.world.call("POST", "/link-sessions", {})).json()["url"]
    await stranger.set_viewport_size({"width": width, "height": 800})
    await stranger.goto(link)
    wrong = await violations(stranger)
    radio = await stranger.get_by_role("radio").first.bounding_box()
    if radio is None or radio["width"] > CONTROL:
        wrong.append(f"a radio button is drawn as {radio}")
    if await stranger.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append("scrolls sideways")
    if wrong:
        found["which system"] = wrong
    await stranger.context.close()
    for path in paths:
        await tab.goto(path)
        wrong = await violations(tab)
        if await tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append("scrolls sideways")
        if wrong:
            found[path] = wrong
    await context.close()
    assert found == {}


async def test_a_custom_field_takes_three_clicks_and_the_api_has_it(site: Site, page: Page) -> None:
    await page.goto(site.page_of(0, "/mapping/item"))
    await page.get_by_label("Search source fields").fill("shelf")
    await expect(page.locator("#source-fields li:visible")).to_have_count(1)
    await page.get_by_role("button", name="Add x_shelf as a custom field").click()
    await expect(page.locator("#preview")).to_contain_text("24 of the 24 latest records change")
    await expect(page.locator("#now-c-x_shelf")).to_have_text("A-24")
    await page.get_by_role("button", name="Save and put in force").click()
    await expect(page.get_by_role("status").first).to_contain_text("Version 2 is in force")
    answer = await site.world.call("GET", f"/items?limit=1&connection_id={site.ids[0]}")
    shelf = answer.json()["data"][0]["custom_fields"]["x_shelf"]
    assert re.fullmatch(r"[ABC]-\d+", shelf)
    await page.get_by_role("link", name="Records").last.click()
    await expect(page.get_by_role("columnheader", name="X shelf")).to_be_visible()


async def test_a_field_is_changed_tried_mended_saved_and_rolled_back(site: Site, page: Page) -> None:
    await page.goto(site.page_of(1, "/mapping/item"))
    row = page.locator(".map-row[data-name=name]")
    await row.locator("summary").click()
    await row.get_by_label("Comes from").select_option(label="Expression")
    await row.get_by_label("Expression").fill("concat(code, ' / ', uper(template.name))")
    await expect(page.locator("#err-f-name")).to_contain_text("uper")
    await expect(page.locator("#preview")).to_contain_text("1 field is not right yet")
    await row.get_by_label("Expression").fill("concat(code, ' / ', upper(template.name))")
    await expect(page.locator("#now-f-name")).to_have_text("P-0024 / FILTER")
    await expect(page.locator("#err-f-name")).to_be_empty()
    await expect(page.locator("#preview ins")).to_have_text("P-0024 / FILTER")
    await page.locator("#sample").select_option(index=1)
    await expect(page.locator("#now-f-name")).to_have_text("P-0023 / COUPLING SPIDER")
    await page.get_by_role("button", name="Count in all records").click()
    await expect(page.locator("#dry-run")).to_contain_text("24 of 24 stored records change")
    await page.locator("#comment").fill("numbers in the names")
    await page.get_by_role("button", name="Save and put in force").click()
    await expect(page.locator(".map-head")).to_contain_text("Version 2 by Ada")
    await page.get_by_role("link", name="Versions").click()
    await expect(page.locator("main")).to_contain_text("fields.name")
    await page.get_by_role("button", name="Put these changes in force again").click()
    await expect(page.locator(".map-head")).to_contain_text("back to version 1")
    answer = await site.world.call("GET", f"/connections/{site.ids[1]}/mappings/item")
    assert answer.json()["effective"]["fields"]["name"] == {"path": "template.name"}


async def test_codes_are_translated_by_form(site: Site, page: Page) -> None:
    await page.goto(site.page_of(2, "/mapping/item"))
    row = page.locator(".map-row[data-name=criticality]")
    await row.locator("summary").click()
    await row.get_by_label("Comes from").select_option(label="Source field")
    await row.get_by_label("Source field").fill("x_abc")
    await row.get_by_label("Translate its codes").select_option(label="criticality")
    codes = row.locator(".code-grid")
    await codes.get_by_label("Code").last.fill("A")
    await codes.get_by_label("Means").last.select_option("high")
    await expect(page.locator("#preview")).to_contain_text("in 16 a field would be left empty")
    await page.get_by_role("button", name="Save and put in force").click()
    await expect(page.locator(".map-head")).to_contain_text("Version 2")
    await expect(page.locator(".map-row[data-name=criticality]")).to_contain_text("2 codes not")
    stored = (await site.world.call("GET", f"/connections/{site.ids[2]}/mappings/item")).json()["overlay"]
    assert stored["value_maps"] == {"criticality": {"A": "high"}}


async def test_an_editor_sends_the_link_and_watches_the_connection_recover(site: Site, page: Page) -> None:
    world = site.world
    await page.goto("/console")
    await page.get_by_role("link", name="Brewery Lake").click()
    await expect(page.locator(".verdict")).to_contain_text("Reconnect needed")
    link = await page.locator(".verdict [data-copy]").get_attribute("data-copy")
    assert link is not None
    customer = await (await site.browser.new_context()).new_page()
    await customer.goto(link)
    await customer.get_by_label("Password").fill("a new one")
    await customer.get_by_role("button", name="Reconnect").click(no_wait_after=True)
    while not (asked := await _authorization(world, site.ids[1])):
        await asyncio.sleep(0.05)
    await world.answer(
        asked, result={"account_id": "plant/5", "credential_version": 2}, connection_id=site.ids[1]
    )
    await world.set_status(site.ids[1], "healthy", credential_version=2)  # type: ignore[arg-type]  # its value
    await expect(page.locator(".verdict")).to_contain_text("Everything works")
    await customer.context.close()


async def test_the_ladder_is_drawn_while_it_is_climbed(site: Site, page: Page) -> None:
    world, connection_id = site.world, site.ids[2]
    await page.goto(site.page_of(2))
    ladder = page.locator("#ladder")
    await page.get_by_role("button", name="Diagnose now").click()
    await expect(ladder).to_contain_text("Climbing")
    operation_id = (await world.outbox("commands.connector"))[-1]["command_id"]
    await climb(world, connection_id, operation_id)
    await expect(ladder.get_by_role("listitem").nth(0)).to_contain_text("passed")
    await expect(ladder.locator("[aria-current=step]")).to_contain_text("Reach it")
    assert await violations(page) == []
    await world.answer(operation_id, result=a_ladder(connection_id))
    await expect(ladder.get_by_role("listitem").last).to_contain_text("failed")
    await expect(ladder.get_by_role("button", name="Copy")).to_be_visible()
    await expect(ladder).not_to_contain_text("Climbing")


async def log_in_and_look(site: Site, customer: Page) -> str:
    """By keyboard, up to the page where the customer chooses; the connection that will be made."""
    world = site.world
    answer = await world.call("POST", "/link-sessions", {"system": "tryton", "label": "Plant 9"})
    connection_id = str(answer.json()["connection_id"])
    await customer.goto(answer.json()["url"])
    for name, text in (SETTINGS | CREDENTIALS).items():
        await customer.locator(f"#{name}").focus()
        await customer.keyboard.press("Control+A")
        await customer.keyboard.type(text)
    await customer.keyboard.press("Enter")
    await expect(customer.get_by_role("listitem").first).to_contain_text("Reach Tryton: under way")
    while not (asked := await _authorization(world, connection_id)):
        await asyncio.sleep(0.05)
    await world.answer(asked, result=verified(), connection_id=connection_id)
    await expect(customer.get_by_role("listitem").nth(1)).to_contain_text("Log in: done")
    found = [{"object": name, **one} for name, one in SAMPLED.items()]
    await world.answer(sample_of(asked), result={"objects": found}, connection_id=connection_id)
    await expect(customer.get_by_role("heading", level=1)).to_have_text("Choose what is read from Tryton")
    return connection_id


async def test_a_customer_chooses_what_is_read_by_keyboard_and_without_scripts(site: Site) -> None:
    context = await site.browser.new_context(
        java_script_enabled=False, color_scheme="dark", viewport={"width": 390, "height": 800}
    )
    customer = await context.new_page()
    connection_id = await log_in_and_look(site, customer)
    scripted = await (await site.browser.new_context(viewport={"width": 390, "height": 800})).new_page()
    await scripted.goto(customer.url)
    for scheme in SCHEMES:
        await scripted.emulate_media(color_scheme=scheme)
        assert await violations(scripted) == []
    assert not await scripted.evaluate("document.documentElement.scrollWidth > innerWidth")
    await scripted.context.close()
    await customer.get_by_role("button", name="See a sample of Lots").focus()
    await customer.keyboard.press("Enter")
    await expect(customer.get_by_role("region")).to_contain_text("PUMP-7")
    for box in await customer.get_by_role("checkbox").all():
        if await box.is_checked() and await box.get_attribute("value") != "stock.lot":
            await box.press("Space")
    await customer.get_by_role("button", name="Connect").press("Enter")
    await expect(customer.get_by_role("heading", level=1)).to_have_text("Tryton is connected")
    made = await site.world.call("GET", f"/connections/{connection_id}")
    assert made.json()["objects"] == ["stock.lot"]
    await context.close()


async def _authorization(world: World, connection_id: str) -> str | None:
    command_id: str | None = await world.context.pool.fetchval(
        "select command_id from command"
        " where kind = 'authorize' and connection_id = $1 and completed_at is null",
        connection_id,
    )
    return command_id


async def test_the_list_is_searched_while_one_types_and_by_keyboard(site: Site, page: Page) -> None:
    await page.goto("/console/connections")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_label("Search").press_sequentially("harb")
    await expect(page.locator("#fleet tbody tr")).to_have_count(1)
    assert "q=harb" in page.url
    await page.keyboard.press("Tab")
    await page.get_by_label("Status").select_option("healthy")
    await expect(page.locator("#fleet")).to_contain_text("No connection fits")
