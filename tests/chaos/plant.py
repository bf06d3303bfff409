"""The whole stack with a plant, a connection to it, and what each of its three witnesses saw."""

import json
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
from lineshaft.tools.stack.tryton import TrytonSource
from lineshaft.tools.stack.tryton_rpc import TrytonSession
from tests.chaos.history import Line

OBJECTS = {
    "item": "product.product",
    "asset": "stock.lot",
    "location": "stock.location",
    "vendor": "party.party",
    "purchase_order": "purchase.purchase",
}
# Said by the source itself; what hangs on other records is left to the mapping's own tests.
FIELDS = ["id", "rec_name", "create_date", "write_date"]
MORE_FIELDS = {"product.product": ["code", "description", "active"]}
PREFIX = "lineshaft."
SOURCE_PAGE = 2_000


def integrations_with_small_pages(folder: Path, page_size: int) -> Path:
    """A copy of `integrations/` whose pages are small, so that there are many of them to be killed in."""
    copy = folder / "integrations"
    shutil.copytree(find_checkout() / "integrations", copy)
    manifest = copy / "tryton" / "manifest.yaml"
    text = manifest.read_text(encoding="utf-8")
    assert "page_size: 500" in text
    manifest.write_text(text.replace("page_size: 500", f"page_size: {page_size}"), encoding="utf-8")
    return copy


@dataclass(slots=True)
class Plant:
    stack: Stack
    source: TrytonSource
    vendor: Vendor = field(init=False)
    connection_id: str = ""

    def __post_init__(self) -> None:
        self.vendor = Vendor(self.stack.api_url, self.stack.admin_key)

    def connect(self) -> None:
        self.connection_id, _ = self.vendor.connect("tryton", self.source.connection_fields)

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
        """What the source holds now, told by the source to the customer's own user."""
        fields = self.source.connection_fields
        session = TrytonSession(
            self.source.base_url, self.source.database, fields["username"], fields["password"]
        )
        for entity, model in OBJECTS.items():
            active = [["active", "in", [True, False]]] if model != "purchase.purchase" else []
            kinds = (
                [["type", "in", ["warehouse", "storage", "view", "production"]]]
                if model == "stock.location"
                else []
            )
            for row in _rows_of(session, model, [*active, *kinds], compared(entity)):
                yield Line("expected", f"{entity}/{row['id']}", _content(entity, row))

    def stored(self) -> Iterator[Line]:
        for row in run_blocking(self._rows()):
            yield Line(
                "stored",
                f"{row['entity']}/{row['source_id']}",
                _content(row["entity"], json.loads(row["raw"])),
                row["revision"],
            )

    def documents(self) -> Iterator[Line]:
        """The same rows, compared by the document that events carry."""
        for row in run_blocking(self._rows()):
            key = f"{row['entity']}/{row['source_id']}"
            yield Line("stored", key, json.loads(row["document"]), row["revision"])

    def events(self) -> Iterator[Line]:
        """Everything on the entity topics about this connection."""
        for record in self.read_topics([f"entities.{entity}" for entity in OBJECTS]):
            if record.value is None:
                continue
            data = json.loads(record.value)
            if data["connection_id"] == self.connection_id:
                headers = {name: (value or b"").decode() for name, value in record.headers}
                key = f"{data['entity']}/{data['source_id']}"
                yield Line("event", key, data, data["revision"], headers["ce_id"])

    def read_topics(self, names: list[str]) -> list[Record]:
        return run_blocking(_read(self.stack.kafka.bootstrap_servers, names))

    def wait_until_mapped(self, seconds: float = 60) -> None:
        """Until `mapping` has committed all that is on `records.raw`."""
        servers = self.stack.kafka.bootstrap_servers
        wait_for(
            "records.raw is consumed",
            lambda: run_blocking(_lag(servers, f"{PREFIX}mapping.records", "records.raw")) == 0,
            seconds,
        )

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


def _rows_of(
    session: TrytonSession, model: str, domain: list[Any], fields: list[str]
) -> Iterator[dict[str, Any]]:
    last = 0
    while rows := session.call(
        f"model.{model}.search_read",
        [*domain, ["id", ">", last]],
        0,
        SOURCE_PAGE,
        [["id", "ASC"]],
        fields,
    ):
        yield from rows
        last = rows[-1]["id"]


def compared(entity: str) -> list[str]:
    return FIELDS + MORE_FIELDS.get(OBJECTS[entity], [])


def _content(entity: str, raw: dict[str, Any]) -> dict[str, Any]:
    return {name: raw.get(name) for name in compared(entity)}


async def _read(servers: str, names: list[str]) -> list[Record]:
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


async def _lag(servers: str, group: str, name: str) -> int:
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
