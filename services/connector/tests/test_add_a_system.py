"""The pages on adding a system, to the letter: a folder alone, and its records are read."""

import os
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from lineshaft.cli.main import app
from lineshaft.common.integrations import System
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.testing.sandbox import running_sandbox

from .sql_source import opened, read_all

CHECKOUT = Path(__file__).parents[3]
STEPS = re.compile(
    r"^```sh\nlineshaft (?P<command>[^\n]+)\n```$|^`(?P<file>\S+)`:\n\n```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
STATEMENTS = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = {"plantbook": "add-a-system.md", "shopfloor": "add-a-database.md"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("integrations")
    for system, page in PAGES.items():
        last = {}
        for step in STEPS.finditer(_text(page)):
            if step["command"]:
                done = CliRunner().invoke(
                    app, step["command"].split(), env={"LINESHAFT_INTEGRATIONS_DIR": str(folder)}
                )
                last[step["command"]] = done.exit_code, done.output
            else:
                (folder / system / step["file"]).write_text(step["text"], encoding="utf-8")
        assert {code for code, _ in last.values()} == {0}, last
    return folder


def _text(page: str) -> str:
    return (CHECKOUT / "docs/howto" / page).read_text(encoding="utf-8")


def test_the_folders_hold_to_the_contract(folder: Path) -> None:
    suite = CHECKOUT / "libs/common/tests/integrations/test_folders.py"
    contract = subprocess.run(  # noqa: S603  our own suite
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(suite)],
        env={**os.environ, "LINESHAFT_INTEGRATIONS_DIR": str(folder)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert contract.returncode == 0, contract.stdout


async def test_a_system_is_added_by_its_folder_alone(folder: Path) -> None:
    system = System.load(folder / "plantbook")
    with running_sandbox("plantbook") as sandbox:
        async with opened(sandbox, system=system) as adapter:
            assert (await adapter.verify()).account_id == "plant-7"
            assets, cursor = await read_all(adapter, "assets", ["id", "name"], limit=40)
            changed, _ = await read_all(adapter, "assets", ["id", "name"], cursor, limit=40)
    assert [one["id"] for one in assets] == list(range(1, 91))
    assert changed == []


@pytest.mark.integration
async def test_a_database_is_added_by_its_folder_alone(folder: Path) -> None:
    system = System.load(folder / "shopfloor")
    views, answer = STATEMENTS.findall(_text(PAGES["shopfloor"]))
    supervisor = Supervisor(Layout.discover(f"shopfloor-{os.getpid()}"), Progress(quiet=True))
    try:
        plant = PostgresqlSource(supervisor)
        plant.start()
        plant.execute(views)
        ((recorded,),) = plant.fetch(answer)
        assert set(orjson.loads(recorded)["records"][0]) == {
            "plant",
            "number",
            "name",
            "status",
            "updated_at",
        }
        async with opened(plant, system=system) as adapter:
            assert (await adapter.verify()).account_id.startswith("reader@")
            machines, cursor = await read_all(adapter, "machines", ["name", "status"], limit=40)
            plant.execute("update assets set name = 'Renamed', updated_at = now() where number = 'MOTOR-001'")
            changed, _ = await read_all(adapter, "machines", ["name"], cursor, limit=40)
        ((count,),) = plant.fetch("select count(*) from assets")
    finally:
        supervisor.stop()
    assert len({(one["plant"], one["number"]) for one in machines}) == count
    assert [one["name"] for one in changed] == ["Renamed"]
