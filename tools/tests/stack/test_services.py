import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lineshaft.tools.stack.kafka import ExternalKafka
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.postgres import Postgres
from lineshaft.tools.stack.process_state import wait_until
from lineshaft.tools.stack.service_settings import ServiceSettings
from lineshaft.tools.stack.services import Services
from lineshaft.tools.stack.supervisor import Supervisor

STAND_IN = Path(__file__).with_name("stand_in_service.py")


def stand_in(_service: str) -> tuple[str, ...]:
    return (sys.executable, str(STAND_IN))


@pytest.fixture
def settings(supervisor: Supervisor) -> ServiceSettings:
    return ServiceSettings(
        integrations=supervisor.layout.checkout / "integrations",
        api_port=free_port(),
        extra_environment={"LINESHAFT_LOG_LEVEL": "DEBUG"},
    )


@pytest.fixture
def services(supervisor: Supervisor, settings: ServiceSettings) -> Iterator[Services]:
    services = Services(
        supervisor,
        ExternalKafka(supervisor, "127.0.0.1:9"),
        Postgres(supervisor),
        settings,
        replicas={"connector": 2},
        command_of=stand_in,
    )
    services.start()
    yield services
    services.stop()


def test_every_service_has_its_own_role_and_port(services: Services, settings: ServiceSettings) -> None:
    assert sorted(services.urls) == [
        "api",
        "connector",
        "connector-2",
        "health_monitor",
        "mapping",
        "notifier",
    ]
    assert services.urls["api"] == settings.public_url
    environment = httpx.get(services.urls["health_monitor"] + "/environment").json()
    role = f"lineshaft_health_monitor:{settings.role_password}"
    assert environment["LINESHAFT_POSTGRES_DSN"].startswith(f"postgresql://{role}@127.0.0.1:")
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:9"
    assert environment["LINESHAFT_LOG_LEVEL"] == "DEBUG"


def test_a_service_that_its_watchdog_ended_comes_back(services: Services) -> None:
    url = services.urls["mapping"]
    first = services["mapping"].pid
    with contextlib.suppress(httpx.TransportError):
        httpx.get(f"{url}/exit/70")
    assert wait_until(lambda: services["mapping"].pid != first, 10)
    services.wait_until_ready()
    assert httpx.get(f"{url}/readyz").status_code == 200


def test_replicas_can_be_added_and_all_restarted(services: Services) -> None:
    services.add_replica("notifier")
    services.wait_until_ready()
    assert len(services.replicas_of("notifier")) == 2
    services.stop()
    assert not any(child.running for child in services.replicas_of("notifier"))
    services.start()
    assert all(child.running for child in services.replicas_of("notifier"))
