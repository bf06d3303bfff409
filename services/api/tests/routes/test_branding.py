from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from .conftest import World, whole_application

pytestmark = pytest.mark.integration

LOGO = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def branded(world: World, tmp_path: Path) -> World:
    logo = tmp_path / "logo.svg"
    logo.write_text(LOGO, encoding="utf-8")
    brand = {"brand_name": "Acme & Sons", "brand_color": "#0b5869", "brand_logo": logo}
    context = replace(world.context, settings=world.context.settings.model_copy(update=brand))
    transport = httpx.ASGITransport(whole_application(context))
    http = httpx.AsyncClient(transport=transport, base_url="http://api.test")
    return replace(world, context=context, http=http)


async def test_customers_see_the_vendors_logo_and_colour(branded: World) -> None:
    page = await branded.open_page()
    for path in (page, "/connect/unknown"):
        html = (await branded.http.get(path)).text
        assert '<img src="/static/brand-logo" alt="Acme &amp; Sons" height="40">' in html
        assert '<link rel="stylesheet" href="/static/brand.css">' in html
    style = await branded.http.get("/static/brand.css")
    assert (style.headers["content-type"], style.text) == (
        "text/css; charset=utf-8",
        ":root { --accent: #0b5869; }\n",
    )
    logo = await branded.http.get("/static/brand-logo")
    assert (logo.headers["content-type"], logo.text) == ("image/svg+xml", LOGO)
    assert logo.headers["content-security-policy"].startswith("default-src 'none'")


async def test_without_a_brand_pages_are_plain(world: World) -> None:
    html = (await world.http.get(await world.open_page())).text
    assert 'class="brand"' not in html
    assert (await world.http.get("/static/brand.css")).text == ""
    assert (await world.http.get("/static/brand-logo")).status_code == 404
