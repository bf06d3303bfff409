"""docs/howto/add-a-system.md to the letter: a folder alone, and its records are read."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lineshaft.cli.main import app
from lineshaft.common.integrations import System
from lineshaft.tools.testing.sandbox import running_sandbox

from .sql_source import opened, read_all

CHECKOUT = Path(__file__).parents[3]
PAGE = (CHECKOUT / "docs/howto/add-a-system.md").read_text(encoding="utf-8")
STEPS = re.compile(
    r"^```sh\nlineshaft (?P<command>[^\n]+)\n```$|^`(?P<file>\S+)`:\n\n```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
INCOMPLETE = 1
"""How many of the page's commands say what is still to do."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINESHAFT_INTEGRATIONS_DIR", str(tmp_path))
    refusals = 0
    for step in STEPS.finditer(PAGE):
        if step["command"]:
            done = CliRunner().invoke(app, step["command"].split())
            refusals += done.exit_code
            assert refusals <= INCOMPLETE, done.output
        else:
            (tmp_path / "plantbook" / step["file"]).write_text(step["text"], encoding="utf-8")
    return tmp_path


async def test_a_system_is_added_by_its_folder_alone(folder: Path) -> None:
    suite = CHECKOUT / "libs/common/tests/integrations/test_folders.py"
    contract = subprocess.run(  # noqa: ASYNC221, S603  nothing else runs here; our own suite
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(suite)],
        env={**os.environ, "LINESHAFT_INTEGRATIONS_DIR": str(folder)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert contract.returncode == 0, contract.stdout
    with running_sandbox("plantbook") as sandbox:
        async with opened(sandbox, system=System.load(folder / "plantbook")) as adapter:
            assert (await adapter.verify()).account_id == "plant-7"
            assets, cursor = await read_all(adapter, "assets", ["id", "name"], limit=40)
            changed, _ = await read_all(adapter, "assets", ["id", "name"], cursor, limit=40)
    assert [one["id"] for one in assets] == list(range(1, 91))
    assert changed == []
