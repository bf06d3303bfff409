"""A small real service that kills itself at a named step: `python crashing_service.py <step> <pass>`.

Its effect is a row per event and an event per row, so that loss and doubling can be counted from outside.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lineshaft.common import topics
from lineshaft.common.clock import now
from lineshaft.common.events.envelope import Decoder, Event, new_event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.events.webhooks import NotificationDelivered
from lineshaft.common.ids import derived_id
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import COMMON_PACKAGE, migrate
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection, create_pool
from lineshaft.common.service import Service, main, start_producer
from lineshaft.common.settings import Settings

NAME = "crashing"
BATCH = 20
STEPS = (
    "before_effect",
    "after_effect",
    "before_offset_commit",
    "after_offset_commit",
    "before_publish",
    "after_publish",
    "none",
)


class FailPoint:
    """Kills the process, as `kill -9` does, when a step is passed for the n-th time."""

    def __init__(self, step: str, passes: int) -> None:
        self._step, self._left = step, passes

    def pass_by(self, step: str) -> None:
        if step == self._step:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
        async def wrapped(*arguments: Any, **named: Any) -> Any:
            self.pass_by(f"before_{name}")
            result = await function(*arguments, **named)
            self.pass_by(f"after_{name}")
            return result

        return wrapped


def outcome_of(event: Event[SyncRequested]) -> Event[NotificationDelivered]:
    data = NotificationDelivered(
        delivery_id=event.data.connection_id,
        endpoint_id="none",
        connection_id=event.data.connection_id,
        event_type_name="none",
        attempts=1,
        at=now(),
        seconds_since_event=0,
    )
    return new_event(data, source=NAME, key=event.key, event_id=derived_id("evt", event.id))


async def build(settings: Settings) -> Service:
    point = FailPoint(sys.argv[1], int(sys.argv[2]))
    pool = await create_pool(settings.postgres_dsn.get_secret_value(), size=6, service=NAME)
    await migrate(pool, COMMON_PACKAGE)
    await pool.execute("create table if not exists effect (connection_id text, at timestamptz default now())")
    producer = await start_producer(settings, NAME)

    async def effect(tx: Connection, events: Sequence[Event[SyncRequested]]) -> None:
        await tx.executemany(
            "insert into effect (connection_id) values ($1)",
            [(event.data.connection_id,) for event in events],
        )
        await add_events(tx, [outcome_of(event) for event in events])

    subscription = Subscription(
        "requests",
        [topics.SYNC_REQUESTS],
        decode=Decoder(SyncRequested),
        handle=transactional(pool, "requests", point.around(effect, "effect")),
        max_records=BATCH,
    )
    subscription._commit = point.around(subscription._commit, "offset_commit")  # type: ignore[method-assign,assignment]
    Producer.publish = point.around(Producer.publish, "publish")  # type: ignore[method-assign,assignment]
    return Service(NAME, settings, pool, producer, [subscription])


if __name__ == "__main__":
    main(NAME, Settings, build)
