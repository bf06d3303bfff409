"""The mapping service's own subscription and handler, put together by its composition root.

`store` false leaves Postgres out: what the handler asks of the record store is answered with nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from faststream.kafka import KafkaBroker
from harness.meter import Meter, spec
from pydantic import SecretStr

from lineshaft.common import topics
from lineshaft.common.logs import configure
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres import tombstones
from lineshaft.mapping import app
from lineshaft.mapping.adapters import definitions, postgres
from lineshaft.mapping.settings import MappingSettings

INTEGRATIONS = Path(__file__).parents[1] / "integrations"
PATIENCE_SECONDS = 1_200


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

    async def nobody(*_: Any) -> frozenset[str]:
        return frozenset()

    async def no_pool(*_: Any, **__: Any) -> NoPool:
        return NoPool()

    for module, name, answer in [
        (app, "create_pool", no_pool),
        (app, "migrate", nothing),
        (definitions, "in_force", no_rows),
        (tombstones, "buried", nobody),
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
    )
    if not asked["store"]:
        leave_out_the_store()
    service = await app.build(settings)
    (records,) = (one for one in service.subscriptions if one.topics == (topics.RECORDS_RAW,))
    broker = KafkaBroker(asked["bootstrap_servers"], apply_types=False, logger=None)
    records.attach(
        broker,
        service.producer,
        service=f"mapping-{asked['run']}",
        topic_prefix=settings.topic_prefix,
        session_seconds=settings.session_seconds,
        fetch_wait_ms=settings.fetch_wait_ms,
    )
    meter = Meter(asked.get("profile"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        meter.start()
        await broker.start()
        while sum(effects().values()) < asked["records"]:  # noqa: ASYNC110  counters tell nobody
            await asyncio.sleep(0.02)
        # the commit that follows the handler
        await asyncio.sleep(0.02)
        meter.stop(asked["records"], effects=effects())
    records.stop()
    await broker.stop()
    await service.producer.stop()
    if asked["store"]:
        await service.pool.close()


if __name__ == "__main__":
    asyncio.run(main())
