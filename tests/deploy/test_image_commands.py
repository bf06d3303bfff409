"""What our images run, run as plain processes: the CMD, the health check, the jobs of docker-compose.yml."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lineshaft.common.service import CONFIGURATION_EXIT_CODE
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.ports import LOOPBACK, free_port
from lineshaft.tools.stack.spawner import Command

NEED_SECRETS = {
    "api": ["LINESHAFT_SECRET_KEYS", "LINESHAFT_LINK_SIGNING_KEY"],
    "connector": ["LINESHAFT_SECRET_KEYS"],
    "notifier": ["LINESHAFT_SECRET_KEYS", "LINESHAFT_LINK_SIGNING_KEY"],
}
START_SECONDS = 60.0
STOP_SECONDS = 30.0


def program(command: list[str]) -> list[str]:
    """`python` of the image is the one that runs the tests."""
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


@pytest.fixture
def health_check(checkout: Path, dockerfile: Any) -> list[str | Path]:
    """The image has the script beside its environment; the repository has it under deploy/docker."""
    _, script = dockerfile.health_command
    return [sys.executable, checkout / "deploy" / "docker" / Path(script).name]


@pytest.mark.parametrize("module", NEED_SECRETS, indirect=True)
def test_a_missing_setting_is_named_and_ends_it_with_code_2(
    dockerfile: Any, module: str, run: Any, bare_environment: dict[str, str]
) -> None:
    done = run(*program(dockerfile.command), code=CONFIGURATION_EXIT_CODE, environment=bare_environment)
    for variable in NEED_SECRETS[module]:
        assert f"{variable}: Field required" in done.stderr


def test_a_wrong_setting_is_named_and_ends_it_with_code_2(
    dockerfile: Any, run: Any, bare_environment: dict[str, str]
) -> None:
    environment = {**bare_environment, "LINESHAFT_HTTP_PORT": "http"}
    done = run(*program(dockerfile.command), code=CONFIGURATION_EXIT_CODE, environment=environment)
    assert "LINESHAFT_HTTP_PORT: Input should be a valid integer" in done.stderr


def test_a_job_without_its_settings_says_which(
    compose: Any, run: Any, bare_environment: dict[str, str]
) -> None:
    command = program(compose.services()["schemas"]["command"])
    done = run(*command, code=1, environment=bare_environment)
    assert "postgres_admin_dsn" in done.stderr
    assert "role_password" in done.stderr


def test_the_health_check_fails_where_nothing_listens(
    health_check: list[str | Path], run: Any, bare_environment: dict[str, str]
) -> None:
    done = run(
        *health_check,
        code=1,
        environment={**bare_environment, "LINESHAFT_HTTP_PORT": str(free_port())},
    )
    assert "no answer" in done.stderr


class Containers:
    """The containers of docker-compose.yml as processes, with their addresses replaced by real ones."""

    def __init__(
        self,
        compose: Any,
        addresses: Mapping[str, str],
        passwords: Mapping[str, str],
        base: Mapping[str, str],
    ) -> None:
        self._services = compose.services(passwords)
        self._addresses = addresses
        self._base = base

    def command(self, name: str) -> list[str]:
        return program(self._services[name]["command"])

    def environment(self, name: str, image: Mapping[str, str] | None = None) -> dict[str, str]:
        environment = {**self._base, **(image or {}), **self._services[name]["environment"]}
        for given, real in self._addresses.items():
            environment = {key: value.replace(given, real) for key, value in environment.items()}
        return environment


@pytest.fixture(scope="module")
def containers(
    compose: Any, bootstrap_servers: str, database: Any, run: Any, bare_environment: dict[str, str]
) -> Containers:
    """After the two jobs, which are run twice: `docker compose up` may run them again."""
    admin, role = urlsplit(database.admin_dsn), urlsplit(database.dsn("api"))
    address = f"{admin.hostname}:{admin.port}{admin.path}"
    containers = Containers(
        compose,
        {"kafka:9092": bootstrap_servers, "postgres:5432/lineshaft": address},
        # the roles belong to the whole server, which other tests use too
        {"POSTGRES_PASSWORD": admin.password or "", "LINESHAFT_ROLE_PASSWORD": role.password or ""},
        bare_environment,
    )
    for job in ("schemas", "topics", "schemas", "topics"):
        run(*containers.command(job), environment=containers.environment(job))
    return containers


@pytest.fixture
def container_environment(
    containers: Containers, dockerfile: Any, service: str, checkout: Path
) -> dict[str, str]:
    image = {**dockerfile.environment, "PATH": os.environ["PATH"]}
    image["LINESHAFT_INTEGRATIONS_DIR"] = str(checkout / "integrations")
    return {
        **containers.environment(service, image),
        "LINESHAFT_HTTP_HOST": LOOPBACK,
        "LINESHAFT_HTTP_PORT": str(free_port()),
    }


@pytest.mark.integration
def test_it_becomes_healthy_and_ends_clean_on_sigterm(
    container_environment: dict[str, str],
    dockerfile: Any,
    health_check: list[str | Path],
    run: Any,
    tmp_path: Path,
) -> None:
    command = Command("service", tuple(program(dockerfile.command)), container_environment, folder=tmp_path)
    child = Child(command, tmp_path / "log")
    try:
        child.wait_until_ready(lambda: healthy(run, health_check, container_environment), START_SECONDS)
        started = time.monotonic()
        os.kill(child.pid, signal.SIGTERM)
        while child.running and time.monotonic() < started + STOP_SECONDS:
            time.sleep(0.05)
        assert child.exit_code == 0, child.last_log_lines()
    finally:
        child.kill()


def healthy(run: Any, check: list[str | Path], environment: Mapping[str, str]) -> bool:
    try:
        run(*check, environment=environment)
    except AssertionError:
        return False
    return True
