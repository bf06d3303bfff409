"""Takes work as it becomes due and does a bounded number of pieces at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from lineshaft.common.errors import RetryableError
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import RETRYABLE

POLL_SECONDS = 1.0
TROUBLE_SECONDS = 2.0

T = TypeVar("T")

log = logger(__name__)


class Bell:
    """Rung when there may be work; what is rung while nobody waits is not lost."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._event.clear()


class Dispatcher(Generic[T]):
    """`take` gives the next leased piece of work or None; `work` sees it through."""

    def __init__(
        self,
        name: str,
        take: Callable[[], Awaitable[T | None]],
        work: Callable[[T, asyncio.Event], Awaitable[None]],
        *,
        slots: int,
    ) -> None:
        self.bell = Bell()
        self._name = name
        self._take = take
        self._work = work
        self._slots = slots
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`; then what was taken is finished."""
        waker = asyncio.create_task(self._wake_at(stopping))
        try:
            while not stopping.is_set():
                await self.bell.wait(await self._fill(stopping))
            await asyncio.gather(*self._running)
        finally:
            waker.cancel()
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _fill(self, stopping: asyncio.Event) -> float:
        try:
            while len(self._running) < self._slots and not stopping.is_set():
                item = await self._take()
                if item is None:
                    break
                task = asyncio.create_task(self._see_through(item, stopping), name=self._name)
                self._running.add(task)
                task.add_done_callback(self._done)
        except (*RETRYABLE, RetryableError) as error:
            log.warning("nothing_taken", dispatcher=self._name, error=repr(error))
            return TROUBLE_SECONDS
        return POLL_SECONDS

    async def _see_through(self, item: T, stopping: asyncio.Event) -> None:
        try:
            await self._work(item, stopping)
        except Exception:
            log.exception("work_failed", dispatcher=self._name)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.bell.ring()

    async def _wake_at(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self.bell.ring()
