"""Makes messages of alerts whose time has come, sends them, and has every try recorded."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

from lineshaft.common.clock import Clock, now
from lineshaft.common.encryption import KeyRing, UnreadableSecretError
from lineshaft.common.events.alerts import AlertDelivered, AlertEnded, AlertGivenUp
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.ids import derived_id
from lineshaft.common.logs import logger
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres import outbox
from lineshaft.common.postgres.pool import RETRYABLE, Pool
from lineshaft.notifier.adapters import alerts
from lineshaft.notifier.adapters.alerts import Leased
from lineshaft.notifier.adapters.apprise_process import AlertClient
from lineshaft.notifier.domain.alert_text import Text, text
from lineshaft.notifier.domain.decision import DeliveryState
from lineshaft.notifier.domain.schedule import Chance, Tries, next_try

SOURCE = "notifier"
AT_ONCE = 4
"""Each is a process; one channel has one at a time."""
LOOK_SECONDS = 1.0
SAFETY_SECONDS = 10.0
NO_ADDRESS = "the address of this channel cannot be read; set it once more"

log = logger(__name__)


class AlertSender:
    """Any number may run: a message is leased by one of them, and again when that one has died."""

    def __init__(
        self,
        pool: Pool,
        client: AlertClient,
        keys: KeyRing,
        public_url: str,
        *,
        clock: Clock = now,
        chance: Chance = random.random,
        scale: float = 1.0,
    ) -> None:
        self._pool = pool
        self._client = client
        self._keys = keys
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._chance = chance
        self._scale = scale
        self._sending: dict[str, asyncio.Task[None]] = {}

    async def turn(self) -> float:
        """One look; seconds until the next."""
        while await self._make():
            pass
        self._sending = {name: task for name, task in self._sending.items() if not task.done()}
        while len(self._sending) < AT_ONCE:
            moment = self._clock()
            until = moment + timedelta(seconds=self._client.total_seconds + SAFETY_SECONDS)
            leased = await alerts.lease_message(self._pool, self._sending, moment, until)
            if leased is None:
                break
            self._sending[leased.channel_id] = asyncio.create_task(self._send(leased))
        return LOOK_SECONDS

    async def finish(self) -> None:
        await asyncio.gather(*self._sending.values(), return_exceptions=True)

    async def _make(self) -> bool:
        async with self._pool.acquire() as tx, tx.transaction():
            return await alerts.make_messages(tx, self._clock())

    async def _send(self, leased: Leased) -> None:
        try:
            found = await alerts.alerts_of(self._pool, leased.message_id)
            error = await self._try(leased.channel_id, text(found, self._public_url)) if found else None
            await self._record(leased, len(found), error)
        except RETRYABLE as error:
            log.warning("alert_retries", message_id=leased.message_id, error=repr(error))
        except Exception:
            log.exception("alert_broke_off", message_id=leased.message_id)

    async def _try(self, channel_id: str, message: Text) -> str | None:
        try:
            address = await alerts.open_address(self._pool, self._keys, channel_id)
        except UnreadableSecretError:
            address = None
        return await self._client.send(address, message) if address is not None else NO_ADDRESS

    async def _record(self, leased: Leased, number: int, error: str | None) -> None:
        """The try, and the event that tells of its end, in one transaction."""
        moment = self._clock()
        state, again = self._decide(leased, moment, error) if number else (DeliveryState.CANCELLED, None)
        async with self._pool.acquire() as tx, tx.transaction():
            delivered_at = moment if state is DeliveryState.DELIVERED else None
            attempts = await alerts.record_try(
                tx, leased, state=state, next_attempt_at=again, error=error, delivered_at=delivered_at
            )
            if attempts is None:
                log.warning("alert_of_lost_lease", message_id=leased.message_id)
                return
            if state in {DeliveryState.DELIVERED, DeliveryState.GIVEN_UP}:
                await outbox.add_events(tx, [_ended(leased, number, attempts, moment, error)])
        METRICS.alert_messages.labels("failed" if error else "delivered").inc()

    def _decide(
        self, leased: Leased, moment: datetime, error: str | None
    ) -> tuple[DeliveryState, datetime | None]:
        if error is None:
            return DeliveryState.DELIVERED, None
        tries = Tries(leased.attempts + 1, 0, leased.first_tried_at)
        again = next_try(tries, now=moment, chance=self._chance, scale=self._scale)
        return (DeliveryState.DUE, again.at) if again else (DeliveryState.GIVEN_UP, None)


def _ended(leased: Leased, number: int, attempts: int, moment: datetime, error: str | None) -> Event[Any]:
    fields = {
        "message_id": leased.message_id,
        "channel_id": leased.channel_id,
        "alerts": number,
        "attempts": attempts,
        "at": moment,
    }
    data: AlertEnded = AlertDelivered(**fields) if error is None else AlertGivenUp(**fields, reason=error)
    event_id = derived_id("evt", leased.message_id, attempts)
    return new_event(data, source=SOURCE, key=leased.channel_id, event_id=event_id)
