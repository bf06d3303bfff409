"""Kafka Connect with the transformations that it ships, to a file of text.

They choose and rename the 20 fields and put the six moments into UTC. Codes, references, amounts and numbers
stay as they are, since no transformation that ships maps them; nor is anything published, since no sink that
ships does. The process of the worker is measured, from the moment its connector is created: Java has started.
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from harness.meter import measured, memory, spec
from harness.services import cpu_seconds

from lineshaft.common.ids import new_id
from lineshaft.tools.stack.ports import free_port

HERE = Path(__file__).parents[1] / "connect"
PATIENCE_SECONDS = 300.0
TICK_SECONDS = 0.02

FIELDS = {
    "code": "number",
    "name": "title",
    "description": "description",
    "kind": "type",
    "state": "status",
    "priority": "priority",
    "asset": "asset",
    "location": "location",
    "planner": "planner",
    "due": "due_at",
    "planned_start": "planned_start",
    "planned_end": "planned_end",
    "started": "actual_start",
    "hours_estimated": "estimated_hours",
    "downtime": "downtime_minutes",
    "cost": "planned_cost",
    "cost_center": "cost_center",
    "note": "completion_note",
    "created": "created_at",
    "updated": "updated_at",
}
MOMENTS = ("due_at", "planned_start", "planned_end", "actual_start", "created_at", "updated_at")
TRANSFORMS = "org.apache.kafka.connect.transforms"


def connector(topic: str, file: Path) -> dict[str, str]:
    fields = {
        "transforms.fields.type": f"{TRANSFORMS}.ReplaceField$Value",
        "transforms.fields.include": ",".join(FIELDS),
        "transforms.fields.renames": ",".join(f"{old}:{new}" for old, new in FIELDS.items() if old != new),
    }
    moments = {
        f"transforms.{name}.{option}": value
        for name in MOMENTS
        for option, value in {
            "type": f"{TRANSFORMS}.TimestampConverter$Value",
            "field": name,
            "target.type": "string",
            "format": "yyyy-MM-dd'T'HH:mm:ssXXX",
        }.items()
    }
    return {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "tasks.max": "1",
        "topics": topic,
        "file": str(file),
        "transforms": ",".join(["fields", *MOMENTS]),
        **fields,
        **moments,
    }


@contextlib.contextmanager
def running_worker(asked: Mapping[str, Any], folder: Path) -> Iterator[tuple[int, str]]:
    """The worker's process id and address."""
    address = f"http://127.0.0.1:{free_port()}"
    settings = {
        "bootstrap.servers": asked["bootstrap_servers"],
        "listeners": address,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "plugin.discovery": "service_load",
        "offset.storage.file.filename": str(folder / "offsets"),
        "offset.flush.interval.ms": "500",
        "consumer.auto.offset.reset": "earliest",
    }
    file = folder / "worker.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
    java = ["java", "-Xmx512m", "-XX:+UseSerialGC", f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}"]
    worker = subprocess.Popen(
        [*java, "-cp", f"{asked['jars']}/*", "org.apache.kafka.connect.cli.ConnectStandalone", str(file)],
        stdout=sys.stderr,
    )
    try:
        yield worker.pid, address
    finally:
        worker.kill()
        worker.wait()


async def until_ready(client: httpx.AsyncClient) -> None:
    while True:
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/connectors")).is_success:
                return
        await asyncio.sleep(TICK_SECONDS)


async def until_committed(admin: AIOKafkaAdminClient, group: str, records: int) -> None:
    while True:
        with contextlib.suppress(GroupCoordinatorNotAvailableError):
            offsets = await admin.list_consumer_group_offsets(group)
            if sum(max(0, one.offset) for one in offsets.values()) >= records:
                return
        await asyncio.sleep(TICK_SECONDS)


async def measure(asked: Mapping[str, Any], folder: Path) -> None:
    file, name = folder / "records", new_id("bench")
    with running_worker(asked, folder) as (pid, address):
        admin = AIOKafkaAdminClient(bootstrap_servers=asked["bootstrap_servers"])
        await admin.start()
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            httpx.AsyncClient(base_url=address, trust_env=False) as client,
        ):
            await until_ready(client)
            idle, cpu, wall = memory("VmRSS", pid), cpu_seconds(pid), time.perf_counter()
            made = {"name": name, "config": connector(asked["prefix"] + asked["topic"], file)}
            (await client.post("/connectors", json=made)).raise_for_status()
            await until_committed(admin, f"connect-{name}", asked["records"])
        measured(
            asked["records"],
            cpu_seconds=cpu_seconds(pid) - cpu,
            wall_seconds=time.perf_counter() - wall,
            idle_mb=idle,
            peak_mb=memory("VmHWM", pid),
        )
        await admin.close()
    lines = file.read_text(encoding="utf-8").splitlines()
    if len(lines) != asked["records"] or "actual_start=20" not in lines[0] or "Z" not in lines[0]:
        raise RuntimeError(f"{len(lines)} lines, the first one {lines[:1]}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(measure(spec(), Path(place)))
