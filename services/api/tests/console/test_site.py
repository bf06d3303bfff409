import hashlib
from importlib.resources import files

import pytest

from lineshaft.api.console.pages import asset_path

from .conftest import Reader

pytestmark = pytest.mark.integration

STATIC = files("lineshaft.api.console").joinpath("static")


def test_what_others_wrote_is_what_its_checksum_says() -> None:
    vendored = STATIC.joinpath("vendor", "htmx")
    lines = vendored.joinpath("SHA256SUMS").read_text().splitlines()
    sums = {name: checksum for checksum, name in (line.split() for line in lines)}
    kept = {path.name for path in vendored.iterdir()} - {"SHA256SUMS"}
    assert set(sums) == kept
    for name, checksum in sums.items():
        assert hashlib.sha256(vendored.joinpath(name).read_bytes()).hexdigest() == checksum


async def test_files_are_kept_by_browsers_and_nothing_else_is_served(stranger: Reader) -> None:
    path = asset_path("tokens.css")
    answer = await stranger.get(path)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    version = path.split("/")[3]
    for name in ("", "missing.css", "../pages.py", "..%2fpages.py", "vendor/htmx/LICENSE", "%2e%2e/pages.py"):
        assert (await stranger.get(f"/console/static/{version}/{name}")).status_code == 404, name
    assert (await stranger.get("/console/static/000000000000/tokens.css")).status_code == 404


async def test_the_appearance_is_kept_in_the_browser(editor: Reader) -> None:
    assert '<html lang="en" data-theme="auto">' in (await editor.get("/console")).text
    await editor.send("/console/theme", {"theme": "dark", "here": "/console"})
    assert '<html lang="en" data-theme="dark">' in (await editor.get("/console")).text
    await editor.send("/console/theme", {"theme": "auto", "here": "/console"})
    assert '<html lang="en" data-theme="auto">' in (await editor.get("/console")).text
