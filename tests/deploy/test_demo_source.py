"""The demo source's own scripts, on the plant and the Tryton of the local stack."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.ports import LOOPBACK, free_port
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.tryton_environment import PlantSize, plant_template, tryton_python

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

START_SECONDS = 60.0


class DemoSource:
    def __init__(self, python: Path, scripts: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.environment = {**environment, "TRYTOND_WEB__LISTEN": f"{LOOPBACK}:{free_port()}"}
        self._check = [python, scripts / "healthcheck.py"]
        self._command = Command(
            "demo-source", (str(python), str(scripts / "start.py")), self.environment, folder=folder
        )
        self._log = folder / "log"
        self.child: Child | None = None

    def start(self, run: Any) -> None:
        self.child = Child(self._command, self._log)
        self.child.wait_until_ready(lambda: self._healthy(run), START_SECONDS)

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def login(self, user: str, password: str) -> int:
        """The HTTP status."""
        question = {"id": 1, "method": "common.db.login", "params": [user, {"password": password}, "en"]}
        url = f"http://{self.environment['TRYTOND_WEB__LISTEN']}/plant/rpc/"
        return httpx.post(url, json=question, timeout=30, trust_env=False).status_code

    def _healthy(self, run: Any) -> bool:
        try:
            run(*self._check, environment=self.environment)
        except AssertionError:
            return False
        return True


@pytest.fixture
def source(checkout: Path, compose: Any, tmp_path: Path) -> Iterator[DemoSource]:
    layout, progress = Layout.discover(), Progress(quiet=True)
    (tmp_path / "data").mkdir()
    source = DemoSource(
        tryton_python(layout, progress),
        checkout / "deploy" / "demo-source",
        tmp_path,
        {
            "PATH": os.environ["PATH"],
            "DEMO_TEMPLATE": str(plant_template(layout, progress, PlantSize())),
            "TRYTOND_DATABASE__URI": "sqlite://",
            "TRYTOND_DATABASE__PATH": str(tmp_path / "data"),
            **compose.services()["demo-source"]["environment"],
        },
    )
    yield source
    source.stop()


def test_the_demo_users_can_log_in_and_the_plant_outlives_a_restart(source: DemoSource, run: Any) -> None:
    source.start(run)
    assert source.child
    assert "connect to database plant as lineshaft / demo-plant-2026" in source.child.last_log_lines()
    assert source.login("lineshaft", "demo-plant-2026") == httpx.codes.OK
    assert source.login("admin", "demo-admin-2026") == httpx.codes.OK
    assert source.login("lineshaft", "another") == httpx.codes.UNAUTHORIZED
    source.stop()

    source.environment["DEMO_PASSWORD"] = "set only by the first start"
    source.start(run)
    assert source.login("lineshaft", "demo-plant-2026") == httpx.codes.OK
