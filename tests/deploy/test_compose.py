"""docker-compose.yml against the Compose specification, and against what we promise about it."""

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest

LOOPBACK_PORT = re.compile(r"^127\.0\.0\.1:\d+:\d+$")
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<default>:-[^$}]\S*|:-\$)?")
SECRET = re.compile(r"PASSWORD|KEY|SECRET")
FORBIDDEN = {"privileged", "network_mode", "pid", "ipc", "devices", "userns_mode"}


@pytest.fixture(scope="module")
def services(compose: Any) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = compose.services()
    return services


def test_it_is_valid_by_the_compose_specification(checkout: Path, run: Any, check_jsonschema: str) -> None:
    run(check_jsonschema, "--builtin-schema", "vendor.compose-spec", checkout / "docker-compose.yml")


def test_every_variable_has_a_default(compose: Any) -> None:
    missing = [match["name"] for match in VARIABLE.finditer(compose.text) if not match["default"]]
    assert not missing


def test_every_variable_is_in_the_example_file(compose: Any, checkout: Path) -> None:
    example = (checkout / "deploy" / ".env.example").read_text(encoding="utf-8")
    listed = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert {match["name"] for match in VARIABLE.finditer(compose.text)} == listed


def test_the_default_of_every_secret_says_that_it_is_a_demo_value(compose: Any) -> None:
    secrets = [
        (match["name"], match["default"])
        for match in VARIABLE.finditer(compose.text)
        if SECRET.search(match["name"])
    ]
    assert secrets
    assert [name for name, default in secrets if "demo" not in default] == []


def test_every_image_is_pinned_or_built(services: dict[str, Any], checkout: Path) -> None:
    for name, service in services.items():
        build = service.get("build")
        if build:
            assert (checkout / build["context"] / build["dockerfile"]).is_file(), name
        else:
            _, _, tag = service["image"].rpartition(":")
            assert tag[0].isdigit() or tag.startswith("v"), f"{name}: {service['image']}"


def test_every_service_is_watched(services: dict[str, Any], checkout: Path) -> None:
    for name, service in services.items():
        check = service.get("healthcheck", {})
        if check.get("disable"):
            assert name in _jobs(services), f"{name} is no one-shot job"
        elif "test" not in check:
            assert "HEALTHCHECK" in (checkout / service["build"]["dockerfile"]).read_text(encoding="utf-8"), (
                name
            )


def test_jobs_end_and_services_come_back(services: dict[str, Any]) -> None:
    for name, service in services.items():
        expected = "on-failure:5" if name in _jobs(services) else "unless-stopped"
        assert service["restart"] == expected, name


def test_nothing_runs_with_more_rights_than_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert not FORBIDDEN & set(service), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "docker.sock" not in str(service.get("volumes", "")), name
        if "build" in service:
            assert service["read_only"], name
            assert service["tmpfs"] == ["/tmp"], name  # noqa: S108  the containers' own
            assert "cap_add" not in service, name


def test_ports_are_open_on_this_machine_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not LOOPBACK_PORT.match(port)] == []
    published = [port.split(":")[1] for port in ports]
    assert len(set(published)) == len(published)


def test_dependencies_exist_and_can_be_met(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, wish in service.get("depends_on", {}).items():
            if wish["condition"] == "service_completed_successfully":
                assert services[other]["restart"] == "on-failure:5", (name, other)
            else:
                assert wish["condition"] == "service_healthy"
                assert not services[other].get("healthcheck", {}).get("disable"), (name, other)


def test_mounted_files_are_in_the_repository(compose: Any, checkout: Path) -> None:
    document = compose.document()
    for name, service in document["services"].items():
        for volume in service.get("volumes", []):
            source, _, *mode = volume.split(":")
            if source.startswith("."):
                assert (checkout / source).exists(), (name, source)
                assert mode == ["ro"], (name, volume)
            else:
                assert source in document["volumes"], (name, source)


def test_the_networks_that_may_be_called_are_the_containers_own(compose: Any) -> None:
    [pool] = compose.document()["networks"]["default"]["ipam"]["config"]
    subnet = ipaddress.ip_network(pool["subnet"])
    services = compose.services()
    for name in ("connector", "notifier"):
        allowed = services[name]["environment"]["LINESHAFT_ALLOWED_NETWORKS"].split(",")
        assert subnet == ipaddress.ip_network(allowed[0]), name


def _jobs(services: dict[str, Any]) -> set[str]:
    """What somebody waits for to end."""
    return {
        other
        for service in services.values()
        for other, wish in service.get("depends_on", {}).items()
        if wish["condition"] == "service_completed_successfully"
    }
