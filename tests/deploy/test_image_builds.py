"""The Dockerfiles' own steps in a folder: the same commands on the same files, without an engine."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lineshaft.common.service import CONFIGURATION_EXIT_CODE

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]

IGNORED = shutil.ignore_patterns("__pycache__", "tests", "*.egg-info", ".*_cache")
NOT_PACKAGED = {".py", ".pyc", ".typed"}


class Build:
    """Stages, ENV, WORKDIR, COPY and RUN; absolute paths lie below `root`."""

    def __init__(self, context: Path, root: Path, run: Any, environment: Mapping[str, str]) -> None:
        self._context = context
        self.root = root
        self._run = run
        self._base = dict(environment)
        self.environment = dict(environment)
        self._folder = root
        self._steps: dict[str, Callable[[str], None]] = {
            "FROM": self._from,
            "ENV": self._env,
            "WORKDIR": self._workdir,
            "COPY": self._copy,
            "RUN": self._run_step,
        }

    def stage(self, dockerfile: Any, number: int) -> None:
        stage = -1
        for name, rest in dockerfile.instructions:
            stage += name == "FROM"
            if stage == number and name in self._steps:
                self._steps[name](rest)

    def _from(self, _: str) -> None:
        self.environment = dict(self._base)

    def _env(self, pairs: str) -> None:
        for pair in pairs.split():
            name, value = pair.split("=", 1)
            self.environment[name] = self._placed(value).replace("$PATH", self.environment["PATH"])

    def _workdir(self, path: str) -> None:
        self._folder = Path(self._placed(path))
        self._folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, arguments: str) -> None:
        *sources, destination = arguments.split()
        for source in sources:
            for found in self._context.glob(source):
                target = self._folder / destination
                if found.is_dir():
                    shutil.copytree(found, target, ignore=IGNORED)
                else:
                    target.mkdir(parents=True, exist_ok=True)
                    shutil.copy(found, target)

    def _run_step(self, command: str) -> None:
        self._run("sh", "-ec", self._placed(command), folder=self._folder, environment=self.environment)

    def _placed(self, text: str) -> str:
        for folder in ("/opt", "/build"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text


@pytest.fixture
def environment(bare_environment: dict[str, str]) -> dict[str, str]:
    """With the interpreter that made our environment as `python`, and pip's settings of this machine."""
    path = f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}{bare_environment['PATH']}"
    settings = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    return {**bare_environment, **settings, "PATH": path}


@pytest.fixture
def build(checkout: Path, tmp_path: Path, run: Any, environment: dict[str, str]) -> Build:
    return Build(checkout, tmp_path, run, environment)


def test_the_service_runs_from_what_the_image_has(
    checkout: Path, dockerfile: Any, module: str, run: Any, build: Build
) -> None:
    build.stage(dockerfile, 0)
    installed = build.root / "opt" / "lineshaft"
    for package in ("common", module):
        assert data_files(package_folder(checkout, package)) == data_files(
            next(installed.glob(f"lib/python3*/site-packages/lineshaft/{package}"))
        )
    packages = run("pip", "list", "--format=freeze", environment=build.environment).stdout
    assert "pytest" not in packages
    # with every secret missing it must get as far as its settings: all its imports are there
    done = run(
        *dockerfile.command,
        code=CONFIGURATION_EXIT_CODE,
        environment={**build.environment, "LINESHAFT_HTTP_PORT": "http"},
        folder=build.root,
    )
    assert "LINESHAFT_HTTP_PORT" in done.stderr


def test_the_demo_source_is_built_with_its_plant(checkout: Path, build: Build, read_dockerfile: Any) -> None:
    build.stage(read_dockerfile(checkout / "deploy" / "demo-source" / "Dockerfile"), 0)
    plant = build.root / "opt" / "tryton" / "plant" / "plant.sqlite"
    assert plant.stat().st_size > 1_000_000


def package_folder(checkout: Path, package: str) -> Path:
    home = "libs/common" if package == "common" else f"services/{package.replace('_', '-')}"
    return checkout / home / "src" / "lineshaft" / package


def data_files(package: Path) -> set[str]:
    """SQL, templates and the like, which a wheel could leave out."""
    return {
        str(path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and path.suffix not in NOT_PACKAGED
    }
