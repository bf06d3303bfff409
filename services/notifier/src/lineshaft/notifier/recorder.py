"""Writes down what tries came to: attempts, deliveries and events of a batch in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from lineshaft.common.clock import Clock
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.webhooks import DeliveryEnded, NotificationDelivered, NotificationGivenUp
from lineshaft.common.ids import derived_id
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres import outbox
from lineshaft.common.postgres.pool import RETRYABLE, Pool
from lineshaft.notifier import alerts
from lineshaft.notifier.adapters import postgres
from lineshaft.notifier.adapters.postgres import Made
from lineshaft.notifier.domain.decision import DeliveryState
from lineshaft.notifier.domain.endurance import Tally, tally
from lineshaft.notifier.endurance import disabled_event

SOURCE = "notifier"
BATCH = 500
GATHER_SECONDS = 0.02
"""Tries that come to an end meanwhile go with the first one, in one transaction."""
PAUSE_SECONDS = 1.0
GONE = "the receiver answered 410 Gone"

log = logger(__name__)


class Recorder:
    """While one batch is written the next one gathers."""

    def __init__(self, pool: Pool, clock: Clock, freed: Callable[[], None] = lambda: None) -> None:
        """`freed` is called when there is another try to wait for, or one ended that others wait for."""
        self._freed = freed
        self._pool = pool
        self._clock = clock
        self._waiting: list[Made] = []
        self._wake = asyncio.Event()
        self._closed = False

    def add(self, made: Made) -> None:
        self._waiting.append(made)
        self._wake.set()

    def close(self) -> None:
        """`run` ends when everything is written."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        while self._waiting or not self._closed:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            if len(self._waiting) < BATCH and not self._closed and not self._others_wait():
                await asyncio.sleep(GATHER_SECONDS)
            batch = self._take()
            try:
                await self._write(batch)
            except RETRYABLE as error:
                log.warning("recording_retries", error=repr(error), attempts=len(batch))
                self._waiting[:0] = batch
                await asyncio.sleep(PAUSE_SECONDS)

    def _others_wait(self) -> bool:
        """For what ends here: the next delivery of a connection in order."""
        return any(made.lease.ordered for made in self._waiting)

    def _take(self) -> list[Made]:
        """Each delivery at most once; another try of it goes with the next batch."""
        batch: dict[str, Made] = {}
        rest: list[Made] = []
        for made in self._waiting:
            if len(batch) < BATCH and made.lease.delivery_id not in batch:
                batch[made.lease.delivery_id] = made
            else:
                rest.append(made)
        self._waiting = rest
        return list(batch.values())

    async def _write(self, batch: Sequence[Made]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            numbers = await postgres.record(connection, batch)
            counted = [made for made in batch if made.lease.delivery_id in numbers]
            gone = [made.lease.endpoint_id for made in counted if made.answer.gone]
            moment = self._clock()
            disabled = await postgres.disable_endpoints(connection, gone, moment, GONE)
            await postgres.tally_endpoints(connection, _tallies(counted))
            ended = [made for made in counted if made.state != DeliveryState.DUE]
            lost = [disabled_event(name, since, moment, GONE) for name, since in disabled.items()]
            await outbox.add_events(
                connection, [*(_ended_event(made, numbers[made.lease.delivery_id]) for made in ended), *lost]
            )
            await alerts.tell_of_endpoints(connection, lost, self._clock)
        if len(ended) < len(counted) or any(made.lease.ordered for made in ended):
            self._freed()
        for made in batch:
            METRICS.deliveries.labels(_label(made)).inc()
            if made.lease.attempts == 0:
                METRICS.first_attempt_seconds.observe(_seconds_until(made.answer.at, made))
        for made in ended:
            if made.state == DeliveryState.DELIVERED:
                METRICS.delivery_seconds.observe(_seconds_since_event(made))
        if len(counted) < len(batch):
            log.warning("attempts_of_lost_leases", attempts=len(batch) - len(counted))


def _tallies(batch: Sequence[Made]) -> dict[str, Tally]:
    """A receiver that asked for a later try is not one that fails."""
    tries: dict[str, list[tuple[datetime, bool]]] = {}
    for made in batch:
        if not made.deferred:
            tries.setdefault(made.lease.endpoint_id, []).append((made.answer.at, made.answer.delivered))
    return {name: tally(found) for name, found in tries.items()}


def _label(made: Made) -> str:
    if made.answer.delivered:
        return "delivered"
    return "deferred" if made.deferred else "failed"


def _seconds_since_event(made: Made) -> float:
    ended = made.answer.at.timestamp() + made.answer.duration_ms / 1000
    return max(0.0, ended - made.lease.event_at.timestamp())


def _seconds_until(moment: datetime, made: Made) -> float:
    return max(0.0, (moment - made.lease.event_at).total_seconds())


def _ended_event(made: Made, attempts: int) -> Event[Any]:
    lease = made.lease
    fields = {
        "delivery_id": lease.delivery_id,
        "endpoint_id": lease.endpoint_id,
        "connection_id": lease.connection_id,
        "event_type_name": lease.event_type,
        "attempts": attempts,
        "at": made.answer.at,
        "seconds_since_event": _seconds_since_event(made),
    }
    data: DeliveryEnded = (
        NotificationDelivered(**fields)
        if made.state == DeliveryState.DELIVERED
        else NotificationGivenUp(**fields, reason=made.answer.problem or "")
    )
    return new_event(
        data,
        source=SOURCE,
        key=lease.connection_id or lease.endpoint_id,
        event_id=derived_id("evt", lease.delivery_id, attempts),
    )
