import asyncio
from collections.abc import Callable

import pytest

from lineshaft.common.errors import RetryableError
from lineshaft.connector.workers import dispatcher
from lineshaft.connector.workers.dispatcher import Dispatcher


class Work:
    """A queue of pieces, and how many were in hand at once."""

    def __init__(self, pieces: int) -> None:
        self.waiting = list(range(pieces))
        self.done: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.trouble = 0
        self.go_on = asyncio.Event()

    async def take(self) -> int | None:
        if self.trouble:
            self.trouble -= 1
            raise RetryableError("Postgres is away")
        return self.waiting.pop(0) if self.waiting else None

    async def do(self, piece: int, _: asyncio.Event) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.go_on.wait()
        self.at_once -= 1
        if piece == 1:
            raise ValueError("a fault of ours")
        self.done.append(piece)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def run(work: Work, *, full: int, done: int) -> None:
    """Let `full` pieces be in hand before any goes on; stop when `done` of them are done."""
    stopping = asyncio.Event()
    running = asyncio.create_task(Dispatcher("test", work.take, work.do, slots=3).run(stopping))
    await until(lambda: work.at_once == full)
    work.go_on.set()
    await until(lambda: len(work.done) == done)
    stopping.set()
    await asyncio.wait_for(running, 20)


async def test_no_more_at_once_than_slots_and_a_fault_stops_nobody() -> None:
    work = Work(7)
    await run(work, full=3, done=6)
    assert work.most_at_once == 3
    assert sorted(work.done) == [0, 2, 3, 4, 5, 6]


async def test_what_was_taken_is_finished_when_stopping() -> None:
    work = Work(5)
    stopping = asyncio.Event()
    running = asyncio.create_task(Dispatcher("test", work.take, work.do, slots=2).run(stopping))
    await until(lambda: work.at_once == 2)
    stopping.set()
    await asyncio.sleep(0.05)
    assert not running.done()
    work.go_on.set()
    await running
    assert (work.done, work.waiting) == ([0], [2, 3, 4])


async def test_trouble_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "TROUBLE_SECONDS", 0.01)
    work = Work(2)
    work.trouble = 2
    await run(work, full=2, done=1)
    assert work.done == [0]


async def test_a_bell_rung_early_is_heard() -> None:
    work = Work(0)
    working = Dispatcher("test", work.take, work.do, slots=1)
    stopping = asyncio.Event()
    work.go_on.set()
    running = asyncio.create_task(working.run(stopping))
    await asyncio.sleep(0.05)
    work.waiting.append(9)
    working.bell.ring()
    await until(lambda: work.done == [9])
    stopping.set()
    await running
