"""A vendor's own Kafka client: nothing of Lineshaft in it but topic names."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


def publish_sync_request(bootstrap: str, prefix: str, request: dict[str, Any]) -> None:
    """Plain JSON, no special headers."""

    async def publish() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await producer.start()
        try:
            await producer.send_and_wait(f"{prefix}sync.requests", json.dumps(request).encode())
        finally:
            await producer.stop()

    asyncio.run(publish())


def consume(
    bootstrap: str,
    topics: list[str],
    *,
    until: Callable[[list[dict[str, Any]]], bool],
    seconds: float,
) -> list[dict[str, Any]]:
    """The data of all events on these topics from the beginning, until enough was seen.

    Raises:
        TimeoutError: not enough came in time.
    """

    async def read() -> list[dict[str, Any]]:
        consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        seen: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        try:
            while not until(seen):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{len(seen)} events within {seconds:.0f} s were not what was awaited")
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    seen += [json.loads(record.value) for record in records if record.value]
        finally:
            await consumer.stop()
        return seen

    return asyncio.run(read())
