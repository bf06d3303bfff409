"""What the network can do, on the loopback interface."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.outcomes import Outcome, Rung
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.tools.stack.ports import free_port

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CLIENT_HELLO = b"\x01"
LOCAL = AddressPolicy(["127.0.0.0/8"])


@asynccontextmanager
async def a_server(serve: Serve, *, until: bytes = b"\r\n\r\n") -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(until)
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def failure(url: str, *, most_body_bytes: int = 10_000, seconds: float = 0.5) -> NoAnswerError:
    http = SourceHttp(LOCAL, most_body_bytes=most_body_bytes)
    try:
        with pytest.raises(NoAnswerError) as caught:
            await http.post(url, b"{}", {}, seconds=seconds)
    finally:
        await http.close()
    return caught.value


def answering(content: bytes, *, headers: bytes = b"") -> Serve:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%s\r\n" % (len(content), headers))
        writer.write(content)
        await writer.drain()

    return serve


async def test_nobody_listens() -> None:
    error = await failure(f"http://127.0.0.1:{free_port()}")
    assert (error.outcome, error.rung, error.code) == (Outcome.UNREACHABLE, Rung.TCP, "connection_refused")


async def test_a_name_that_does_not_resolve() -> None:
    error = await failure("http://plant.invalid", seconds=10)
    assert (error.outcome, error.rung) == (Outcome.UNREACHABLE, Rung.DNS)


async def test_plain_http_behind_https() -> None:
    async with a_server(answering(b""), until=CLIENT_HELLO) as url:
        error = await failure(url.replace("http", "https"), seconds=5)
    assert (error.outcome, error.rung) == (Outcome.UNREACHABLE, Rung.TLS)


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://169.254.169.254/latest", "http://[::1]:80"])
async def test_addresses_that_are_not_allowed(url: str) -> None:
    error = await failure(url)
    assert (error.outcome, error.code) == (Outcome.CONFIGURATION_ERROR, "address_not_allowed")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "plant", "http://127.0.0.1:99999", "http://a..b"])
async def test_what_is_no_address(url: str) -> None:
    assert (await failure(url)).outcome is Outcome.CONFIGURATION_ERROR


async def test_silence_ends_at_the_deadline() -> None:
    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async with a_server(silent) as url:
        error = await failure(url)
    assert (error.outcome, error.rung) == (Outcome.UNREACHABLE, Rung.TIMEOUT)
    assert error.duration_ms < 2_000


async def test_a_body_that_drips_ends_at_the_deadline() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for __ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with a_server(drip) as url:
        error = await failure(url)
    assert (error.outcome, error.rung) == (Outcome.UNREACHABLE, Rung.TIMEOUT)


async def test_a_connection_that_is_cut() -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf of")
        await writer.drain()

    async with a_server(cut) as url:
        error = await failure(url)
    assert (error.outcome, error.rung, error.code) == (Outcome.UNREACHABLE, Rung.HTTP, "connection_cut")


async def test_a_body_that_is_too_large_is_not_kept() -> None:
    async with a_server(answering(b"x" * 20_000)) as url:
        error = await failure(url)
    assert (error.outcome, error.code) == (Outcome.SOURCE_ERROR, "body_too_large")


async def test_a_small_body_that_unpacks_to_a_large_one() -> None:
    bomb = gzip.compress(b"x" * 5_000_000)
    assert len(bomb) < 10_000
    async with a_server(answering(bomb, headers=b"content-encoding: gzip\r\n")) as url:
        error = await failure(url)
    assert error.code == "body_too_large"


async def test_a_body_that_is_no_gzip() -> None:
    async with a_server(answering(b"plain", headers=b"content-encoding: gzip\r\n")) as url:
        error = await failure(url)
    assert (error.outcome, error.code) == (Outcome.SOURCE_ERROR, "undecodable_body")


async def test_no_cookie_of_one_customer_reaches_another() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: session=secret\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with a_server(serve) as url:
        http = SourceHttp(LOCAL)
        await http.post(url, b"", {})
        await http.post(url, b"", {})
        await http.close()
    assert b"secret" not in seen[0]


@pytest.mark.parametrize("date", ["", "soon", f"Mon, 01 Jan {9:0<30} 00:00:00 GMT"])
def test_a_date_that_is_none_leaves_our_own_clock(date: str) -> None:
    now = datetime(2026, 7, 27, tzinfo=UTC)
    answer = Answer(200, {"date": date, "retry-after": date}, b"", 1.0)
    assert (answer.sent_at(now), answer.retry_at(now)) == (now, None)
