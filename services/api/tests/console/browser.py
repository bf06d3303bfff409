"""A real Chromium, a running console, and what every page has to be."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

VENDOR = Path(__file__).parent / "vendor"
AXE = VENDOR / "axe" / "axe-4.14.1.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Raises where there is none: a skipped test would tell nothing."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("The browser tests need Chromium: `make system-packages` as root installs it.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        await browser.close()


@asynccontextmanager
async def serving(application: Any, port: int, browser: Browser) -> AsyncIterator[None]:
    """The application on the port; the browser goes first, so that no connection of its is cut."""
    config = uvicorn.Config(application, port=port, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        await browser.close()
        server.should_exit = True
        server.force_exit = True
        with suppress(asyncio.CancelledError):
            await running


async def violations(page: Page) -> list[str]:
    """What axe finds; evaluated from outside, as the page's own policy lets no script in."""
    await page.evaluate(AXE.read_text())
    await page.evaluate("window.scrollTo(0, document.body.scrollHeight)")  # else a sticky bar covers parts
    found = await page.evaluate("rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES)
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


async def signed_in(browser: Browser, url: str, secret: str, **options: Any) -> BrowserContext:
    context = await browser.new_context(base_url=url, **options)
    context.set_default_timeout(8000)
    page = await context.new_page()
    await page.goto("/console/sign-in")
    await page.get_by_label(re.compile("admin key", re.IGNORECASE)).fill(secret)
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/console")
    await page.close()
    return context
