"""What goes wrong around Lineshaft, and what becomes of it."""

import asyncio
import json
import os
import time
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(240)]

Connected = tuple[str, str]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    layout = Layout.discover(f"bad-input-{os.getpid()}")
    with Stack(layout, source="sandbox", durable=False, progress=Progress(quiet=True)) as stack:
        yield stack


@pytest.fixture(scope="module")
def connection(stack: Stack, vendor: Vendor) -> Connected:
    """Id and token of a connection whose first sync is complete."""
    connection_id, token = vendor.connect(stack.source.system, stack.source.connection_fields)
    wait_until("the first sync", lambda: completed(vendor, connection_id), 90)
    return connection_id, token


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


def completed(vendor: Vendor, connection_id: str, request_id: str | None = None) -> bool:
    syncs = vendor.get(f"/connections/{connection_id}/syncs")["data"]
    return any(one["completed_at"] for one in syncs if request_id in {None, one["request_id"]})


async def _send(bootstrap: str, records: list[tuple[bytes, list[tuple[str, bytes | None]]]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for value, headers in records:
            await producer.send_and_wait("lineshaft.sync.requests", value, b"one-key", headers=headers)
    finally:
        await producer.stop()


async def _dead_letters(bootstrap: str, wanted: int) -> list[dict[str, str]]:
    consumer = AIOKafkaConsumer(
        "lineshaft.dead-letters", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [
                {
                    name: value.decode()
                    for name, value in (await consumer.getone()).headers
                    if name.startswith("dlq")
                }
                for _ in range(wanted)
            ]
    finally:
        await consumer.stop()


def test_sync_requests_that_cannot_be_handled_are_set_aside_and_the_next_one_is_handled(
    stack: Stack, vendor: Vendor, connection: Connected
) -> None:
    connection_id, _ = connection
    good = json.dumps({"connection_id": connection_id, "request_id": "after-the-bad-ones"}).encode()
    bootstrap = stack.kafka.bootstrap_servers
    asyncio.run(
        _send(
            bootstrap,
            [
                (b"not json", []),
                (b'{"connection_id": "con_unknown"}', []),
                (json.dumps({"connection_id": connection_id, "entities": ["assets"]}).encode(), []),
                (good, [("ce_type", b"\xff")]),
                (good, [("traceparent", None)]),
                (good, []),
            ],
        )
    )
    wait_until("the good request", lambda: completed(vendor, connection_id, "after-the-bad-ones"), 60)
    letters = asyncio.run(_dead_letters(bootstrap, 5))
    reasons = sorted(letter["dlq_message"] for letter in letters)
    for word in ("not JSON", "con_unknown", "assets", "not UTF-8", "is null"):
        assert sum(word in reason for reason in reasons) == 1, reasons
    assert {letter["dlq_topic"] for letter in letters} == {"sync.requests"}


@pytest.mark.nightly
def test_a_source_that_is_not_there_is_classified_and_read_when_it_is_back(
    stack: Stack, vendor: Vendor, connection: Connected
) -> None:
    connection_id, token = connection
    stack.source.stop()
    try:
        vendor.post(f"/connections/{connection_id}/syncs", {"request_id": "while-down"})
        error = wait_until(
            "the error log",
            lambda: next(
                (
                    one
                    for one in vendor.get(f"/connections/{connection_id}/errors")["data"]
                    if one["outcome"] == "unreachable"
                ),
                None,
            ),
            60,
        )
        assert error["request_id"]
        assert vendor.get("/items?limit=1", token=token)["data"]
    finally:
        stack.source.launch()
        stack.source.wait_until_ready()
    wait_until("the sync that had to wait", lambda: completed(vendor, connection_id, "while-down"), 120)


def test_keys_open_their_own_doors_only(vendor: Vendor, connection: Connected) -> None:
    connection_id, token = connection
    assert vendor.call("GET", "/items", token="lsc_nobody").status_code == 401
    assert vendor.call("GET", f"/connections/{connection_id}", token="lsa_nobody").status_code == 401
    assert vendor.call("GET", "/connections", token=token).status_code == 403
    assert vendor.call("GET", "/connections/con_other/status", token=token).status_code == 404
    assert vendor.call("GET", f"/connections/{connection_id}/status", token=token).status_code == 200


def test_a_receiver_that_is_down_gets_its_webhook_when_it_is_back(
    vendor: Vendor, connection: Connected, receiver: WebhookReceiver
) -> None:
    connection_id, _ = connection
    endpoint = vendor.post(
        "/webhook-endpoints", {"url": receiver.url, "event_types": ["connection.status_changed"]}
    )
    receiver.secret = endpoint["secret"]
    port = receiver.port
    receiver.stop()
    vendor.post(f"/connections/{connection_id}/pause")

    def due() -> bool:
        deliveries = vendor.get(f"/webhook-endpoints/{endpoint['id']}/deliveries")["data"]
        return any(one["attempts"] >= 1 and not one["delivered_at"] for one in deliveries)

    wait_until("a failed attempt that stays due", due, 30)
    receiver.port = port
    receiver.start()
    started = time.monotonic()
    delivery = receiver.wait_for(lambda one: one.connection_id == connection_id, 60)
    assert delivery.problem is None
    assert delivery.body["data"]["status"] == "paused"
    assert time.monotonic() - started < 60
    vendor.post(f"/connections/{connection_id}/resume")
