"""docker-compose.yml as Compose would read it, and the instructions of the Dockerfiles."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.stack.service_settings import SERVICES

_INNERMOST = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^${}]*))?\}")


def interpolated(text: str, environment: Mapping[str, str]) -> str:
    """`${NAME:-default}` filled in as Compose does it: an empty value counts as none, defaults may nest."""

    def fill(match: re.Match[str]) -> str:
        value = environment.get(match["name"]) or match["default"]
        if value is None:
            raise KeyError(f"{match['name']} is needed and has no default")
        return value

    while _INNERMOST.search(text):
        text = _INNERMOST.sub(fill, text)
    return text


@dataclass(frozen=True, slots=True)
class Compose:
    text: str

    def services(self, environment: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
        services: dict[str, dict[str, Any]] = self._document(environment or {})["services"]
        return services

    def document(self) -> dict[str, Any]:
        return self._document({})

    def _document(self, environment: Mapping[str, str]) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(interpolated(self.text, environment))
        return document


@dataclass(frozen=True, slots=True)
class Dockerfile:
    instructions: list[tuple[str, str]]

    @classmethod
    def read(cls, path: Path) -> "Dockerfile":
        joined = path.read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line.split(maxsplit=1) for line in joined.splitlines() if line and not line.startswith("#")]
        return cls([(name, " ".join(rest.split())) for name, rest in lines])

    def all(self, name: str) -> list[str]:
        return [rest for instruction, rest in self.instructions if instruction == name]

    @property
    def command(self) -> list[str]:
        command: list[str] = json.loads(self.all("CMD")[-1])
        return command

    @property
    def health_command(self) -> list[str]:
        command: list[str] = json.loads(self.all("HEALTHCHECK")[-1].partition("CMD ")[2])
        return command

    @property
    def environment(self) -> dict[str, str]:
        """Of the last stage."""
        start = max(index for index, (name, _) in enumerate(self.instructions) if name == "FROM")
        settings = [rest for name, rest in self.instructions[start:] if name == "ENV"]
        return dict(pair.split("=", 1) for rest in settings for pair in rest.split())


@pytest.fixture(scope="session")
def checkout() -> Path:
    return find_checkout()


@pytest.fixture(scope="session")
def compose(checkout: Path) -> Compose:
    return Compose((checkout / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture(params=SERVICES)
def module(request: pytest.FixtureRequest) -> str:
    """Every service by the name of its package."""
    name: str = request.param
    return name


@pytest.fixture
def service(module: str) -> str:
    return module.replace("_", "-")


@pytest.fixture
def dockerfile(checkout: Path, service: str) -> Dockerfile:
    return Dockerfile.read(checkout / "services" / service / "Dockerfile")


@pytest.fixture(scope="session")
def read_dockerfile() -> Callable[[Path], Dockerfile]:
    return Dockerfile.read


@pytest.fixture(scope="session")
def bare_environment() -> dict[str, str]:
    """What a new container has, and nothing of ours."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run() -> Run:
    """`subprocess.run` with the output captured; the test shows it where the exit code is not `code`."""

    def run_(
        *command: str | Path,
        code: int = 0,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(  # noqa: S603  the commands are the tests' own
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{done.args}\n{done.stdout}\n{done.stderr}"
        return done

    return run_


def tool(name: str) -> str:
    """A program that a development dependency or a system package brings."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, f"{name} is not installed"
    return found


@pytest.fixture(scope="session")
def promtool() -> str:
    return tool("promtool")


@pytest.fixture(scope="session")
def hadolint() -> str:
    return tool("hadolint")


@pytest.fixture(scope="session")
def check_jsonschema() -> str:
    return tool("check-jsonschema")
