"""A customer is deleted: everything that was ever published about them comes once more, and nothing stays."""

import asyncio
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from typer.testing import CliRunner

from lineshaft.cli.main import app
from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack

from .canaries import all_of, all_partitions, rows

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(240)]

SECONDS = 60.0
CANARY = "Acme-Plant-that-was-a-customer"
PREFIX = "lineshaft."
TOMBSTONES = {
    "api.connection",
    "api.purge",
    "api.audit_entry",
    "connector.connection",
    "connector.tombstone",
    "health_monitor.state",
    "health_monitor.tombstone",
    "mapping.purge",
    "mapping.tombstone",
    "notifier.connection",
    "notifier.tombstone",
}
"""What may name a deleted connection, and nothing else of it."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    layout = Layout.discover(f"purge-e2e-{os.getpid()}")
    with Stack(layout, source="sandbox", durable=False, progress=Progress(quiet=True)) as stack:
        yield stack


@pytest.fixture(scope="module")
def customers(stack: Stack, vendor: Vendor, receiver: WebhookReceiver) -> list[tuple[str, str]]:
    """Two: one that is deleted, one that stays."""
    receiver.secret = vendor.post("/webhook-endpoints", {"url": receiver.url})["secret"]
    made = [
        vendor.connect(
            "sandbox", stack.source.connection_fields, label=f"{CANARY}-{number}", metadata={"is": CANARY}
        )
        for number in range(2)
    ]
    for connection_id, _ in made:
        wait_until("the first sync", lambda: completed(vendor, connection_id), SECONDS)  # noqa: B023
    return made


def completed(vendor: Vendor, connection_id: str, request_id: str | None = None) -> bool:
    syncs = vendor.get(f"/connections/{connection_id}/syncs")["data"]
    return any(one["completed_at"] for one in syncs if request_id in {None, one["request_id"]})


def live(vendor: Vendor, connection_id: str) -> None:
    """What a customer does in a year."""
    path = f"/connections/{connection_id}"
    vendor.put(f"{path}/mappings/asset", {"custom_fields": {"note": {"path": "id", "type": "string"}}})
    vendor.post(f"{path}/diagnose", {})
    vendor.post(f"{path}/breaker", {"state": "open", "reason": CANARY})
    vendor.post(f"{path}/breaker", {"state": "closed", "reason": CANARY})
    vendor.put(f"{path}/schedule", {"every_minutes": 15, "full_every_hours": None, "objects": {}})
    vendor.post("/link-sessions", {"connection_id": connection_id})
    vendor.post(f"{path}/pause")
    vendor.post(f"{path}/resume")
    vendor.post(f"{path}/syncs", {"mode": "full", "request_id": "the-last"})
    wait_until(
        "the last sync",
        lambda: any(
            one["request_id"] == "the-last" and one["completed_at"]
            for one in vendor.get(f"{path}/syncs")["data"]
        ),
        SECONDS,
    )


async def published(bootstrap: str) -> list[Any]:
    """Every record of every topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = await all_partitions(bootstrap)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[Any] = []
        for partition, end in (await consumer.end_offsets(partitions)).items():
            while await consumer.position(partition) < end:
                found += (await consumer.getmany(partition, timeout_ms=500)).get(partition, [])
        return found
    finally:
        await consumer.stop()


