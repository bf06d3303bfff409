"""A small real service whose handler does what `PROVE_*` in the environment says.

Each end of a handler is a row of `handled`, one per record, without any deduplication: what is handled
twice is there twice. The transactional kind writes it in the transaction of its inbox rows.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineshaft.common import topics
from lineshaft.common.events.envelope import Decoder, Event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.processing import Handle
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.migrate import COMMON_PACKAGE, migrate
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection, create_pool
from lineshaft.common.service import Service, main, start_producer
from lineshaft.common.settings import Settings
from tests.chaos.crashing_service import outcome_of

NAME = "proving"
FOREVER = 3600.0

_ADD = "insert into handled (name, pid, started) select unnest($1::text[]), $2, to_timestamp($3)"


async def misbehave_once(how: str, mark: Path) -> None:
    """Blocks the loop or never comes back; a process that finds the mark of another one behaves."""
    if how != "well" and _first(mark):
        if how == "blocks the loop":
            time.sleep(FOREVER)  # noqa: ASYNC251  the fault itself
        await asyncio.sleep(FOREVER)


def _first(mark: Path) -> bool:
    if mark.exists():
        return False
    mark.touch()
    return True


async def build(settings: Settings) -> Service:
    seconds = float(os.environ.get("PROVE_SECONDS", "0"))
    how = os.environ.get("PROVE_HOW", "well")
    mark = Path(os.environ.get("PROVE_MARK", "/nonexistent"))
    pool = await create_pool(settings.postgres_dsn.get_secret_value(), size=6, service=NAME)
    await migrate(pool, COMMON_PACKAGE)
    await pool.execute(
        "create table if not exists handled"
        " (name text, pid integer, started timestamptz, ended timestamptz default clock_timestamp())"
    )
    producer = await start_producer(settings, NAME)

    async def work(tx: Any, events: Sequence[Event[SyncRequested]]) -> None:
        started = time.time()
        await asyncio.sleep(seconds)
        await misbehave_once(how, mark)
        await tx.execute(_ADD, [event.data.connection_id for event in events], os.getpid(), started)

    async def effect(tx: Connection, events: Sequence[Event[SyncRequested]]) -> None:
        await work(tx, events)
        await add_events(tx, [outcome_of(event) for event in events])

    async def raw(events: Sequence[Event[SyncRequested]]) -> None:
        await work(pool, events)

    kinds: dict[str, Handle[Event[SyncRequested]]] = {
        "raw": raw,
        "transactional": transactional(pool, "requests", effect),
    }
    subscription = Subscription(
        "requests",
        [topics.SYNC_REQUESTS],
        decode=Decoder(SyncRequested),
        handle=kinds[os.environ["PROVE_KIND"]],
        max_records=int(os.environ.get("PROVE_BATCH", "20")),
    )
    return Service(NAME, settings, pool, producer, [subscription])


if __name__ == "__main__":
    main(NAME, Settings, build)
