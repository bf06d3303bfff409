"""The idempotent keyed producer: every message acknowledged by the broker, per key in order."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from lineshaft.common.errors import RetryableError
from lineshaft.common.kafka.partitions import partitions_of
from lineshaft.common.kafka.record import Message
from lineshaft.common.kafka.security import KafkaSecurity
from lineshaft.common.logs import logger

MAX_REQUEST_BYTES = 2 * 1024 * 1024
REQUEST_TIMEOUT_MS = 15_000

log = logger(__name__)


class Producer:
    """Publishes batches. After a fatal error of the client it starts a new one by itself."""

    def __init__(
        self,
        bootstrap_servers: str,
        topic_prefix: str,
        client_id: str,
        security: KafkaSecurity = KafkaSecurity(),  # noqa: B008  frozen
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._security = security
        self._prefix = topic_prefix
        self._client_id = client_id
        self._client: Any = None
        self._restart = asyncio.Lock()

    async def start(self) -> None:
        client = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=256 * 1024,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            **self._security.for_client(),
        )
        try:
            await client.start()
        except BaseException:
            await client.stop()
            raise
        self._client = client

    async def stop(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.stop()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns when the broker has acknowledged all of them.

        Raises:
            RetryableError: at least one was not acknowledged; publish the same messages again.
        """
        client = self._client
        if client is None:
            raise RetryableError("the producer is not running")
        try:
            pending = [
                await client.send(
                    self._prefix + message.topic,
                    value=message.value,
                    key=message.key,
                    headers=list(message.headers),
                )
                for message in messages
            ]
            await asyncio.gather(*pending)
        except KafkaError as error:
            raise await self._failed(client, error, len(messages)) from error

    async def publish_batches(self, messages: Sequence[Message]) -> None:
        """Like `publish`, for many keyed messages at once: several times cheaper per message.

        Each key gets the partition that `publish` would give it, and its messages stay in order.

        Raises:
            RetryableError: at least one was not acknowledged; publish the same messages again.
        """
        client = self._client
        if client is None:
            raise RetryableError("the producer is not running")
        by_topic: dict[str, list[Message]] = defaultdict(list)
        for message in messages:
            by_topic[message.topic].append(message)
        try:
            await asyncio.gather(
                *(self._publish_topic(client, self._prefix + topic, some) for topic, some in by_topic.items())
            )
        except KafkaError as error:
            raise await self._failed(client, error, len(messages)) from error

    @staticmethod
    async def _publish_topic(client: Any, topic: str, messages: Sequence[Message]) -> None:
        partitions = sorted(await client.partitions_for(topic))
        keys = [message.key or b"" for message in messages]
        batches: dict[int, list[Any]] = {}
        for message, partition in zip(messages, partitions_of(keys, partitions), strict=True):
            started = batches.get(partition)
            if started is None:
                started = batches[partition] = [client.create_batch()]
            key, value, headers = message.key, message.value, list(message.headers)
            if started[-1].append(timestamp=None, key=key, value=value, headers=headers) is None:
                started.append(client.create_batch())
                started[-1].append(timestamp=None, key=key, value=value, headers=headers)

        async def send(partition: int, batches: Sequence[Any]) -> None:
            pending = []
            for batch in batches:
                batch.close()
                pending.append(await client.send_batch(batch, topic, partition=partition))
            await asyncio.gather(*pending)

        await asyncio.gather(*(send(partition, some) for partition, some in batches.items()))

    async def _failed(self, client: AIOKafkaProducer, error: KafkaError, messages: int) -> RetryableError:
        log.warning("publish_failed", error=repr(error), messages=messages)
        if not getattr(error, "retriable", False):
            await self._replace(client)
        return RetryableError(f"Kafka did not take the messages: {error!r}")

    async def _replace(self, broken: AIOKafkaProducer) -> None:
        async with self._restart:
            if self._client is not broken:
                return
            self._client = None
            try:
                await asyncio.wait_for(broken.stop(), timeout=REQUEST_TIMEOUT_MS / 1000)
            except (TimeoutError, KafkaError) as error:
                log.warning("broken_producer_did_not_stop", error=repr(error))
            await self.start()
