"""What readers are told to type, as it stands there, on a running stack with a PostgreSQL plant."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from lineshaft.cli.main import app
from lineshaft.common.integrations.oauth import AUTHORIZATION_CODE
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.topics import SYNC_REQUESTS
from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.postgres_binaries import postgres_binaries
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack
from lineshaft.tools.testing.oauth_system import SYSTEM, write_system
from lineshaft.tools.testing.sandbox import running_sandbox

from .pages import GUIDES, pages_run_by, to_run
from .writing import a_vendor_and_its_purchase_order

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(180)]

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXMtdGVzdA=="
LEAVING = ["docs/howto/first-steps.md", "docs/howto/secure.md"]
"""They end with a changed password and a deleted customer."""
DELETIONS = "docs/howto/schedules-and-deletions.md"
OF_HTTP = "docs/howto/network.md"
"""What it says of proxies and budgets, a database refuses."""
GUIDED = [page for page in pages_run_by(GUIDES, "sh") if page not in LEAVING]
PSQL = postgres_binaries(Layout.discover("guides"), None)
NAME = f"guides-e2e-{os.getpid()}"
SECONDS = 40.0
SHELL = """
set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body "$@"; }
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With a system besides at which customers log in themselves."""
    layout = Layout.discover(NAME)
    integrations = tmp_path_factory.mktemp("systems") / "integrations"
    shutil.copytree(layout.checkout / "integrations", integrations)
    write_system(integrations, "http://127.0.0.1:9", AUTHORIZATION_CODE)
    with Stack(
        layout,
        source="postgresql",
        durable=False,
        progress=Progress(quiet=True),
        extra_environment={"LINESHAFT_INTEGRATIONS_DIR": str(integrations)},
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def plant(stack: Stack) -> PostgresqlSource:
    assert isinstance(stack.source, PostgresqlSource)
    return stack.source


@pytest.fixture(scope="module")
def variables(stack: Stack, plant: PostgresqlSource, vendor: Vendor) -> dict[str, str]:
    """What the guides tell their reader to fill in."""
    plant.execute(
        "create table lubrication_points (point_no text primary key, grease text, changed timestamptz)",
        "insert into lubrication_points values ('L-1', 'EP 2', now()), ('L-2', 'EP 0', now())",
        f"grant select on lubrication_points to {plant.username}",
        "alter table assets add column x_abc text",
    )
    connection_id, token = vendor.connect("postgresql", plant.connection_fields)
    stack.note_connections([{"id": connection_id, "system": plant.system, "token": token}])
    wait_until("vendors", lambda: vendor.get("/vendors?limit=1", token=token)["data"], SECONDS)
    wait_until("items", lambda: vendor.get("/items?source_id=42", token=token)["data"], SECONDS)
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
        "SYSTEM": SYSTEM,
        "OBJECT": "lubrication_points",
        "LETTER": a_dead_letter(stack),
        "LINESHAFT_SECRET_KEYS": stack.settings.secret_keys,
        "LINESHAFT_POSTGRES_DSN": stack.postgres.dsn_for("lineshaft_api", stack.settings.role_password),
        "ETAG": vendor.call("GET", f"/vendors/{first['id']}", token=token).headers["etag"],
    }


def a_dead_letter(stack: Stack) -> str:
    """A request that nobody can read, and its place among the dead letters."""

    async def say_nonsense() -> None:
        producer = Producer(stack.kafka.bootstrap_servers, stack.settings.topic_prefix, "test")
        await producer.start()
        await producer.publish([Message(SYNC_REQUESTS.name, b"con_none", b"nonsense")])
        await producer.stop()

    def letters() -> list[str]:
        listed = CliRunner().invoke(
            app, ["dlq", "list"], env={"KAFKA_BOOTSTRAP_SERVERS": stack.kafka.bootstrap_servers}
        )
        return [line.split()[0] for line in listed.stdout.splitlines()]

    run_blocking(say_nonsense())
    [letter] = wait_until("the dead letter", letters, SECONDS)
    return str(letter)


@pytest.fixture
def desk(stack: Stack, tmp_path: Path) -> Path:
    """A folder like the reader's checkout, in which the stack runs."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "stack.json").write_bytes(Layout.discover(NAME).stack_file.read_bytes())
    return tmp_path


@pytest.mark.parametrize("page", GUIDED)
def test_every_command_does_what_it_is_there_for(
    page: str, variables: dict[str, str], desk: Path, plant: PostgresqlSource, vendor: Vendor
) -> None:
    if page == DELETIONS:
        everything_is_gone(plant, vendor, variables)
    if page != OF_HTTP:
        do_as_told(page, variables, desk)
        return
    with running_sandbox("guides-http") as sandbox:
        connection_id, _ = vendor.connect("sandbox", sandbox.connection_fields)
        do_as_told(page, {**variables, "ID": connection_id}, desk)


def everything_is_gone(plant: PostgresqlSource, vendor: Vendor, variables: dict[str, str]) -> None:
    """So that there are deletions to approve."""
    plant.execute(f"delete from {variables['OBJECT']}")
    of = f"/connections/{variables['ID']}"
    vendor.post(f"{of}/syncs", {"entities": ["custom:lubrication_point"], "mode": "full"})
    wait_until("deletions that are held", lambda: vendor.get(f"{of}/deletions")["data"], SECONDS)


def do_as_told(page: str, variables: dict[str, str], folder: Path) -> None:
    """Each block by itself; an answer that is a refusal ends it as a failed command does."""
    blocks = to_run(page, GUIDES, "sh")
    assert blocks
    for block in blocks:
        done = subprocess.run(  # noqa: S603  commands of our own pages
            ["bash", "-c", SHELL + block.text],  # noqa: S607  the reader's own shell
            env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:{PSQL}", **variables},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", pages_run_by(GUIDES, "http"))
def test_every_request_is_taken(page: str, vendor: Vendor) -> None:
    for block in to_run(page, GUIDES, "http"):
        request, _, body = block.text.partition("\n")
        method, path = request.split()
        answer = vendor.call(method, path.removeprefix("/v1"), orjson.loads(body))
        assert answer.is_success, f"{block.text}\n{answer.text}"


@pytest.mark.parametrize("page", pages_run_by(GUIDES, "sql"))
def test_an_administrator_grants_what_the_page_says(page: str, plant: PostgresqlSource) -> None:
    for block in to_run(page, GUIDES, "sql"):
        plant.execute(block.text)


def test_the_python_of_the_client_guide_runs(
    stack: Stack, variables: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {
        "url": stack.api_url,
        "admin_key": stack.admin_key,
        "connection_id": variables["ID"],
        "brokers": stack.kafka.bootstrap_servers,
        "source_object": variables["OBJECT"],
        "secret": SECRET,
    }
    for block in to_run("docs/howto/python-client.md", GUIDES, "python"):
        exec(block.text, names)  # noqa: S102  code of our own page
    names["lineshaft"].close()
    printed = capsys.readouterr().out
    assert "send the customer to http" in printed
    assert names["changed"]["name"] == "Hydraulics Limited"
    assert "V-belt" in printed
    assert "stops at None" in printed
    assert "grease_point has ['" in printed

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


@pytest.mark.parametrize("page", LEAVING)
def test_every_command_of_leaving_does_what_it_is_there_for(
    page: str, variables: dict[str, str], desk: Path
) -> None:
    do_as_told(page, variables, desk)
