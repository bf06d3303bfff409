import asyncio

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


async def run(work: Work, seconds: float, *, slots: int = 3) -> asyncio.Event:
    stopping = asyncio.Event()
    running = asyncio.create_task(Dispatcher("test", work.take, work.do, slots=slots).run(stopping))
    await asyncio.sleep(seconds)
    work.go_on.set()
    await asyncio.sleep(seconds)
    stopping.set()
    await asyncio.wait_for(running, 5)
    return stopping


async def test_no_more_at_once_than_slots_and_a_fault_stops_nobody() -> None:
    work = Work(7)
    await run(work, 0.1)
    assert work.most_at_once == 3
    assert sorted(work.done) == [0, 2, 3, 4, 5, 6]


async def test_what_was_taken_is_finished_when_stopping() -> None:
    work = Work(5)
    stopping = asyncio.Event()
    running = asyncio.create_task(Dispatcher("test", work.take, work.do, slots=2).run(stopping))
    await asyncio.sleep(0.05)
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
    await run(work, 0.2)
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
    await asyncio.sleep(0.05)
    assert work.done == [9]
    stopping.set()
    await running
