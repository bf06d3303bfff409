"""The console's pages as the documents show them: `make pictures`. No test by itself."""

import pytest
from playwright.async_api import Page, ViewportSize

from lineshaft.tools.stack.layout import find_checkout

from .browser import signed_in
from .conftest import PASSWORD
from .test_browser import Site, log_in_and_look, site

__all__ = ["site"]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

IMAGES = find_checkout() / "docs" / "images"
NARROW: ViewportSize = {"width": 1180, "height": 760}
WIDE: ViewportSize = {"width": 1320, "height": 800}


async def test_draw(site: Site) -> None:
    context = await signed_in(site.browser, site.url, PASSWORD, color_scheme="light", viewport=NARROW)
    tab = await context.new_page()
    for name, path in (
        ("home", "/console"),
        ("connection", site.page_of(1)),
    ):
        await tab.goto(path)
        await shown(tab, name)
    await tab.set_viewport_size(WIDE)
    await tab.goto(site.page_of(0, "/mapping/item"))
    row = tab.locator(".map-row[data-name=name]")
    await row.locator("summary").click()
    await row.get_by_label("Comes from").select_option(label="Expression")
    await row.get_by_label("Expression").fill("concat(code, ' / ', upper(template.name))")
    await tab.wait_for_timeout(800)
    await tab.evaluate("window.scrollTo(0, 330)")
    await shown(tab, "mapping")
    await context.close()


async def test_draw_the_choice(site: Site) -> None:
    customer = await (await site.browser.new_context(color_scheme="light", viewport=NARROW)).new_page()
    await log_in_and_look(site, customer)
    await customer.screenshot(path=IMAGES / "connect-choice.png")
    await customer.context.close()


async def shown(tab: Page, name: str) -> None:
    await tab.wait_for_timeout(300)
    await tab.screenshot(path=IMAGES / f"console-{name}.png")
