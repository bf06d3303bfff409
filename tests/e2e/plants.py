"""Many sandboxes in one process, each at a port of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

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
        self._door = Port(Interface(self.sandbox).app(), LOOPBACK, self._port)

    @property
    def connection_fields(self) -> dict[str, str]:
        return {
            "base_url": f"http://{LOOPBACK}:{self._port}",
            "username": self.sandbox.username,
            "password": self.sandbox.password,
        }

    @property
    def requests(self) -> list[Request]:
        return list(self.sandbox.requests)

    def fault(self, faults: dict[str, Any]) -> None:
        self._call(self._set(faults))

    def open_door(self) -> None:
        self._call(self._door.open())

    def close_door(self) -> None:
        self._call(self._door.close())

    def mend(self) -> None:
        """Nothing is wrong any more, and what was deleted is back."""
        self._call(self._reset())
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
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()
