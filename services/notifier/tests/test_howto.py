"""The code of docs/howto/webhooks.md, on what the sender really posts; `svix` verifies it as well."""

import re
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from svix.webhooks import Webhook as SvixWebhook
from svix.webhooks import WebhookVerificationError

from lineshaft.common.events.webhooks import WEBHOOK_EVENT_TYPES
from lineshaft.common.postgres.pool import Pool

from .stage import OTHER_SECRET, SECRET, Stage, a_receiver, eventually

pytestmark = pytest.mark.integration

HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "webhooks.md"


@pytest_asyncio.fixture
async def posted(pool: Pool) -> tuple[dict[str, str], bytes]:
    """Headers and body of a webhook, as its receiver got them."""
    got: list[tuple[dict[str, str], bytes]] = []

    async def keep(request: web.Request) -> web.StreamResponse:
        got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=204)

    async def arrived() -> bool:
        return bool(got)

    async with a_receiver() as receiver:
        receiver.answers["/hooks"] = keep
        stage = Stage(pool, receiver)
        await stage.endpoint("/hooks")
        async with stage.sending():
            await stage.tell("con_1")
            await eventually(arrived)
    return got[0]


def receive(*arguments: Any, **names: Any) -> Any:
    [code] = re.findall(r"```python\n(.*?)```", HOWTO.read_text(encoding="utf-8"), re.DOTALL)
    exec(code, names)  # noqa: S102  the page's own code
    return [names["receive"](*arguments) for _ in range(2)]


async def test_the_page_takes_each_event_once_and_refuses_what_is_not_ours(
    posted: tuple[dict[str, str], bytes],
) -> None:
    headers, body = posted
    (first, event), (second, repeated) = receive(SECRET, headers, body)
    assert (first, event["type"], event["data"]["connection_id"]) == (204, "connection.recovered", "con_1")
    assert (second, repeated) == (204, None)
    assert receive(OTHER_SECRET, headers, body)[0] == (401, None)
    assert receive(SECRET, headers, body.replace(b"con_1", b"con_2"))[0] == (401, None)


async def test_svix_verifies_it_too(posted: tuple[dict[str, str], bytes]) -> None:
    headers, body = posted
    SvixWebhook(SECRET).verify(body, headers)
    for secret, content in ((OTHER_SECRET, body), (SECRET, body + b" ")):
        with pytest.raises(WebhookVerificationError):
            SvixWebhook(secret).verify(content, headers)


def test_the_page_lists_every_event() -> None:
    table = HOWTO.read_text(encoding="utf-8").split("## What there is to hear of")[1].split("## ")[0]
    rows = (line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert re.findall(r"`([^`]+)`", " ".join(rows)) == list(WEBHOOK_EVENT_TYPES)
