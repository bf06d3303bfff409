"""Idle connections are not used again so late that the server may just be closing them."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpcore
import pytest
import pytest_asyncio

from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.http.client import create_client

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CLOSED_BY_MANY_SERVERS = 5.0


class Server:
    """Keeps every connection open, and counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            writer.write(ANSWER)
            await writer.drain()
        writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    served = Server()
    listening = await asyncio.start_server(served.answer, "127.0.0.1", 0)
    served.port = listening.sockets[0].getsockname()[1]
    yield served
    listening.close()


@pytest.mark.parametrize(("idle", "connections"), [(1.0, 1), (CLOSED_BY_MANY_SERVERS - 0.5, 2)])
async def test_an_idle_connection_is_used_again_soon_or_never(
    server: Server, monkeypatch: pytest.MonkeyPatch, idle: float, connections: int
) -> None:
    ahead = 0.0
    real = time.monotonic

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return real() + ahead

    monkeypatch.setattr(httpcore._async.http11, "time", Clock)
    async with create_client(AddressPolicy(["127.0.0.0/8"])) as client:
        for _ in range(2):
            assert (await client.get(f"http://127.0.0.1:{server.port}/")).text == "ok"
            ahead += idle
    assert server.connections == connections
