"""The way to the provider and back in Chromium: the console and the provider are two sites to it."""

import pytest
from playwright.async_api import expect

from lineshaft.api.settings import ApiSettings
from lineshaft.common.postgres.pool import Pool
from lineshaft.tools.stack.ports import free_port
from services.api.tests.routes.conftest import a_world, whole_application

from .browser import chromium, serving, violations
from .oidc_provider import CLIENT_ID, CLIENT_SECRET, an_oidc_provider

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def test_an_editor_comes_back_signed_in_and_makes_a_key(
    pools: dict[str, Pool], settings: ApiSettings
) -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    async with an_oidc_provider(f"{url}/console/sign-in/oidc/callback") as issuer:
        whole = settings.model_dump() | {
            "public_url": url,
            "console_oidc_issuer": issuer,
            "console_oidc_client_id": CLIENT_ID,
            "console_oidc_client_secret": CLIENT_SECRET,
            "console_oidc_editors": "lineshaft-editors",
            "console_oidc_name": "Example login",
        }
        async with (
            a_world(pools, ApiSettings.model_validate(whole)) as world,
            chromium() as browser,
            serving(whole_application(world.context), port, browser),
        ):
            page = await browser.new_page(base_url=url)
            page.set_default_timeout(8000)
            await page.goto("/console/keys")
            assert await violations(page) == []
            await page.get_by_role("link", name="Sign in with Example login").click()
            await page.get_by_placeholder("Enter any login").fill("ada")
            await page.get_by_placeholder("and password").fill("any")
            await page.get_by_role("button", name="Sign-in").click()
            await page.get_by_role("button", name="Continue").click()
            await page.wait_for_url("**/console/keys")
            await expect(page.locator(".who")).to_have_text("Ada Editor (ada)")
            assert await violations(page) == []
            await page.get_by_text("New key").click()
            await page.get_by_label("What it is for").fill("Billing")
            await page.get_by_label("read").check()
            await page.get_by_role("button", name="Make the key").click()
            await expect(page.locator(".secret-line")).to_contain_text("lsa_")
            assert await violations(page) == []
