"""Promises P13 to P16 on processes: stops, freezes, stuck loops and handlers, a broker that goes away.

Both kinds of handlers. What is handled is counted without deduplication, so a clean stop that hands a
record over twice is seen with the raw kind too.
"""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from lineshaft.tools.stack.apache_kafka import ApacheKafka
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.infrastructure import Infrastructure
from tests.chaos.proving import Proving, until

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(180)]

KINDS = pytest.mark.parametrize("kind", ["raw", "transactional"])
BATCH = 20
STOP_SECONDS = 30
HANDLING_SECONDS = "0.2"
PUBLISHED, EVERY = 24, 0.5
"""Half of what one process handles: there is always work, and what waits does not grow for ever."""


async def stop(child: Child) -> float:
    """SIGTERM; seconds until it has ended with code 0."""
    started = time.monotonic()
    await asyncio.to_thread(child.stop, STOP_SECONDS)
    assert child.exit_code == 0, child.last_log_lines()
    return time.monotonic() - started


async def keep_publishing(proving: Proving, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await proving.publish(PUBLISHED)
        await asyncio.sleep(EVERY)


async def stop_at_random_moments(proving: Proving, rounds: int, seed: int) -> None:
    """Rolling restarts: sometimes the next process is there before the last one goes."""
    moments = random.Random(seed)  # noqa: S311
    stopping = asyncio.Event()
    publishing = asyncio.create_task(keep_publishing(proving, stopping))
    running = await proving.start("round-0", PROVE_SECONDS=HANDLING_SECONDS)
    for number in range(1, rounds + 1):
        await asyncio.sleep(moments.uniform(0, 2))
        rolling = moments.random() < 0.5
        if rolling:
            following = await proving.start(f"round-{number}", PROVE_SECONDS=HANDLING_SECONDS)
        await stop(running)
        if not rolling:
            following = await proving.start(f"round-{number}", PROVE_SECONDS=HANDLING_SECONDS)
        running = following
    stopping.set()
    await publishing
    await stop(running)
    last = await proving.start("last")
    handled = await proving.until_handled(seconds=300)
    await stop(last)

    assert handled == Counter(proving.published), "a clean stop neither loses nor doubles"
    assert await proving.overlapping() == 0


async def test_sigterm_at_random_moments(infrastructure: Infrastructure) -> None:
    async with Proving(infrastructure, "raw") as proving:
        await stop_at_random_moments(proving, rounds=2, seed=7)


@KINDS
@pytest.mark.nightly
@pytest.mark.timeout(1800)
async def test_sigterm_at_a_hundred_random_moments(infrastructure: Infrastructure, kind: str) -> None:
    async with Proving(infrastructure, kind) as proving:
        await stop_at_random_moments(proving, rounds=100, seed=11)


async def test_a_handler_that_does_not_end_is_cancelled_when_the_process_stops(
    infrastructure: Infrastructure, tmp_path: Path
) -> None:
    async with Proving(infrastructure, "transactional") as proving:
        await proving.publish(3)
        child = await proving.start(
            PROVE_HOW="never returns", PROVE_MARK=str(tmp_path / "mark"), LINESHAFT_SHUTDOWN_SECONDS="5"
        )
        await until("it is in the handler", lambda: _exists(tmp_path / "mark"))
        assert await stop(child) < 7
        child.start_again()
        assert await proving.until_handled() == Counter(proving.published)


@pytest.mark.parametrize(("kind", "how"), [("raw", "blocks the loop"), ("transactional", "never returns")])
async def test_the_watchdog_ends_a_stuck_process_and_the_next_one_does_the_work(
    infrastructure: Infrastructure, kind: str, how: str, tmp_path: Path
) -> None:
    async with Proving(infrastructure, kind) as proving:
        child = await proving.start(watchdog_seconds=3, PROVE_HOW=how, PROVE_MARK=str(tmp_path / "mark"))
        await proving.publish(40)
        handled = await proving.until_handled(seconds=60)
        log = proving.log_of()

        assert handled == Counter(proving.published)
        assert child.restarts == 1
        assert any("ended with code 70" in one for one in proving.progress.said)
        assert "most recent call first" in log
        reason = "does not turn" if how == "blocks the loop" else "records wait"
        assert reason in log


async def broker_goes_away(
    infrastructure: Infrastructure, kind: str, *, away: float, watchdog: float
) -> None:
    """Frozen, then killed, then frozen once more while the process is asked to stop."""
    kafka = infrastructure.kafka
    assert isinstance(kafka, ApacheKafka)
    async with Proving(infrastructure, kind) as proving:
        child = await proving.start(
            watchdog_seconds=watchdog, PROVE_SECONDS="0.3", LINESHAFT_SHUTDOWN_SECONDS="6"
        )
        pid = child.pid
        for go, come_back in (
            (kafka.child.freeze, kafka.child.thaw),
            (kafka.kill, kafka.start),
        ):
            done = len(proving.published)
            await proving.publish(100)
            await proving.until_handled(proving.published[done : done + BATCH])
            await asyncio.to_thread(go)
            try:
                await asyncio.sleep(away)
            finally:
                await asyncio.to_thread(come_back)
            await proving.publish(20)
            handled = await proving.until_handled(seconds=45)
            assert child.pid == pid, "it goes on by itself"
            doubled = sum(handled.values()) - len(proving.published)
            assert doubled <= (0 if kind == "transactional" else 2 * BATCH)

        done = len(proving.published)
        await proving.publish(100)
        await proving.until_handled(proving.published[done : done + BATCH])
        kafka.child.freeze()
        try:
            assert await stop(child) < 9
        finally:
            kafka.child.thaw()
        await proving.start("next")
        assert set(await proving.until_handled()) == set(proving.published)


async def test_consumption_goes_on_when_the_broker_comes_back(infrastructure: Infrastructure) -> None:
    """Away for longer than a session, and than the watchdog waits where the broker answers."""
    await broker_goes_away(infrastructure, "transactional", away=7, watchdog=6)


@KINDS
@pytest.mark.nightly
@pytest.mark.timeout(600)
async def test_consumption_goes_on_after_a_long_absence_of_the_broker(
    infrastructure: Infrastructure, kind: str
) -> None:
    await broker_goes_away(infrastructure, kind, away=40, watchdog=60)


async def test_a_process_that_slept_through_its_session_changes_nothing(
    infrastructure: Infrastructure,
) -> None:
    """SIGSTOP in the middle of a handler: another one takes over, then the first wakes up."""
    async with Proving(infrastructure, "transactional") as proving:
        sleeper = await proving.start("sleeper", PROVE_SECONDS="0.3")
        await proving.publish(240)
        await proving.until_handled(proving.published[:1])
        sleeper.freeze()
        other = await proving.start("other")
        await asyncio.sleep(7)
        sleeper.thaw()
        await proving.publish(24)
        assert await proving.until_handled() == Counter(proving.published)
        await stop(other)
        await stop(sleeper)


async def _exists(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)
