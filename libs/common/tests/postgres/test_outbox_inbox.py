"""Effect, inbox row and outbox row commit together, and the relay publishes what was committed."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from aiokafka import AIOKafkaConsumer

from lineshaft.common import topics as registry
from lineshaft.common.errors import DeadLetterError
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import COMMON_PACKAGE, migrate
from lineshaft.common.postgres.outbox import MAX_MESSAGE_BYTES, Relay, add_events, add_messages
from lineshaft.common.postgres.pool import Connection, Pool, create_pool
from lineshaft.tools.testing.infrastructure import Database, Topics

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await create_pool(database.dsn("connector"), size=6, service="test")
    await migrate(pool, COMMON_PACKAGE)
    yield pool
    await pool.execute("truncate outbox, inbox")
    await pool.close()


def requested(number: int) -> Event[SyncRequested]:
    return new_event(
        SyncRequested(connection_id=f"con_{number}"), source="test", key="one", event_id=f"evt_{number}"
    )


async def test_an_event_that_comes_twice_has_its_effect_once(pool: Pool) -> None:
    effects: list[str] = []

    async def effect(tx: Connection, events: Sequence[Event[SyncRequested]]) -> None:
        effects.extend(event.id for event in events)

    handle = transactional(pool, "sub", effect)
    await handle([requested(1), requested(2), requested(1)])
    await handle([requested(2), requested(3)])
    assert effects == ["evt_1", "evt_2", "evt_3"]


async def test_a_failed_effect_leaves_nothing_behind(pool: Pool) -> None:
    async def effect(tx: Connection, events: Sequence[Event[SyncRequested]]) -> None:
        await add_events(tx, events)
        raise ValueError

    with pytest.raises(ValueError):
        await transactional(pool, "sub", effect)([requested(1)])
    assert await pool.fetchval("select count(*) from outbox") == 0
    assert await pool.fetchval("select count(*) from inbox") == 0


async def test_a_message_that_no_broker_takes_is_refused_before_it_holds_up_others(pool: Pool) -> None:
    topic, much = registry.SYNC_REQUESTS.name, b"x" * (MAX_MESSAGE_BYTES + 1)
    for large in (Message(topic, b"one", much), Message(topic, b"one", b"{}", (("traceparent", much),))):
        with pytest.raises(DeadLetterError, match=r"sync\.requests"):
            await add_messages(pool, [large])  # type: ignore[arg-type]  # nothing is executed
    assert await pool.fetchval("select count(*) from outbox") == 0


async def test_two_relays_publish_everything_once_and_in_order(
    pool: Pool, topics: Topics, producer: Producer
) -> None:
    stopping = asyncio.Event()
    relays = [asyncio.create_task(Relay(pool, producer, "test").run(stopping)) for _ in range(2)]
    for start in range(0, 1000, 100):
        async with pool.acquire() as connection, connection.transaction():
            await add_events(connection, [requested(number) for number in range(start, start + 100)])
    consumer = AIOKafkaConsumer(
        topics.prefix + registry.SYNC_REQUESTS.name,
        bootstrap_servers=topics.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            ids = [dict((await consumer.getone()).headers)["ce_id"].decode() for _ in range(1000)]
    finally:
        await consumer.stop()
    stopping.set()
    await asyncio.gather(*relays)
    assert ids == [f"evt_{number}" for number in range(1000)]
    assert await pool.fetchval("select count(*) from outbox") == 0


async def test_a_relay_whose_listener_was_cut_off_listens_again(pool: Pool, producer: Producer) -> None:
    async def listening(other_than: int = 0) -> int:
        query = "select pid from pg_stat_activity where query ilike 'listen%outbox%' and pid <> $1"
        async with asyncio.timeout(20):
            while (pid := await pool.fetchval(query, other_than)) is None:
                await asyncio.sleep(0.05)
        return int(pid)

    stopping = asyncio.Event()
    relay = asyncio.create_task(Relay(pool, producer, "test").run(stopping))
    try:
        first = await listening()
        await pool.execute("select pg_terminate_backend($1)", first)
        assert await listening(first) != first
    finally:
        stopping.set()
        await relay
