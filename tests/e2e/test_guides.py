"""The commands of the guides, as they stand there, against a running stack with a PostgreSQL plant."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(180)]

GUIDES = find_checkout() / "docs" / "howto"
_BLOCK = re.compile(r"^```\n(curl .*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^curl (?:.*\\\n)*.*$", re.MULTILINE)
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
    (first,) = vendor.get("/vendors?limit=1", token=token)["data"]
    api = stack.api_url
    return {
        "ADMIN_KEY": stack.admin_key,
        "TOKEN": token,
        "API": api,
        "ID": connection_id,
        "MAP": f"{api}/v1/connections/{connection_id}/mappings/item",
        "VENDOR": first["id"],
        "ETAG": vendor.call("GET", f"/vendors/{first['id']}", token=token).headers["etag"],
    }


@pytest.mark.parametrize("guide", ["read-data", "map-fields", "custom-objects", "schedules-and-deletions"])
def test_every_command_does_what_it_is_there_for(
    guide: str, variables: dict[str, str], tmp_path: Path
) -> None:
    text = (GUIDES / f"{guide}.md").read_text(encoding="utf-8")
    commands = [one for block in _BLOCK.findall(text) for one in _COMMAND.findall(block)]
    assert commands
    for command in commands:
        shown = command.replace("curl ", "curl --silent --show-error --write-out '%{stderr}%{http_code}' ", 1)
        done = subprocess.run(  # noqa: S603  commands of our own pages
            ["bash", "-euo", "pipefail", "-c", shown],  # noqa: S607  the reader's own shell
            env={"PATH": os.environ["PATH"], **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        status = done.stderr[-3:]
        expected = next((code for part, code in REFUSED.items() if part in command), None)
        good = status == expected if expected else status in {"200", "201", "202", "304"}
        assert good, f"{command}\n{done.stdout}"
