"""Against real sockets on this machine."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from lineshaft.common.http import addresses
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.notifier.adapters.http import BODY_BYTES, WebhookClient
from lineshaft.notifier.domain.result import Answer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOPBACK = ("127.0.0.0/8", "::1/128")


@asynccontextmanager
async def server(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def post(url: str, *, allowed: tuple[str, ...] = LOOPBACK, seconds: float = 5) -> Answer:
    client = WebhookClient(AddressPolicy(allowed), total_seconds=seconds)
    try:
        return await client.post(url, b"{}", {"webhook-id": "msg_1"})
    finally:
        await client.close()


async def fine(_: web.Request) -> web.Response:
    return web.Response(text="thanks")


async def test_it_posts_and_keeps_the_answer() -> None:
    seen: list[tuple[str, str, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.method, request.headers["webhook-id"], await request.read()))
        return web.Response(status=202, text="got it", headers={"retry-after": "7"})

    async with server(handler) as port:
        answer = await post(f"http://127.0.0.1:{port}/hooks")
    assert seen == [("POST", "msg_1", b"{}")]
    assert (answer.status, answer.body, answer.retry_after) == (202, "got it", timedelta(seconds=7))
    assert answer.delivered


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "127.1",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
async def test_a_private_address_is_never_dialled(host: str) -> None:
    calls = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return await fine(request)

    async with server(handler) as port:
        answer = await post(f"http://{host}:{port}/", allowed=())
    assert answer.status is None
    assert answer.error
    assert calls == 0


async def test_an_allowed_network_does_not_allow_others() -> None:
    async with server(fine) as port:
        answer = await post(f"http://127.0.0.1:{port}/", allowed=("10.0.0.0/8",))
    assert "LINESHAFT_ALLOWED_NETWORKS" in str(answer.error)


async def test_a_redirect_is_a_failure() -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=302, headers={"location": "/elsewhere"})

    async with server(handler) as port:
        answer = await post(f"http://127.0.0.1:{port}/hooks")
    assert paths == ["/hooks"]
    assert "redirects are not followed" in str(answer.problem)


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with server(fine) as port:
        assert (await post(f"http://127.0.0.1:{port}/")).delivered


async def test_an_answer_that_does_not_begin_is_cut_off() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with server(handler) as port:
        started = time.monotonic()
        answer = await post(f"http://127.0.0.1:{port}/", seconds=0.5)
    assert time.monotonic() - started < 3
    assert answer.error == "no answer within 0.5 s"


async def test_a_body_that_drips_is_cut_off() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.05)

    async with server(handler) as port:
        started = time.monotonic()
        answer = await post(f"http://127.0.0.1:{port}/", seconds=0.5)
    assert time.monotonic() - started < 3
    assert answer.error == "no end of the answer within 0.5 s"
    assert not answer.delivered


async def test_of_an_endless_body_the_beginning_is_kept() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    async with server(handler) as port:
        answer = await post(f"http://127.0.0.1:{port}/")
    assert answer.delivered
    assert answer.body == "x" * BODY_BYTES


async def test_a_compressed_body_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"content-encoding": "gzip"})

    async with server(handler) as port:
        answer = await post(f"http://127.0.0.1:{port}/")
    assert answer.delivered
    assert len(answer.body) <= BODY_BYTES
    assert "\0" not in answer.body


async def test_a_receiver_that_dies_over_a_message_gets_it_once_per_try() -> None:
    seen: list[bytes] = []

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head + await reader.readexactly(2))
        writer.close()

    dying = await asyncio.start_server(die, "127.0.0.1", 0)
    async with dying:
        answer = await post(f"http://127.0.0.1:{dying.sockets[0].getsockname()[1]}/")
    assert not answer.delivered
    assert "ServerDisconnectedError" in (answer.error or "")
    assert len(seen) == 1


async def test_a_name_that_moves_to_a_forbidden_address_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def moving(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    monkeypatch.setattr(addresses, "look_up", moving)
    async with server(fine) as port:
        url = f"http://moving.example:{port}/"
        assert (await post(url)).delivered
        assert len(answers) == 1
        refused = await post(url)
    assert "169.254.169.254" in (refused.error or "")


async def test_a_connection_that_was_closed_meanwhile_costs_no_try() -> None:
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"{}")
        served += 1
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        await reader.readuntil(b"{}")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    client = WebhookClient(AddressPolicy(LOOPBACK))
    answers = [await client.post(url, b"{}", {}) for _ in range(5)]
    await client.close()
    listener.close()
    assert [answer.status for answer in answers] == [204] * 5
    assert served == 5


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://no-such-host.invalid/", "not a url", "ftp://a/b"]
)
async def test_whatever_fails_is_an_answer(url: str) -> None:
    answer = await post(url)
    assert answer.status is None
    assert answer.error
