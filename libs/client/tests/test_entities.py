import asyncio
from decimal import Decimal

import pytest

from lineshaft.client.entities import EntityEvent, consume
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.tools.testing.infrastructure import Topics

pytestmark = pytest.mark.integration


def told(entity: str, revision: int, kind: str = "upserted") -> Message:
    headers = (("ce_id", b"evt_%d" % revision), ("ce_type", f"lineshaft.entity.{kind}".encode()))
    document = b'{"revision": %d, "count": 1234567890123456789.10}' % revision
    return Message(f"entities.{entity}", b"con_1/abc", document, headers)


async def read(topics: Topics, producer: Producer, entity: str, group_id: str | None) -> list[EntityEvent]:
    """What there is, and then what comes: two batches at least."""
    found: list[EntityEvent] = []
    async with (
        asyncio.timeout(30),
        consume(
            [entity], bootstrap_servers=topics.bootstrap_servers, group_id=group_id, prefix=topics.prefix
        ) as consumer,
    ):
        async for batch in consumer.batches():
            found += batch
            if found[-1].deleted:
                break
            await producer.publish(
                [told(entity, 2, "deleted"), Message(f"entities.{entity}", b"con_1/abc", None)]
            )
    return found


@pytest.mark.parametrize(("entity", "group_id"), [("item", None), ("asset", "mine")])
async def test_entities_come_as_they_change_with_a_group_and_without(
    topics: Topics, producer: Producer, entity: str, group_id: str | None
) -> None:
    await producer.publish([told(entity, 1)])
    first, last = await read(topics, producer, entity, group_id and topics.prefix + group_id)
    assert (first.connection_id, first.entity_id, first.revision, first.deleted) == ("con_1", "abc", 1, False)
    assert first.document["count"] == Decimal("1234567890123456789.10"), "as the API gives it"
    assert (last.id, last.deleted) == ("evt_2", True)
