"""Who is stuck and who is not; the ends of real processes are in tests/chaos."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from lineshaft.common.kafka.consumer import REBALANCE_TIMEOUT_MS
from lineshaft.common.kafka.watchdog import PATIENCE, Watchdog
from lineshaft.common.metrics import METRICS

SECONDS = 10.0


class EndedError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Member:
    """A subscription as far as the watchdog looks at it; times are seconds ago."""

    waiting: int | None
    life: float = 0
    progress: float = 0
    out: float | None = None
    halted: bool = False
    name: str = "requests"

    @property
    def last_life(self) -> float:
        return time.monotonic() - self.life

    @property
    def last_progress(self) -> float:
        return time.monotonic() - self.progress

    @property
    def out_since(self) -> float | None:
        return None if self.out is None else time.monotonic() - self.out

    async def lag(self) -> int | None:
        return self.waiting


async def ends(member: Any, monkeypatch: pytest.MonkeyPatch, *, waiting: float = 1e6) -> bool:
    def end(_: Watchdog, why: str) -> None:
        raise EndedError(why)

    monkeypatch.setattr(Watchdog, "_end", end)
    watchdog = Watchdog("test", [], SECONDS)
    try:
        await watchdog._check(member, time.monotonic() - waiting)
    except EndedError:
        return True
    return False


OUT = SECONDS + REBALANCE_TIMEOUT_MS / 1000


@pytest.mark.parametrize(
    ("member", "stuck"),
    [
        (Member(0, life=1e6, progress=1e6), False),
        (Member(5, life=SECONDS + 1, progress=SECONDS + 1), True),
        (Member(5, life=SECONDS - 1, progress=SECONDS - 1), False),
        # Its database is away: it tries again and again.
        (Member(5, life=1, progress=SECONDS * 5), False),
        (Member(5, life=1, progress=SECONDS * PATIENCE + 1), True),
        # It has stopped for good, and keeps its place.
        (Member(5, life=1e6, progress=1e6, halted=True), False),
        # The broker does not answer.
        (Member(None, life=1e6, progress=1e6, out=1e6), False),
        # Without a share for longer than a rebalance takes, though nothing of it is known to wait.
        (Member(0, out=OUT + 1), True),
        (Member(0, out=OUT - 1), False),
    ],
)
async def test_who_is_stuck(member: Member, stuck: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    assert await ends(member, monkeypatch) is stuck


async def test_records_that_came_a_moment_ago_are_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happened for hours because there was nothing to do."""
    assert not await ends(Member(5, life=1e6, progress=1e6), monkeypatch, waiting=1)


async def test_how_long_records_wait_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = METRICS.waiting_seconds.labels("test", "requests")._value
    await ends(Member(5, life=1, progress=7), monkeypatch)
    assert told.get() == pytest.approx(7, abs=1)
    await ends(Member(0), monkeypatch)
    assert told.get() == 0
