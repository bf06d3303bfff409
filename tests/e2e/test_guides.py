"""The commands of the guides, as they stand there, against a running stack with a PostgreSQL plant."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.postgres_binaries import postgres_binaries
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack

from .writing import a_vendor_and_its_purchase_order

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(180)]

GUIDES = find_checkout() / "docs" / "howto"
_BLOCK = re.compile(r"^```\n((?:curl|lineshaft|psql) .*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL = re.compile(r"^```sh\n(curl .*?)^```$", re.MULTILINE | re.DOTALL)
_COMMANDS = re.compile(r"^(?=(?:curl|lineshaft|psql) )", re.MULTILINE)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXMtdGVzdA=="
GUIDED = [
    "first-steps",
    "read-data",
    "map-fields",
    "drift",
    "custom-objects",
    "schedules-and-deletions",
    "write-back",
    "command-line",
    "connect",
    "diagnose",
]
LEAVING = ["secure"]
"""Their commands stand in `sh` blocks, and the last of them deletes the customer."""
PSQL = postgres_binaries(Layout.discover("guides"), None)
GOOD = {"200", "201", "202", "204", "207", "304"}
REFUSED = {"/deletions/stock.lot/approve": "404"}
"""What the plant of this test has no reason for."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    layout = Layout.discover(f"guides-e2e-{os.getpid()}")
    with Stack(layout, source="postgresql", durable=False, progress=Progress(quiet=True)) as stack:
        yield stack


@pytest.fixture(scope="module")
def variables(stack: Stack, vendor: Vendor) -> dict[str, str]:
    """What the guides tell their reader to fill in."""
    plant = stack.source
    assert isinstance(plant, PostgresqlSource)
    plant.execute(
        "create table lubrication_points (point_no text primary key, grease text, changed timestamptz)",
        f"grant select on lubrication_points to {plant.username}",
        "alter table assets add column x_abc text",
    )
    connection_id, token = vendor.connect("postgresql", plant.connection_fields)
    wait_until("vendors", lambda: vendor.get("/vendors?limit=1", token=token)["data"], 40)
    wait_until("items", lambda: vendor.get("/items?source_id=42", token=token)["data"], 40)
    (duplicate,) = vendor.call(
        "POST",
        "/vendors/bulk",
        {"items": [{"values": {"number": "TWICE", "name": "Bolts again"}}]},
        token=token,
    ).json()["data"]
    (first,) = vendor.get("/vendors?limit=1", token=token)["data"]
    api = stack.api_url
    plant.execute("alter table parts add column hazard text")
    return {
        "ADMIN_KEY": stack.admin_key,
        "TOKEN": token,
        "API": api,
        "LINESHAFT_URL": api,
        "LINESHAFT_KEY": stack.admin_key,
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka.bootstrap_servers,
        "ID": connection_id,
        "MAP": f"{api}/v1/connections/{connection_id}/mappings/item",
        "VENDOR": first["id"],
        "DUPLICATE": duplicate["data"]["id"],
        "PLANT": plant.administrator["dsn"],
        "OPERATION": duplicate["operation_id"],
        "ETAG": vendor.call("GET", f"/vendors/{first['id']}", token=token).headers["etag"],
    }


@pytest.mark.parametrize("guide", GUIDED)
def test_every_command_does_what_it_is_there_for(
    guide: str, variables: dict[str, str], tmp_path: Path
) -> None:
    do_as_told(guide, _BLOCK, variables, tmp_path)


def do_as_told(guide: str, blocks: re.Pattern[str], variables: dict[str, str], folder: Path) -> None:
    text = (GUIDES / f"{guide}.md").read_text(encoding="utf-8")
    commands = [
        one.strip() for block in blocks.findall(text) for one in _COMMANDS.split(block) if one.strip()
    ]
    assert commands
    for command in commands:
        shown = command.replace("curl ", "curl --silent --show-error --write-out '%{stderr}%{http_code}' ", 1)
        done = subprocess.run(  # noqa: S603  commands of our own pages
            ["bash", "-euo", "pipefail", "-c", shown],  # noqa: S607  the reader's own shell
            env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:{PSQL}", **variables},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if not command.startswith("curl "):
            continue
        status = done.stderr[-3:]
        expected = next((code for part, code in REFUSED.items() if part in command), None)
        good = status == expected if expected else status in GOOD
        assert good, f"{command}\n{done.stdout}"


def test_the_python_of_the_client_guide_runs(
    stack: Stack, variables: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {
        "url": stack.api_url,
        "admin_key": stack.admin_key,
        "connection_id": variables["ID"],
        "brokers": stack.kafka.bootstrap_servers,
        "secret": SECRET,
    }
    for block in _PYTHON.findall((GUIDES / "python-client.md").read_text(encoding="utf-8")):
        exec(block, names)  # noqa: S102  code of our own page
    names["lineshaft"].close()
    printed = capsys.readouterr().out
    assert "send the customer to http" in printed
    assert names["changed"]["name"] == "Hydraulics Limited"
    assert "V-belt" in printed

    body = b'{"type": "connection.recovered", "timestamp": "", "data": {"connection_id": "con_1"}}'
    at = datetime.now(tz=UTC)
    signed = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(SECRET).sign("msg_1", at, body.decode()),
    }
    assert names["receive"](signed, body) == 204
    assert names["receive"](signed, body + b" ") == 401


def test_webhooks_come_to_the_developers_machine(
    variables: dict[str, str], vendor: Vendor, receiver: WebhookReceiver
) -> None:
    command = [str(Path(sys.executable).parent / "lineshaft"), "webhooks", "listen"]
    with subprocess.Popen(  # noqa: S603  our own command
        [*command, "--forward-to", receiver.url, "--event-type", "connection.status_changed"],
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as listening:
        assert listening.stdout is not None
        try:
            endpoint_id, _, *_, receiver.secret = listening.stdout.readline().split()
            vendor.post(f"/webhook-endpoints/{endpoint_id}/test")
            at, event_type, connection_id, webhook_id, status = listening.stdout.readline().split()
        finally:
            listening.send_signal(signal.SIGINT)
            assert listening.wait(20) == 0
    assert (event_type, connection_id, status) == ("endpoint.test", "-", "204")
    delivery = receiver.wait_for(lambda one: one.id == webhook_id, 1)
    assert (delivery.type, delivery.problem) == ("endpoint.test", None)
    assert at.count(":") == 2
    assert endpoint_id not in [one["id"] for one in vendor.get("/webhook-endpoints")["data"]]


def test_a_vendor_and_its_purchase_order_are_made_changed_and_read_back(
    vendor: Vendor, variables: dict[str, str]
) -> None:
    a_vendor_and_its_purchase_order(
        vendor,
        variables["ID"],
        {"number": "BOLTS-1", "currency": "EUR"},
        {"number": "PO-BOLTS-1", "status": "draft"},
        {"title": "More bolts", "status": "approved"},
    )


@pytest.mark.parametrize("guide", LEAVING)
def test_every_command_of_leaving_does_what_it_is_there_for(
    guide: str, variables: dict[str, str], tmp_path: Path
) -> None:
    do_as_told(guide, _SHELL, variables, tmp_path)
