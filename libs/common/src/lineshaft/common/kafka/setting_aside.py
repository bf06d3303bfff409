"""What one subscription cannot process goes to the dead letters, and is counted for its connection."""

from collections.abc import Awaitable, Callable, Iterable

from lineshaft.common.errors import RetryableError
from lineshaft.common.kafka.dead_letters import dead_letter
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.quarantine import PausedError, Quarantine, scope_of
from lineshaft.common.kafka.record import Record
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS

PAUSED = "paused"
"""The stage of records that were not tried."""

log = logger(__name__)


class SettingAside:
    def __init__(
        self,
        service: str,
        subscription: str,
        producer: Producer,
        quarantine: Quarantine | None,
        pause: Callable[[int], Awaitable[None]],
    ) -> None:
        """`pause` waits before the next try of a letter that the broker does not take."""
        self._service = service
        self._subscription = subscription
        self._producer = producer
        self._quarantine = quarantine
        self._pause = pause

    @property
    def quiet(self) -> bool:
        """Nothing was set aside lately."""
        return self._quarantine is None or self._quarantine.quiet

    @property
    def at_fault(self) -> bool:
        """It is not the data of single connections."""
        return self._quarantine is not None and not self._quarantine.quiet and self._quarantine.at_fault

    def holds(self, record: Record) -> bool:
        """Whether this record's connection is paused."""
        quarantine = self._quarantine
        return quarantine is not None and not quarantine.quiet and quarantine.holds(scope_of(record))

    async def put(self, record: Record, stage: str, error: BaseException, attempt: int = 1) -> None:
        """Returns when the letter is with the broker."""
        letter = dead_letter(record, service=self._service, stage=stage, error=error, attempt=attempt)
        publishing = 0
        while True:
            publishing += 1
            try:
                await self._producer.publish([letter])
            except RetryableError:
                await self._pause(publishing)
            else:
                break
        METRICS.dead_letters.labels(self._service, record.topic).inc()
        log.error(
            "dead_letter",
            subscription=self._subscription,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            stage=stage,
            error=f"{type(error).__name__}: {error}",
        )
        if not isinstance(error, PausedError):
            self._failed(record)

    def worked(self, records: Iterable[Record]) -> None:
        """These were handled."""
        if self._quarantine is not None:
            for scope in self._quarantine.worked({scope_of(record) for record in records}):
                log.info("connection_resumed", subscription=self._subscription, connection_id=scope)
            self._count(self._quarantine)

    def tell_halt(self) -> None:
        METRICS.consumer_stopped.labels(self._service, self._subscription).set(1)
        log.critical(
            "consumer_stopped",
            subscription=self._subscription,
            why="records of several connections cannot be processed, and no others can: a fault of ours",
            connections=self._quarantine.paused if self._quarantine is not None else 0,
        )

    def _failed(self, record: Record) -> None:
        if self._quarantine is None:
            return
        scope = scope_of(record)
        if self._quarantine.failed(scope):
            log.error("connection_paused", subscription=self._subscription, connection_id=scope)
        self._count(self._quarantine)

    def _count(self, quarantine: Quarantine) -> None:
        METRICS.paused_connections.labels(self._service, self._subscription).set(quarantine.paused)
