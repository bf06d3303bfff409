"""The notifier as it runs. Events on Kafka become stored, signed, posted and recorded deliveries.

Measured from the publishing of the events until the last delivery is on record.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from harness.meter import Meter, spec
from harness.webhooks import ENDPOINTS, SECRET, an_event
from pydantic import SecretStr

from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.envelope import encode, new_event
from lineshaft.common.events.model import EventData
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.record import Message
from lineshaft.common.logs import configure
from lineshaft.common.postgres.pool import RETRYABLE, create_pool
from lineshaft.common.service import Service, run
from lineshaft.notifier.app import build
from lineshaft.notifier.settings import NotifierSettings

KEYS = "bench:" + "A" * 43 + "="
WARM_UP_EVENTS = 50
PATIENCE_SECONDS = 1_800


class Bench:
    """Runs in the service as one of its background tasks and ends it when all is measured."""

    def __init__(self, asked: dict[str, Any], service: Service) -> None:
        self._asked = asked
        self._service = service

    async def run(self, stopping: asyncio.Event) -> None:
        await self._warm_up()
        await self._measure()
        stopping.set()

    async def _warm_up(self) -> None:
        await self._emptied()
        await self._until(self._joined)
        await self._endpoints()
        await self._service.producer.publish_batches(self._events(WARM_UP_EVENTS))
        await self._recorded(WARM_UP_EVENTS * ENDPOINTS)

    async def _emptied(self) -> None:
        """The service is at work on these tables already, so that the two may meet in a deadlock."""
        while True:
            try:
                await self._service.pool.execute("truncate delivery, event, endpoint cascade")
            except RETRYABLE:
                await asyncio.sleep(0.1)
            else:
                return

    async def _measure(self) -> None:
        asked, producer = self._asked, self._service.producer
        events = self._events(asked["records"] // ENDPOINTS)
        meter = Meter(asked.get("profile"))
        meter.start()
        await producer.publish_batches(events)
        await self._recorded((WARM_UP_EVENTS + len(events)) * ENDPOINTS)
        meter.stop(len(events) * ENDPOINTS)

    async def _joined(self) -> bool:
        return all(subscription.joined() for subscription in self._service.subscriptions)

    async def _endpoints(self) -> None:
        api = await create_pool(self._asked["api_dsn"], size=1, service="api")
        descriptions = []
        for number in range(ENDPOINTS):
            endpoint_id, secret_id = new_id("whe"), new_id("sec")
            sealed = KeyRing.parse(KEYS).seal(
                SECRET.encode(), bound_to=f"webhook_secret/{endpoint_id}/{secret_id}"
            )
            await api.execute(
                "insert into notifier.webhook_secret (secret_id, endpoint_id, sealed) values ($1, $2, $3)",
                secret_id,
                endpoint_id,
                sealed,
            )
            described = EndpointDescribed(
                endpoint_id=endpoint_id,
                url=f"{self._asked['receiver']}/{number}",
                revision=1,
                changed_at=datetime.now(UTC),
            )
            descriptions.append(_message(described, endpoint_id))
        await api.close()
        await self._service.producer.publish(descriptions)

        async def known() -> bool:
            found = await self._service.pool.fetchval("select count(*) from endpoint")
            return bool(found == ENDPOINTS)

        await self._until(known)

    @staticmethod
    def _events(count: int) -> list[Message]:
        connections = [new_id("con") for _ in range(count)]
        return [_message(an_event(connection_id), connection_id) for connection_id in connections]

    async def _recorded(self, count: int) -> None:
        async def all_of_them() -> bool:
            delivered = "select count(*) from delivery where state = 'delivered'"
            return bool(await self._service.pool.fetchval(delivered) == count)

        await self._until(all_of_them)

    @staticmethod
    async def _until(done: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await done():  # noqa: ASYNC110  Postgres has no event to wait for
                await asyncio.sleep(0.1)


def _message(data: EventData, key: str) -> Message:
    return encode(new_event(data, source="bench", key=key))


async def main(kind: type[Bench] = Bench) -> None:
    asked = spec()
    configure("notifier", "WARNING")
    settings = NotifierSettings(
        kafka_bootstrap_servers=asked["bootstrap_servers"],
        topic_prefix=asked["prefix"],
        postgres_dsn=SecretStr(asked["dsn"]),
        secret_keys=SecretStr(KEYS),
        link_signing_key=SecretStr("bench-link-key"),
        allowed_networks=("127.0.0.0/8",),
        http_port=0,
    )
    service = await build(settings)
    bench = kind(asked, service)
    await run(replace(service, background={**service.background, "bench": bench.run}))


if __name__ == "__main__":
    asyncio.run(main())
