"""The connector as it runs: consumers, dispatcher, leases, relay.

A sync is asked for over Kafka, as `api` does. Measured from the request until the sync is read and its end
is on its way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from harness.meter import Meter, spec
from pydantic import SecretStr

from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.commands import AuthorizationRequested
from lineshaft.common.events.envelope import encode, new_event
from lineshaft.common.events.model import EventData
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.ids import new_id
from lineshaft.common.logs import configure
from lineshaft.common.postgres.pool import create_pool
from lineshaft.common.service import Service, run
from lineshaft.connector.app import build
from lineshaft.connector.settings import ConnectorSettings

INTEGRATIONS = Path(__file__).parents[1] / "integrations"
KEYS = "bench:" + "A" * 43 + "="
WARM_UP_ROWS = 2_000
PATIENCE_SECONDS = 3_600
IDLE_SECONDS = 1.0


class Bench:
    """Runs in the service as one of its background tasks and ends it when all is measured."""

    def __init__(self, asked: dict[str, Any], service: Service) -> None:
        self._asked = asked
        self._service = service
        self._api: Any = None

    async def run(self, stopping: asyncio.Event) -> None:
        asked, pool = self._asked, self._service.pool
        self._api = await create_pool(asked["api_dsn"], size=1, service="api")
        await self._until(self._joined)
        warm_up, measured = new_id("con"), new_id("con")
        for connection_id, rows in ((warm_up, WARM_UP_ROWS), (measured, asked["records"])):
            await self._authorize(connection_id, rows)
        await self._read(warm_up)
        idle = Meter()
        idle.start()
        await asyncio.sleep(IDLE_SECONDS)
        cpu = idle.cpu()
        meter = Meter(asked.get("profile"))
        meter.start()
        await self._read(measured)
        records = await pool.fetchval("select records from sync_job where connection_id = $1", measured)
        if records != asked["records"]:
            raise ValueError(f"{records} records were read")
        meter.stop(records, idle_cpu_share=cpu / IDLE_SECONDS)
        await self._api.close()
        stopping.set()

    async def _joined(self) -> bool:
        return all(subscription.joined() for subscription in self._service.subscriptions)

    async def _authorize(self, connection_id: str, rows: int) -> None:
        credential_id = new_id("cre")
        sealed = KeyRing.parse(KEYS).seal(
            orjson.dumps({"username": "bench", "password": "bench"}),
            bound_to=f"credential/{connection_id}/{credential_id}",
        )
        await self._api.execute(
            "insert into connector.credential (credential_id, connection_id, sealed) values ($1, $2, $3)",
            credential_id,
            connection_id,
            sealed,
        )
        asked = AuthorizationRequested(
            command_id=new_id("cmd"),
            connection_id=connection_id,
            system="plant",
            settings={"base_url": self._asked["source"], "database": f"rows_{rows}"},
            credential_id=credential_id,
        )
        await self._tell(asked, connection_id)

        async def in_force() -> bool:
            state = "select state from credential where credential_id = $1"
            return bool(await self._service.pool.fetchval(state, credential_id) == "active")

        await self._until(in_force)

    async def _read(self, connection_id: str) -> None:
        await self._tell(SyncRequested(connection_id=connection_id), connection_id)

        async def read() -> bool:
            ended = "select ended_at from sync where connection_id = $1"
            return await self._service.pool.fetchval(ended, connection_id) is not None

        await self._until(read)

    async def _tell(self, data: EventData, connection_id: str) -> None:
        event = new_event(data, source="bench", key=connection_id)
        await self._service.producer.publish([encode(event)])

    @staticmethod
    async def _until(done: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await done():  # noqa: ASYNC110  Postgres has no event to wait for
                await asyncio.sleep(0.05)


async def main() -> None:
    asked = spec()
    configure("connector", "WARNING")
    settings = ConnectorSettings(
        kafka_bootstrap_servers=asked["bootstrap_servers"],
        topic_prefix=asked["prefix"],
        postgres_dsn=SecretStr(asked["dsn"]),
        secret_keys=SecretStr(KEYS),
        integrations_dir=INTEGRATIONS,
        allowed_networks=("127.0.0.0/8",),
        http_port=0,
    )
    service = await build(settings)
    bench = Bench(asked, service)
    await run(replace(service, background={**service.background, "bench": bench.run}))


if __name__ == "__main__":
    asyncio.run(main())
