"""A real OpenID provider (node-oidc-provider) on a port of this machine, and a browser that logs in there."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx

from lineshaft.tools.stack.build_tool import build_step
from lineshaft.tools.stack.cache import cached, recipe_hash
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.testing.needs import needs

CLIENT_ID, CLIENT_SECRET = "lineshaft-console", "the-secret-of-the-console"
_ACTION = re.compile(r'action="([^"]+)"').search
_PROMPT = re.compile(r'name="prompt" value="([^"]+)"').search


def modules() -> Path:
    """The folder of the provider's packages, installed with npm when the lock file is new."""
    needs("npm for the OpenID provider", found=shutil.which("npm") is not None)
    layout = Layout.discover()
    recipe = layout.checkout / "tools" / "oidc"
    files = [recipe / "package.json", recipe / "package-lock.json"]

    def build(folder: Path) -> None:
        for file in files:
            shutil.copy(file, folder)
        build_step("npm", ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", folder])

    return cached(layout.cache / f"oidc-{recipe_hash(files)}", build)


@asynccontextmanager
async def an_oidc_provider(redirect_uri: str) -> AsyncIterator[str]:
    """Its issuer."""
    folder, port = await asyncio.to_thread(modules), free_port()
    script = Layout.discover().checkout / "tools" / "oidc" / "provider.mjs"
    process = await asyncio.create_subprocess_exec(
        *("node", script, str(port), str(folder), redirect_uri),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert (await asyncio.wait_for(process.stdout.readline(), 30)).strip() == b"ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def log_in(address: str, name: str, back_at: str) -> str:
    """Go through the provider's pages as this person; the address that it sends the browser back to."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(address)
        for _ in range(12):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(back_at):
                    return target
                answer = await browser.get(target)
                continue
            action, prompt = _ACTION(answer.text), _PROMPT(answer.text)
            assert action, answer.text
            assert prompt, answer.text
            form = {"prompt": prompt[1], "login": name, "password": "any"}
            answer = await browser.post(urljoin(str(answer.url), action[1]), data=form)
    raise AssertionError(f"the provider never came back: {answer.text}")
