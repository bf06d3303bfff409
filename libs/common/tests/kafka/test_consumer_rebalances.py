"""Rebalances in the middle of handlers: nothing lost, doubled or worked on twice at a time."""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from lineshaft.common.errors import RetryableError
from lineshaft.common.kafka import consumer as consumer_module

from .members import Group, Handling, Kind, Raw, Requested, request, until, until_effects

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

KEYS = [f"key-{number}" for number in range(12)]


def overlaps(handled: Sequence[Handling]) -> list[str]:
    """Records that two handlers had at the same time."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for one in handled:
        for name in one.names:
            spans.setdefault(name, []).append((one.started, one.ended))
    return [
        name
        for name, times in spans.items()
        for (_, ended), (started, _) in itertools.pairwise(sorted(times))
        if started < ended
    ]


def out_of_order(effects: Sequence[str]) -> list[str]:
    """Names (`<key>/<number>`) that came after a higher number of their key."""
    last: dict[str, int] = {}
    late = []
    for name in effects:
        key, _, number = name.partition("/")
        if int(number) < last.get(key, -1):
            late.append(name)
        last[key] = int(number)
    return late


async def produce(group: Group, numbers: range) -> set[str]:
    wanted = []
    for number in numbers:
        wanted += [f"{key}/{number}" for key in KEYS]
        await group.producer.publish([request(f"{key}/{number}", key) for key in KEYS])
        await asyncio.sleep(0.1)
    return set(wanted)


async def test_one_member_becomes_three_and_one_again_while_handlers_work(group: Group, kind: Kind) -> None:
    async def slow(events: Sequence[Requested]) -> None:
        await asyncio.sleep(0.3)

    producing = asyncio.create_task(produce(group, range(50)))
    async with group.member(kind.handler("a", slow), max_records=20):
        await until_effects(kind, {f"{KEYS[0]}/0"})
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(group.member(kind.handler("b", slow), max_records=20))
            await stack.enter_async_context(group.member(kind.handler("c", slow), max_records=20))

            async def all_work() -> bool:
                return {one.member for one in kind.handled} == {"a", "b", "c"}

            await until("all three work", all_work)
            await asyncio.sleep(0.5)
        wanted = await producing
        await until_effects(kind, wanted, 60)

    assert set(await kind.effects()) == wanted
    assert Counter(name for one in kind.handled for name in one.names) == Counter(wanted)
    assert overlaps(kind.handled) == []
    assert out_of_order(await kind.effects()) == []


async def test_a_commit_that_takes_its_time_is_waited_for(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = Raw()
    committing = asyncio.Event()
    await group.producer.publish([request(f"{key}/0", key) for key in KEYS])
    async with group.member(raw.handler("a"), max_records=1) as first:
        consumer: Any = first.consumer
        commit = consumer.commit

        async def slow_commit(offsets: Any) -> None:
            committing.set()
            await asyncio.sleep(0.7)
            await commit(offsets)

        monkeypatch.setattr(consumer, "commit", slow_commit)
        await asyncio.wait_for(committing.wait(), 30)
        async with group.member(raw.handler("b"), max_records=1):
            await until_effects(raw, {f"{key}/0" for key in KEYS})
            await asyncio.sleep(1)

    assert Counter(await raw.effects()) == Counter(f"{key}/0" for key in KEYS)


async def test_what_was_handed_out_and_did_not_arrive_yet_is_not_lost(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastStream has the records between aiokafka's hand-over and our mark; there it is held up."""
    raw = Raw()
    handed_out = asyncio.Event()
    parse = consumer_module._parse

    async def slow_parse(message: Any) -> Any:
        handed_out.set()
        await asyncio.sleep(3)
        return await parse(message)

    monkeypatch.setattr(consumer_module, "_parse", slow_parse)
    await group.producer.publish([request(f"{key}/0", key) for key in KEYS])
    wanted = {f"{key}/{number}" for key in KEYS for number in (0, 1)}
    async with group.member(raw.handler("a")):
        await asyncio.wait_for(handed_out.wait(), 30)
        monkeypatch.setattr(consumer_module, "_parse", parse)
        async with group.member(raw.handler("b")):
            await group.producer.publish([request(f"{key}/1", key) for key in KEYS])
            await until_effects(raw, wanted)

    effects = await raw.effects()
    assert set(effects) == wanted
    assert out_of_order(effects) == []
    assert overlaps(raw.handled) == []


async def test_a_handler_that_only_fails_does_not_hold_up_the_rebalance(group: Group, kind: Kind) -> None:
    """Its database is away: the other member takes over, without waiting for the end of the drain."""
    tried = asyncio.Event()

    async def fails(events: Sequence[Requested]) -> None:
        tried.set()
        raise RetryableError("Postgres is away")

    await group.producer.publish([request(f"{key}/0", key) for key in KEYS])
    async with contextlib.AsyncExitStack() as stack:
        failing = contextlib.AsyncExitStack()
        await stack.enter_async_context(failing)
        await failing.enter_async_context(group.member(kind.handler("a", fails), max_records=1))
        await asyncio.wait_for(tried.wait(), 30)
        await asyncio.sleep(1)
        started = time.monotonic()
        second = await stack.enter_async_context(group.member(kind.handler("b"), max_records=5))

        async def has_work() -> bool:
            return bool(second.assigned())

        await until("the second member has partitions", has_work, 60)
        took = time.monotonic() - started
        await failing.aclose()
        await until_effects(kind, {f"{key}/0" for key in KEYS})

    assert took < 8
    assert Counter(await kind.effects()) == Counter(f"{key}/0" for key in KEYS)


async def test_a_member_that_lost_its_partition_in_the_middle_does_not_commit_for_the_new_owner(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drain ends before the handler does. What it held is handled again, and its end changes nothing."""
    monkeypatch.setattr(consumer_module, "DRAIN_SECONDS", 1.0)
    raw = Raw()
    entered = asyncio.Event()
    slow_once = True

    async def slow(events: Sequence[Requested]) -> None:
        nonlocal slow_once
        if slow_once:
            slow_once = False
            entered.set()
            await asyncio.sleep(6)

    await group.producer.publish([request(f"{key}/0", key) for key in KEYS])
    wanted = {f"{key}/{number}" for key in KEYS for number in (0, 1, 2)}
    async with group.member(raw.handler("a", slow)) as first:
        await asyncio.wait_for(entered.wait(), 30)
        async with group.member(raw.handler("b")) as second:
            await group.producer.publish([request(f"{key}/1", key) for key in KEYS])

            async def moved() -> bool:
                return bool(second.assigned()) and first.assigned().isdisjoint(second.assigned())

            await until("both have a share", moved)
            late: list[tuple[str, int]] = []
            consumer: Any = first.consumer
            commit = consumer.commit

            async def watched(offsets: Any) -> None:
                late.extend((partition.topic, end) for partition, end in offsets.items() if end == 1)
                await commit(offsets)

            monkeypatch.setattr(consumer, "commit", watched)
            await until("the slow handler ended", lambda: _ended(raw, "a"), 30)
            await asyncio.sleep(0.5)
            assert late == []
            await group.producer.publish([request(f"{key}/2", key) for key in KEYS])
            await until_effects(raw, wanted)

    assert sum((await group.committed()).values()) == 3 * len(KEYS)


async def _ended(raw: Raw, member: str) -> bool:
    return any(one.member == member and one.ended - one.started > 5 for one in raw.handled)
