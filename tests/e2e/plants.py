"""Many sandboxes in one process, each at a port of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from lineshaft.sandbox.certificates import Certificates
from lineshaft.sandbox.faults import Faults
from lineshaft.sandbox.interface import Interface
from lineshaft.sandbox.plant import PlantSize
from lineshaft.sandbox.sandbox import Request, Sandbox
from lineshaft.sandbox.serving import Port
from lineshaft.tools.stack.ports import LOOPBACK, free_port

SMALL = PlantSize(vendors=12, parts=24, assets=12, purchase_orders=12, work_orders=24)
SECONDS = 20.0

T = TypeVar("T")


class Plant:
    """One sandbox; what is done to it is done in the thread that serves it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._port = free_port()
        self.sandbox = Sandbox(size=SMALL)
        self._app = Interface(self.sandbox).app()
        self._door = Port(self._app, LOOPBACK, self._port)
        self.certificates: Certificates | None = None

    def with_tls(self) -> None:
        """As if started with `--tls-port` alone."""
        shown = self.certificates = Certificates()
        self.close_door()
        self._door = Port(
            self._app, LOOPBACK, self._port, tls=lambda: shown.context(self.sandbox.faults.certificate)
        )
        self.open_door()

    @property
    def network(self) -> dict[str, str]:
        """What the connection's network needs, to reach it as it is now."""
        if self.certificates is None:
            return {}
        return {"ca_certificate": self.certificates.to_trust(self.sandbox.faults.certificate)}

    @property
    def connection_fields(self) -> dict[str, str]:
        scheme = "http" if self.certificates is None else "https"
        return {
            "base_url": f"{scheme}://{LOOPBACK}:{self._port}",
            "username": self.sandbox.username,
            "password": self.sandbox.password,
        }

    @property
    def requests(self) -> list[Request]:
        return list(self.sandbox.requests)

    def fault(self, faults: dict[str, Any]) -> None:
        self._call(self._set(faults))
        if self.certificates is not None:
            self.close_door()
            self.open_door()

    def open_door(self) -> None:
        self._call(self._door.open())

    def close_door(self) -> None:
        self._call(self._door.close())

    def mend(self) -> None:
        """Nothing is wrong any more, and what was deleted is back."""
        self._call(self._reset())
        if self.certificates is not None:
            self.close_door()
        self.open_door()

    async def _set(self, faults: dict[str, Any]) -> None:
        self.sandbox.faults = Faults.model_validate(faults)

    async def _reset(self) -> None:
        self.sandbox.reset()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)


@contextmanager
def plants(names: list[str]) -> Iterator[dict[str, Plant]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="plants", daemon=True)
    thread.start()
    built = {name: Plant(loop) for name in names}
    for plant in built.values():
        plant.open_door()
    try:
        yield built
    finally:
        for plant in built.values():
            plant.close_door()
        asyncio.run_coroutine_threadsafe(_cut_what_is_left(), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()


async def _cut_what_is_left() -> None:
    """A connection that was never wholly open is known to no server."""
    transports = list(asyncio.get_running_loop()._transports.values())  # type: ignore[attr-defined]
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0.1)
