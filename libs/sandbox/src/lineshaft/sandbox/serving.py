"""Ports in one process; the interface's can be closed and opened again."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Quiet(uvicorn.Server):
    """Signals are taken by whoever runs the servers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Port:
    def __init__(
        self, app: ASGIApp, host: str, port: int, *, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        """`tls` says what is shown from the next opening on."""
        self._tls = tls
        self._app = app
        self._host = host
        self._port = port
        self._server: _Quiet | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        return self._serving is not None

    async def open(self) -> None:
        if self._serving is not None:
            return
        config = uvicorn.Config(
            self._app,
            host=self._host,
            port=self._port,
            log_config=None,
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        if self._tls is not None:
            config.load()
            config.ssl = self._tls()
        self._server = _Quiet(config)
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._serving.done():
                await self._serving
                raise RuntimeError(f"port {self._port} cannot be opened")
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        for left in list(self._server.server_state.connections):  # TLS waits for the other side's farewell
            if left.transport is not None:
                left.transport.abort()
        await asyncio.sleep(0)
        self._server = self._serving = None


class Doors:
    """Several ports of one interface, open or closed together."""

    def __init__(self, *doors: Port) -> None:
        self._doors = doors

    @property
    def is_open(self) -> bool:
        return all(door.is_open for door in self._doors)

    async def open(self) -> None:
        for door in self._doors:
            await door.open()

    async def close(self) -> None:
        for door in self._doors:
            await door.close()
