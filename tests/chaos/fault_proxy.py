"""A TCP proxy that does what networks do: delay, cut, reset, swallow."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024


class Fault(StrEnum):
    NONE = "none"
    LATENCY = "latency"
    CUT = "cut"
    RESET = "reset"
    BLACK_HOLE = "black_hole"


@dataclass(slots=True)
class FaultProxy:
    """Listens on a loopback port and forwards to `host:port`; the fault may change at any time.

    LATENCY delays each chunk by `seconds`. CUT ends each connection after `bytes_before_cut` answered bytes.
    RESET ends connections, present and new, with RST. BLACK_HOLE keeps them open and forwards nothing.
    """

    host: str
    port: int
    fault: Fault = Fault.NONE
    seconds: float = 0.2
    bytes_before_cut: int = 1000
    listen_port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shut()

    async def listen(self) -> None:
        """On the same port as before, if it was shut meanwhile."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.listen_port)
        self.listen_port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """The port is closed; connections that are open end with RST."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            _reset(writer)

    def set(self, fault: Fault) -> None:
        self.fault = fault
        if fault is Fault.RESET:
            for writer in list(self._writers):
                _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault is Fault.RESET:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            _reset(writer)
            return
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(
                self._pump(reader, far_writer, answers=False), self._pump(far_reader, writer, answers=True)
            )
        finally:
            for one in (writer, far_writer):
                self._writers.discard(one)
                one.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        left = self.bytes_before_cut
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(CHUNK):
                while self.fault is Fault.BLACK_HOLE:
                    await asyncio.sleep(0.05)
                if self.fault is Fault.LATENCY:
                    await asyncio.sleep(self.seconds)
                if self.fault is Fault.CUT and answers:
                    chunk = chunk[:left]
                    left -= len(chunk)
                writer.write(chunk)
                await writer.drain()
                if self.fault is Fault.CUT and answers and left <= 0:
                    break
        with contextlib.suppress(ConnectionError, RuntimeError):
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    endpoint = writer.get_extra_info("socket")
    if endpoint is not None and not writer.is_closing():
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
