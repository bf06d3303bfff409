"""What docker-compose.yml sets for our own services is what they read."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from lineshaft.api.domain.keys import KeyKind, kind_of
from lineshaft.common.encryption import KeyRing
from lineshaft.common.postgres.bootstrap import BootstrapSettings
from lineshaft.common.settings import SecretSettings, Settings

from .settings_of_services import settings_class, variables

LONGEST_SHUTDOWN_SECONDS = 35


def test_every_setting_is_one_that_the_service_has(compose: Any, module: str, service: str) -> None:
    given = set(compose.services()[service]["environment"])
    assert given <= variables(settings_class(module))


def test_the_jobs_settings_are_ones_they_have(compose: Any) -> None:
    services = compose.services()
    assert set(services["schemas"]["environment"]) == variables(BootstrapSettings)
    assert set(services["topics"]["environment"]) <= variables(Settings)


def test_the_demo_values_are_accepted(
    compose: Any, dockerfile: Any, module: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**dockerfile.environment, **compose.services()[service]["environment"]}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_class(module)()
    role = urlsplit(settings.postgres_dsn.get_secret_value()).username
    assert role == f"lineshaft_{module}"
    assert settings.shutdown_seconds < LONGEST_SHUTDOWN_SECONDS
    assert compose.services()[service]["stop_grace_period"] == f"{LONGEST_SHUTDOWN_SECONDS}s"
    if isinstance(settings, SecretSettings):
        KeyRing.parse(settings.secret_keys.get_secret_value())


def test_services_that_share_a_secret_get_the_same_one(compose: Any) -> None:
    services = compose.services()
    for name in ("LINESHAFT_SECRET_KEYS", "LINESHAFT_LINK_SIGNING_KEY", "LINESHAFT_PUBLIC_URL"):
        values = {
            service["environment"].get(name) for service in services.values() if "environment" in service
        }
        assert len(values - {None}) == 1, name


def test_the_demo_admin_key_is_well_formed(compose: Any) -> None:
    assert kind_of(compose.services()["api"]["environment"]["LINESHAFT_ADMIN_KEY"]) is KeyKind.ADMIN
