"""P1 to P3 at the receiver of webhooks: kills and freezes of monitor, notifier, Kafka and Postgres."""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Outcome
from lineshaft.tools.stack.apache_kafka import ApacheKafka
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from tests.chaos.history import History, check
from tests.chaos.notifying import IN_FLIGHT, STORY, Notifying, expected, in_order_of_connections

pytestmark = [pytest.mark.chaos, pytest.mark.integration]


@pytest.fixture
def own_infrastructure() -> Iterator[Infrastructure]:
    """Durable: its Postgres is killed."""
    layout = Layout.discover(f"webhooks-{os.getpid()}")
    with Infrastructure(layout, progress=Progress(quiet=True)) as infrastructure:
        yield infrastructure


async def disturb(
    notifying: Notifying, victims: list[str], moments: random.Random, done: asyncio.Event, pause: float
) -> int:
    """Kill or freeze one victim after the other; how often."""
    faults = 0
    while not done.is_set():
        for victim in victims:
            await asyncio.sleep(moments.uniform(0.3, 2) * pause)
            if done.is_set():
                break
            await _hurt(notifying, victim, moments)
            faults += 1
    return faults


async def _hurt(notifying: Notifying, victim: str, moments: random.Random) -> None:
    kill = moments.random() < 0.5
    kafka, postgres = notifying.infrastructure.kafka, notifying.infrastructure.postgres
    assert isinstance(kafka, ApacheKafka)
    if victim in notifying.services:
        child = notifying.services[victim]
    else:
        child = kafka.child if victim == "kafka" else postgres.child
    if not kill:
        if child.running:
            child.freeze()
            await asyncio.sleep(moments.uniform(0.5, 8))
            child.thaw()
    elif victim in notifying.services:
        child.kill()
    elif victim == "kafka":
        await asyncio.to_thread(kafka.kill)
        await asyncio.to_thread(kafka.start)
    else:
        await asyncio.to_thread(postgres.kill)
        await asyncio.to_thread(postgres.start)


async def tell_the_story(
    notifying: Notifying, connections: list[str], seconds: float, *, waves: int = 1
) -> None:
    """The connections go through it one wave after the other, so that faults meet every part of it."""
    size = -(-len(connections) // waves)
    for start in range(0, len(connections), size):
        wave = connections[start : start + size]
        told = start + len(wave)
        await notifying.describe(wave)
        await notifying.until_delivered(STORY[0], told, seconds)
        await notifying.called(wave, Outcome.CREDENTIALS_REJECTED, 1)
        await notifying.until_delivered(STORY[1], told, seconds)
        await notifying.called(wave, Outcome.OK, 2)
        await notifying.until_delivered(STORY[2], told, seconds)


async def run(
    infrastructure: Infrastructure,
    folder: Path,
    victims: list[str],
    *,
    connections: int,
    seed: int,
    pause: float,
    seconds: float,
    waves: int = 1,
) -> None:
    history = History(folder / "webhooks.jsonl")
    notifying = Notifying(infrastructure, history)
    names = [new_id("con") for _ in range(connections)]
    await notifying.open()
    try:
        async with notifying.receiver():
            done = asyncio.Event()
            moments = random.Random(seed)  # noqa: S311
            disturbing = asyncio.create_task(disturb(notifying, victims, moments, done, pause))
            try:
                await tell_the_story(notifying, names, seconds, waves=waves)
            finally:
                done.set()
                faults = await disturbing
            history.append(expected(names))
            history.append(await notifying.stored())
        verdict = check(history.read())
        assert verdict.faults == {}
        assert check(in_order_of_connections(history.read())).reordered == []
        assert faults >= len(victims) or not victims
        assert len(verdict.duplicated) <= faults * IN_FLIGHT
        print(f"faults {faults}, webhooks {notifying.received}, doubled {len(verdict.duplicated)}")  # noqa: T201
    finally:
        await notifying.close()


@pytest.mark.timeout(120)
async def test_kills_of_monitor_and_notifier(infrastructure: Infrastructure, tmp_path: Path) -> None:
    victims = ["notifier", "health_monitor"]
    await run(infrastructure, tmp_path, victims, connections=150, seed=3, pause=0.5, seconds=90)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
async def test_ten_thousand_events_while_everything_is_killed_or_frozen(
    own_infrastructure: Infrastructure, tmp_path: Path
) -> None:
    victims = ["notifier", "health_monitor", "kafka", "notifier", "postgres"]
    await run(
        own_infrastructure, tmp_path, victims, connections=3_400, seed=5, pause=1, seconds=900, waves=20
    )
