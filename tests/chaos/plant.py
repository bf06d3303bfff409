"""The whole stack with a plant, a connection to it, and what each of its three witnesses saw."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from lineshaft.common import topics as registry
from lineshaft.common.kafka.record import Record
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.stack.stack import Stack
from tests.chaos.history import Line
from tests.chaos.witnesses import ChaosSource, Witness, witness_of

PREFIX = "lineshaft."


def integrations_with_pages(folder: Path, system: str, page_size: int) -> Path:
    """A copy of `integrations/` in which the system's pages have this size."""
    copy = folder / "integrations"
    shutil.copytree(find_checkout() / "integrations", copy)
    manifest = copy / system / "manifest.yaml"
    text = manifest.read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^  page_size: \d+$", f"  page_size: {page_size}", text)
    assert changed != text
    manifest.write_text(changed, encoding="utf-8")
    return copy


@dataclass(slots=True)
class Plant:
    stack: Stack
    source: ChaosSource
    witness: Witness = field(init=False)
    vendor: Vendor = field(init=False)
    connection_id: str = ""

    def __post_init__(self) -> None:
        self.witness = witness_of(self.source)
        self.vendor = Vendor(self.stack.api_url, self.stack.admin_key)

    def connect(self) -> None:
        self.connection_id, _ = self.vendor.connect(self.source.system, self.source.connection_fields)

    def request_sync(self, mode: str, entities: list[str] | None = None) -> str:
        request_id = f"chaos-{time.time_ns()}"
        body: dict[str, Any] = {"mode": mode, "request_id": request_id}
        if entities:
            body["entities"] = entities
        self.vendor.post(f"/connections/{self.connection_id}/syncs", body)
        return request_id

    def wait_for_sync(self, request_id: str | None = None, seconds: float = 120) -> dict[str, Any]:
        """The completed sync, whoever is down meanwhile."""

        def completed() -> dict[str, Any] | None:
            try:
                syncs = self.vendor.get(f"/connections/{self.connection_id}/syncs")["data"]
            except (httpx.TransportError, RuntimeError):
                return None
            return next(
                (
                    one
                    for one in syncs
                    if one["completed_at"] and (request_id is None or one["request_id"] == request_id)
                ),
                None,
            )

        sync: dict[str, Any] = wait_for("the sync is complete", completed, seconds)
        return sync

    def expected(self) -> Iterator[Line]:
        """What the source holds now."""
        for entity in self.witness.objects:
            for row in self.witness.rows(entity):
                yield Line("expected", f"{entity}/{row['id']}", self._compared(entity, row))

    def stored(self) -> Iterator[Line]:
        for row in run_blocking(self._rows()):
            yield Line(
                "stored",
                f"{row['entity']}/{row['source_id']}",
                self._compared(row["entity"], json.loads(row["raw"])),
                row["revision"],
            )

    def documents(self) -> Iterator[Line]:
        """The same rows, compared by the document that events carry."""
        for row in run_blocking(self._rows()):
            key = f"{row['entity']}/{row['source_id']}"
            yield Line("stored", key, json.loads(row["document"]), row["revision"])

    def events(self) -> Iterator[Line]:
        """Everything on the entity topics about this connection."""
        for record in self.read_topics([f"entities.{entity}" for entity in self.witness.objects]):
            if record.value is None:
                continue
            data = json.loads(record.value)
            if data["connection_id"] == self.connection_id:
                headers = {name: (value or b"").decode() for name, value in record.headers}
                key = f"{data['entity']}/{data['source_id']}"
                yield Line("event", key, data, data["revision"], headers["ce_id"])

    def read_topics(self, names: list[str]) -> list[Record]:
        return run_blocking(read_topics(self.stack.kafka.bootstrap_servers, names))

    def wait_until_mapped(self, seconds: float = 60) -> None:
        """Until `mapping` has committed all that is on `records.raw`."""
        servers = self.stack.kafka.bootstrap_servers
        wait_for(
            "records.raw is consumed",
            lambda: run_blocking(lag(servers, f"{PREFIX}mapping.records", "records.raw")) == 0,
            seconds,
        )

    def _compared(self, entity: str, raw: dict[str, Any]) -> dict[str, Any]:
        return {name: raw.get(name) for name in self.witness.compared(entity)}

    async def _rows(self) -> list[Any]:
        connection = await asyncpg.connect(self.stack.postgres.dsn)
        try:
            rows: list[Any] = await connection.fetch(
                "select entity, source_id, raw::text, document::text, revision from mapping.record"
                " where connection_id = $1",
                self.connection_id,
            )
            return rows
        finally:
            await connection.close()


async def read_topics(servers: str, names: list[str]) -> list[Record]:
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(PREFIX + topic.name, number)
            for topic in registry.TOPICS
            if topic.name in names
            for number in range(topic.partitions)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        records = []
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += [
                    Record(
                        one.topic.removeprefix(PREFIX),
                        one.partition,
                        one.offset,
                        one.key,
                        one.value,
                        tuple(one.headers),
                        one.timestamp,
                    )
                    for one in batch
                ]
        return records
    finally:
        await consumer.stop()


async def lag(servers: str, group: str, name: str) -> int:
    topic = next(topic for topic in registry.TOPICS if topic.name == name)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(PREFIX + name, number) for number in range(topic.partitions)]
        ends = await consumer.end_offsets(partitions)
        return sum([ends[one] - (await consumer.committed(one) or 0) for one in partitions])
    finally:
        await consumer.stop()


def wait_for(what: str, check: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.2)
    return answer
