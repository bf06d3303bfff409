"""Many customers with a sandbox each, and what every replica of a stack did for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import orjson
from prometheus_client.parser import text_string_to_metric_families

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.service_settings import SERVICES
from lineshaft.tools.stack.stack import Stack
from tests.chaos.history import Line
from tests.chaos.plant import PREFIX, lag, read_topics
from tests.chaos.witnesses import SandboxWitness

from .plants import Plant

SECONDS = 180.0
"""The lease of a connector that was killed ends after a minute."""
ENTITIES = SandboxWitness.objects
Counter = tuple[str, Mapping[str, str]]
WORK: Mapping[str, Counter] = {
    "api": ("lineshaft_http_requests_total", {}),
    "connector": ("lineshaft_records_read_total", {}),
    "mapping": ("lineshaft_records_mapped_total", {}),
    "health_monitor": ("lineshaft_consumed_records_total", {"subscription": "calls"}),
    "notifier": ("lineshaft_webhook_attempts_total", {"result": "delivered"}),
}
"""What a replica of each service counts of its main work."""


@dataclass
class Fleet:
    """The customers' vendor calls the replicas of `api` in turn."""

    stack: Stack
    plants: Mapping[str, Plant]
    receiver: WebhookReceiver
    replicas: int
    down: set[str] = field(default_factory=set)
    connections: dict[str, str] = field(default_factory=dict)
    """By the name of the plant."""

    def running(self, service: str) -> list[str]:
        """Names of its replicas."""
        names = [service, *(f"{service}-{number}" for number in range(2, self.replicas + 1))]
        return [name for name in names if name not in self.down]

    def vendor(self, turn: int = 0) -> Vendor:
        running = self.running("api")
        return Vendor(self.stack.services.urls[running[turn % len(running)]], self.stack.admin_key)

    def connect(self, turn: int, name: str) -> None:
        fields = self.plants[name].connection_fields
        self.connections[name], _ = self.vendor(turn).connect("sandbox", fields)

    def read_all(self, turn: int, name: str) -> None:
        self.vendor(turn).post(f"/connections/{self.connections[name]}/syncs", {"mode": "full"})

    def kill(self, *names: str) -> None:
        for name in names:
            self.stack.services[name].kill(stay_down=True)
            self.down.add(name)

    def until_begun(self, name: str, syncs: int) -> None:
        wait_until(f"{syncs} syncs of {name} to begin", lambda: len(self.syncs(name)) == syncs, SECONDS)

    def unfinished(self, name: str) -> int:
        return sum(one["completed_at"] is None for one in self.syncs(name))

    def until_completed(self, name: str, syncs: int) -> None:
        def completed() -> bool:
            return [one["result"] for one in self.syncs(name)] == ["completed"] * syncs

        wait_until(f"{syncs} syncs of {name}", completed, SECONDS)

    def syncs(self, name: str) -> list[dict[str, Any]]:
        path = f"/connections/{self.connections[name]}/syncs"
        syncs: list[dict[str, Any]] = self.vendor().get(path)["data"]
        return syncs

    def until_told(self, name: str, kind: str, times: int) -> None:
        wait_until(f"{times} {kind} of {name}", lambda: len(self.told(name, kind)) >= times, SECONDS)

    def told(self, name: str, kind: str) -> set[str]:
        """Ids of the webhooks of this kind."""
        connection_id = self.connections[name]
        return {
            one.id
            for one in list(self.receiver.deliveries)
            if one.connection_id == connection_id and one.type == kind
        }

    def work(self) -> dict[str, float]:
        """What each replica has done so far."""
        return {
            replica: self.counted(replica, WORK[service])
            for service in SERVICES
            for replica in self.running(service)
        }

    def counted(self, replica: str, counter: Counter) -> float:
        name, labels = counter
        answer = httpx.get(f"{self.stack.services.urls[replica]}/metrics", timeout=5, trust_env=False)
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def expected(self) -> Iterator[Line]:
        """What the sandboxes hold now."""
        for name, plant in self.plants.items():
            for entity, records in ENTITIES.items():
                for row in plant.sandbox.store.page(
                    records, plant.sandbox.store.count(records), None, None
                ).records:
                    yield Line(
                        "expected", self._key(self.connections[name], entity, row["id"]), _compared(row)
                    )

    async def stored(self) -> tuple[list[Line], list[Line]]:
        """The records of these customers: as the source gave them, and as documents."""
        connection = await asyncpg.connect(self.stack.postgres.dsn)
        try:
            rows = await connection.fetch(
                "select connection_id, entity, source_id, raw::text, document::text, revision"
                " from mapping.record where connection_id = any($1)",
                list(self.connections.values()),
            )
        finally:
            await connection.close()
        keyed = [(self._key(row["connection_id"], row["entity"], row["source_id"]), row) for row in rows]
        return (
            [Line("stored", key, _compared(orjson.loads(row["raw"])), row["revision"]) for key, row in keyed],
            [Line("stored", key, orjson.loads(row["document"]), row["revision"]) for key, row in keyed],
        )

    async def events(self) -> list[Line]:
        """Everything that the entity topics say of these customers."""
        ours = set(self.connections.values())
        lines = []
        for record in await read_topics(
            self.stack.kafka.bootstrap_servers, [f"entities.{entity}" for entity in ENTITIES]
        ):
            data = orjson.loads(record.value or b"{}")
            if data.get("connection_id") in ours:
                key = self._key(data["connection_id"], data["entity"], data["source_id"])
                event_id = (dict(record.headers)["ce_id"] or b"").decode()
                lines.append(Line("event", key, data, data["revision"], event_id))
        return lines

    async def waiting(self) -> int:
        """Records that `mapping` has not finished."""
        return await lag(self.stack.kafka.bootstrap_servers, f"{PREFIX}mapping.records", "records.raw")

    @staticmethod
    def _key(connection_id: str, entity: str, source_id: Any) -> str:
        return f"{connection_id}/{entity}/{source_id}"


def _compared(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in ("id", "created_at", "updated_at")}
