"""Browsers of the console: without Chromium, for what a page says, and the sign-in that each begins with."""

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from lineshaft.api.settings import ApiSettings
from services.api.tests.routes.conftest import World, pools, world

__all__ = ["pools", "world"]

PASSWORD = "correct horse battery"
VIEWER_PASSWORD = "just looking around"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"').search


@dataclass
class Reader:
    """Somebody with a browser, as far as a test of pages needs one."""

    http: httpx.AsyncClient

    async def sign_in(self, secret: str, **more: str) -> httpx.Response:
        return await self.http.post("/console/sign-in", data={"secret": secret, **more})

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def send(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """A form of a page that the reader has before them."""
        found = CSRF((await self.http.get("/console/connect")).text)
        token = found.group(1) if found else ""
        return await self.http.post(path, data={"csrf": token, **(fields or {})}, headers=headers)

    @property
    def notice(self) -> str:
        return self.http.cookies.get("lineshaft_notice", "")


@pytest.fixture(scope="module")
def settings() -> ApiSettings:
    return ApiSettings(
        secret_keys="k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        link_signing_key="signing-key",
        public_url="http://api.test",
        connect_wait_seconds=0,
        write_wait_seconds=0,
        console_password=PASSWORD,
        console_viewer_password=VIEWER_PASSWORD,
    )


@pytest.fixture
def stranger(world: World) -> Reader:
    return Reader(world.http)


@pytest.fixture
async def editor(world: World) -> Reader:
    reader = Reader(world.http)
    assert (await reader.sign_in(PASSWORD, name="Ada")).status_code == 303
    return reader


@pytest.fixture
async def viewer(world: World) -> Reader:
    reader = Reader(world.http)
    assert (await reader.sign_in(VIEWER_PASSWORD)).status_code == 303
    return reader
