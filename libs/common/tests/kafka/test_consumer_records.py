"""Records that nobody can process, and errors at every step, for both kinds of handlers."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CommitFailedError
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common import topics as registry
from lineshaft.common.errors import RetryableError
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.handed_out import Batch, PartitionProgress
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message, Record
from lineshaft.tools.testing.infrastructure import Topics

from .members import DECODE, TOPIC, Group, Kind, Raw, Requested, names, request, until, until_effects

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

MEGABYTE = 1024 * 1024


async def test_bad_records_are_set_aside_and_their_neighbours_go_on_in_order(
    group: Group, kind: Kind
) -> None:
    good = [f"good-{number}" for number in range(8)]
    bad: list[tuple[bytes | None, list[tuple[str, bytes | None]]]] = [
        (b"{no json", []),
        (b"\xff\xfe", []),
        (b'{"connection_id": "x"}', [("ce_type", b"\xff\xfe")]),
        (b'{"connection_id": "x"}', [("ce_type", None)]),
        (b'{"entities": ["asset"]}', []),
        (b"[" * 100_000, []),
        (None, []),
    ]
    await group.producer.publish([request(good[0])])
    for name, (value, headers) in zip(good[1:], bad, strict=True):
        await group.send_raw(value, headers=headers)
        await group.producer.publish([request(name)])

    async with group.member(kind.handler()):
        await until_effects(kind, set(good))
    letters = await group.dead_letters(6)

    assert await kind.effects() == good
    assert [dict(letter.headers)["dlq_stage"] for letter in letters] == [b"decode"] * 6
    assert [letter.value for letter in letters] == [value for value, _ in bad[:-1]]
    assert sum((await group.committed()).values()) == 15


async def group_that_takes_large_records(bootstrap_servers: str) -> Group:
    topics = Topics(bootstrap_servers, f"{new_id('test')}.")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    large = {"max.message.bytes": str(16 * MEGABYTE)}
    await admin.create_topics(
        [NewTopic(topics.prefix + TOPIC.name, TOPIC.partitions, 1, topic_configs=large)]
    )
    await admin.close()
    await create_topics(bootstrap_servers, topics.prefix, 1, [registry.DEAD_LETTERS])
    producer = Producer(bootstrap_servers, topics.prefix, "test")
    await producer.start()
    return Group(topics, producer)


async def test_records_of_5_mb_are_set_aside_truncated_and_the_fetch_goes_on(
    bootstrap_servers: str, kind: Kind
) -> None:
    group = await group_that_takes_large_records(bootstrap_servers)
    keys = [f"key-{number}" for number in range(12)]
    for key in keys:
        await group.producer.publish([request(f"{key}-before", key)])
        padding = b" " * 5 * MEGABYTE
        await group.send_raw(b'{"connection_id": "large"' + padding + b"}", key=key.encode())
        await group.producer.publish([request(f"{key}-after", key)])

    async with group.member(kind.handler()):
        await until_effects(kind, {f"{key}-{side}" for key in keys for side in ("before", "after")}, 60)
    letters = await group.dead_letters(len(keys))
    await group.producer.stop()

    assert len(await kind.effects()) == 2 * len(keys)
    assert {len(letter.value) for letter in letters} == {1_000_000}
    assert all(dict(letter.headers)["dlq_truncated"] == b"true" for letter in letters)
    assert sum((await group.committed()).values()) == 3 * len(keys)


async def test_a_record_with_large_headers_and_a_large_key_is_set_aside_too(bootstrap_servers: str) -> None:
    group = await group_that_takes_large_records(bootstrap_servers)
    raw = Raw()
    await group.send_raw(
        b"{no json" + b" " * MEGABYTE,
        headers=[("big", b"h" * 2 * MEGABYTE), ("small", b"kept")],
        key=b"k" * MEGABYTE,
    )
    await group.producer.publish([request("after", "other-key")])

    async with group.member(raw.handler()):
        await until_effects(raw, {"after"})
        [letter] = await group.dead_letters(1)
    await group.producer.stop()

    headers = dict(letter.headers)
    assert headers["dlq_truncated"] == b"true"
    assert headers["small"] == b"kept"
    assert letter.value.startswith(b"{no json")


@pytest.mark.parametrize(
    "failing", ["decode", "before the effect", "after the effect", "dead letter", "commit"]
)
async def test_an_error_at_any_step_loses_no_record(  # noqa: C901  a branch per step
    group: Group, kind: Kind, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [f"record-{number}" for number in range(10)]
    poison = "record-4"
    left = {"dead letter": 2, "commit": 1}

    def decode(record: Record) -> Requested | None:
        event = DECODE(record)
        if failing in {"decode", "dead letter"} and event is not None and event.data.connection_id == poison:
            raise ZeroDivisionError("a fault of the decoder")
        return event

    async def step(events: Sequence[Requested]) -> None:
        if failing == "after the effect" and poison in names(events):
            raise ZeroDivisionError("a fault of the handler")

    handle = kind.handler(step=step)

    async def guarded(events: Sequence[Requested]) -> None:
        if failing == "before the effect" and poison in names(events):
            raise ZeroDivisionError("a fault of the handler")
        await handle(events)

    class Hampered(Producer):
        async def publish(self, messages: Sequence[Message]) -> None:
            if left["dead letter"] and failing == "dead letter":
                left["dead letter"] -= 1
                raise RetryableError("Kafka is away")
            await group.producer.publish(messages)

    await group.producer.publish([request(name) for name in wanted])
    hampered = Hampered(group.topics.bootstrap_servers, group.topics.prefix, "test")
    async with group.member(guarded, decode=decode, producer=hampered) as subscription:
        if failing == "commit":
            consumer: Any = subscription.consumer
            commit = consumer.commit

            async def hampered_commit(offsets: Any) -> None:
                if left["commit"]:
                    left["commit"] -= 1
                    raise CommitFailedError("once")
                await commit(offsets)

            monkeypatch.setattr(consumer, "commit", hampered_commit)
        aside = set() if failing == "commit" else {poison}
        await until_effects(kind, set(wanted) - aside)
        await group.producer.publish([request("last")])
        await until_effects(kind, {"last"})
        if aside:
            [letter] = await group.dead_letters(1)
            assert b"ZeroDivisionError" in dict(letter.headers)["dlq_error"]

    assert await kind.effects() == [*(name for name in wanted if name not in aside), "last"]
    assert sum((await group.committed()).values()) == len(wanted) + 1


async def test_nothing_behind_what_was_given_up_is_handled_or_committed(group: Group, kind: Kind) -> None:
    """A stopping subscription goes on to get records until its broker stops it."""
    entered = asyncio.Event()

    async def step(events: Sequence[Requested]) -> None:
        if "bad" in names(events):
            entered.set()
            raise RetryableError("Postgres is away")

    await group.producer.publish([request("first"), request("bad"), *(request(f"{n}") for n in range(50))])
    async with group.member(kind.handler(step=step), max_records=1) as subscription:
        await asyncio.wait_for(entered.wait(), 30)
        subscription.stop()
        await asyncio.sleep(1)

    assert await kind.effects() == ["first"]
    assert sum((await group.committed()).values()) == 1

    async with group.member(kind.handler()):
        await until_effects(kind, {"first", "bad", *(f"{n}" for n in range(50))})
    assert await kind.effects() == ["first", "bad", *(f"{n}" for n in range(50))]


@pytest.mark.parametrize("seed", [1, 17, 33, 50])
async def test_what_was_done_of_a_batch_that_is_given_up_is_committed(group: Group, seed: int) -> None:
    """A batch is split for one bad record, then another one keeps failing: the prefix before it counts."""
    raw = Raw()
    stuck = asyncio.Event()
    wanted = [f"{number:03}" for number in range(60)]
    await group.producer.publish([request(name) for name in wanted])

    async def step(events: Sequence[Requested]) -> None:
        if len(events) > 1:
            raise ZeroDivisionError("look at them one by one")
        if names(events) == [wanted[seed]]:
            stuck.set()
            raise RetryableError("Postgres is away")

    async with group.member(raw.handler(step=step)):
        await asyncio.wait_for(stuck.wait(), 30)
    assert await raw.effects() == wanted[:seed]
    assert sum((await group.committed()).values()) == seed

    async with group.member(raw.handler()):
        await until_effects(raw, set(wanted))
    assert await raw.effects() == wanted


@given(
    partitions=st.lists(st.integers(0, 2), min_size=1, max_size=40),
    data=st.data(),
)
def test_only_the_contiguous_finished_prefix_of_each_partition_is_committed(
    partitions: list[int], data: st.DataObject
) -> None:
    batch = Batch()
    offsets = [10, 20, 30]
    states = [PartitionProgress(offset) for offset in offsets]
    for partition in partitions:
        record = Record("t", partition, offsets[partition], None, None)
        batch.add(record, TopicPartition("t", partition), states[partition])
        # Compaction leaves holes.
        offsets[partition] += data.draw(st.integers(1, 3))
    batch.done = data.draw(st.sets(st.integers(0, len(partitions) - 1)))

    ends = batch.ends()

    for partition in set(partitions):
        of_partition = [
            (index, record) for index, record in enumerate(batch.records) if record.partition == partition
        ]
        prefix = []
        for index, record in of_partition:
            if index not in batch.done:
                break
            prefix.append(record)
        expected = prefix[-1].offset + 1 if prefix else None
        assert ends.get(TopicPartition("t", partition)) == expected


async def test_lag_is_known_before_anything_was_fetched(group: Group) -> None:
    """What the client knows of the ends is as old as its last fetch; a fetch that is stuck has none."""
    raw = Raw()
    async with group.member(raw.handler()) as subscription:
        consumer: Any = subscription.consumer
        await until("joined", lambda: _joined(subscription))
        consumer.pause(*consumer.assignment())
        await group.producer.publish([request(f"{number}") for number in range(7)])
        assert await subscription.lag() == 7
        consumer.resume(*consumer.assignment())
        await until_effects(raw, {f"{number}" for number in range(7)})

        async def no_lag() -> bool:
            return await subscription.lag() == 0

        await until("no lag", no_lag)


async def _joined(subscription: Any) -> bool:
    return bool(subscription.assigned())
