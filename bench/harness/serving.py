"""The least HTTP/1.1 server that keeps connections alive, so that it costs the machine little."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeAlias

Answer: TypeAlias = Callable[[str, str, bytes], bytes | None]
"""Method, target and body to a JSON body; None is an answer 204."""


class Connection(asyncio.Protocol):
    """Requests come one after another."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            method, target, _ = lines[0].split(" ")
            self._reply(self._answer(method, target, body))

    def _reply(self, body: bytes | None) -> None:
        if body is None:
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            return
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        self._transport.write(body)


def serve(answer: Answer, connection: type[Connection] = Connection) -> None:
    """Prints the port and runs until it is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: connection(answer), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await server.serve_forever()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())
