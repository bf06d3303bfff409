"""The mapping service's own subscription and handler, put together by its composition root.

`store` false leaves Postgres out: what the handler asks of the record store is answered with nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from faststream.kafka import KafkaBroker
from harness.meter import Meter, spec
from pydantic import SecretStr

from lineshaft.common import topics
from lineshaft.common.integrations import Catalog
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.logs import configure
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres.migrate import migrate
from lineshaft.common.postgres.pool import create_pool
from lineshaft.common.service import start_producer
from lineshaft.mapping.adapters import definitions, postgres
from lineshaft.mapping.app import raw_handler
from lineshaft.mapping.domain.mappings import Mappings
from lineshaft.mapping.domain.messages import Page, RawMessage, decode
from lineshaft.mapping.settings import MappingSettings

INTEGRATIONS = Path(__file__).parents[1] / "integrations"
PATIENCE_SECONDS = 1_800


class NoConnection:
    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield


class NoPool:
    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[NoConnection]:
        yield NoConnection()


def leave_out_the_store() -> None:
    async def no_rows(*_: Any) -> dict[Any, Any]:
        return {}

    async def nothing(*_: Any) -> None: ...

    for module, name, answer in [
        (definitions, "in_force", no_rows),
        (postgres, "last_positions", no_rows),
        (postgres, "stored_records", no_rows),
        (postgres, "write_records", nothing),
        (postgres, "add_read_slices", nothing),
        (postgres, "add_field_errors", nothing),
    ]:
        if not callable(getattr(module, name)):
            raise TypeError(f"{module.__name__}.{name} is gone: this subject no longer leaves out the store")
        setattr(module, name, answer)


def effects() -> dict[str, int]:
    """What became of the records, so that a run that measured something else shows."""
    found: dict[str, int] = {}
    for metric in METRICS.records_mapped.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total") and sample.value:
                found[sample.labels["effect"]] = found.get(sample.labels["effect"], 0) + int(sample.value)
    return found


async def main() -> None:
    asked = spec()
    configure("mapping", "WARNING")
    settings = MappingSettings(
        kafka_bootstrap_servers=asked["bootstrap_servers"],
        topic_prefix=asked["prefix"],
        postgres_dsn=SecretStr(asked["dsn"]),
        integrations_dir=INTEGRATIONS,
        fetch_wait_ms=5,
    )
    pool: Any = NoPool()
    if asked["store"]:
        pool = await create_pool(asked["dsn"], size=settings.postgres_pool_size, service="mapping")
        await migrate(pool, "lineshaft.mapping.adapters")
    else:
        leave_out_the_store()
    producer = await start_producer(settings, "mapping")
    mappings = Mappings(Catalog.load(INTEGRATIONS).systems, settings.compiled_mappings)
    mappings.default(mappings.system("plant"), "work_order")
    handler = raw_handler(pool, producer, mappings, settings)
    done, finished = 0, asyncio.Event()

    async def handle(messages: Sequence[RawMessage]) -> None:
        nonlocal done
        await handler(messages)
        done += sum(len(message.data.records) for message in messages if isinstance(message, Page))
        if done >= asked["records"]:
            finished.set()

    broker = KafkaBroker(
        asked["bootstrap_servers"], apply_types=False, logger=logging.getLogger("faststream")
    )
    records: Subscription[RawMessage] = Subscription(
        "records", [topics.RECORDS_RAW], decode=decode, handle=handle
    )
    records.attach(
        broker,
        producer,
        service=f"mapping-{asked['run']}",
        topic_prefix=settings.topic_prefix,
        session_seconds=settings.session_seconds,
        fetch_wait_ms=settings.fetch_wait_ms,
    )
    meter = Meter(asked.get("profile"))
    meter.start()
    await broker.start()
    await asyncio.wait_for(finished.wait(), PATIENCE_SECONDS)
    while records.lag():  # noqa: ASYNC110  the commit that follows the handler tells nobody
        await asyncio.sleep(0.005)
    meter.stop(done, effects=effects())
    records.stop()
    await broker.stop()
    await producer.stop()
    if asked["store"]:
        await pool.close()


if __name__ == "__main__":
    asyncio.run(main())