async def publish_again(bootstrap: str, records: list[Any]) -> None:
    """As if they were on their way all the time: the same records under new ids."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for record in records:
            headers = [
                (name, f"evt_{uuid.uuid4().hex}".encode() if name == "ce_id" else value)
                for name, value in record.headers
            ]
            await producer.send_and_wait(record.topic, record.value, record.key, headers=headers)
    finally:
        await producer.stop()


async def lag(bootstrap: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await admin.start()
    await consumer.start()
    try:
        behind = 0
        for group, _ in await admin.list_consumer_groups():
            committed = await admin.list_consumer_group_offsets(group)
            ends = await consumer.end_offsets(list(committed))
            behind += sum(ends[one] - max(at.offset, 0) for one, at in committed.items())
        return behind
    finally:
        await consumer.stop()
        await admin.close()


def about(record: Any, connection_id: str) -> bool:
    return connection_id.encode() in (record.key or b"") + (record.value or b"")


def last_words(records: list[Any], topic: str, connection_id: str) -> dict[bytes, bytes | None]:
    """Of each key of the connection the last value."""
    found: dict[bytes, bytes | None] = {}
    for record in records:
        if record.topic.startswith(PREFIX + topic) and about(record, connection_id):
            found[record.key] = record.value
    return found


def test_nothing_of_a_deleted_customer_stays_and_nothing_late_comes_back(
    stack: Stack, vendor: Vendor, receiver: WebhookReceiver, customers: list[tuple[str, str]]
) -> None:
    (connection_id, token), (neighbour, neighbour_token) = customers
    live(vendor, connection_id)
    bootstrap = stack.kafka.bootstrap_servers
    before = [one for one in asyncio.run(published(bootstrap)) if about(one, connection_id)]
    assert {"records.raw", "connection.calls", "sync.events", "mappings", "entities.asset"} <= {
        one.topic.removeprefix(PREFIX) for one in before
    }

    commands = CliRunner(env={"LINESHAFT_URL": vendor.api_url, "LINESHAFT_KEY": vendor.admin_key})
    ordered = ["connections", "delete", connection_id]
    assert "nothing was deleted" in commands.invoke(app, ordered, input="another\n").output
    deleted = commands.invoke(app, ordered, input=f"{CANARY}-0\n")
    assert (deleted.exit_code, "health-monitor" in deleted.output) == (0, True), deleted.output
    purge = wait_until("the receipts", lambda: done(vendor, connection_id), SECONDS)
    counted = {one["service"]: one["rows"] for one in purge["receipts"]}
    assert (
        "events that name it expire by"
        in commands.invoke(app, ["connections", "receipt", connection_id]).output
    )
    assert counted["mapping"]["record"] > 0
    assert counted["connector"]["credential"] == 1
    assert counted["health-monitor"]["timeline"] > 0
    assert counted["notifier"]["event"] > 0

    purged = asyncio.run(published(bootstrap))
    for topic in ("mappings", "connections", "connection.status"):
        assert all(
            CANARY.encode() not in (one or b"") for one in last_words(purged, topic, connection_id).values()
        )
    assert set(last_words(purged, "mappings", connection_id).values()) == {None}

    late = [one for one in before if not one.topic.startswith(f"{PREFIX}entities.") and one.value]
    asyncio.run(publish_again(bootstrap, late))
    wait_until("the late events", lambda: asyncio.run(lag(bootstrap)) == 0, SECONDS)
    receiver.wait_for(
        lambda one: (one.type, one.connection_id) == ("connection.disconnected", connection_id), SECONDS
    )
    wait_until("only tombstones", lambda: not left(stack, connection_id), SECONDS)
    assert whose(stack, f"{CANARY}-0") == set()

    entities = last_words(asyncio.run(published(bootstrap)), "entities.", connection_id)
    assert entities
    assert set(entities.values()) == {None}

    assert vendor.call("GET", f"/connections/{connection_id}").status_code == 404
    assert vendor.call("GET", "/assets", token=token).status_code == 401
    assert vendor.get("/assets", token=neighbour_token)["data"]
    assert vendor.status(neighbour)["status"] == "healthy"


def done(vendor: Vendor, connection_id: str) -> dict[str, Any] | None:
    purge: dict[str, Any] = vendor.get(f"/connections/{connection_id}/purge")
    return purge if purge["state"] == "completed" else None


def whose(stack: Stack, text: str) -> set[str]:
    """The tables that hold it."""
    found = all_of(rows(stack.postgres.dsn))
    return {
        where.removeprefix("column ").rpartition(".")[0] for where, value in found if text.encode() in value
    }


def left(stack: Stack, connection_id: str) -> set[str]:
    return whose(stack, connection_id) - TOMBSTONES
