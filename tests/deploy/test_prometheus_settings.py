"""The shipped Prometheus configuration."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lineshaft.tools.observability.scrape_settings import JOB_PREFIX, scrape_settings


@pytest.fixture
def shipped(checkout: Path) -> Path:
    return checkout / "deploy" / "prometheus" / "prometheus.yml"


def test_prometheus_accepts_it(shipped: Path, promtool: str, run: Any) -> None:
    run(promtool, "check", "config", shipped)


def test_every_service_is_scraped_under_its_name_and_port(shipped: Path, module: str, service: str) -> None:
    jobs = {job["job_name"]: job for job in yaml.safe_load(shipped.read_text())["scrape_configs"]}
    [discovery] = jobs[JOB_PREFIX + service]["dns_sd_configs"]
    assert discovery["names"] == [service]
    assert discovery["port"] == 8080


def test_a_local_stack_is_scraped_with_the_shipped_jobs() -> None:
    settings = scrape_settings(
        {
            "health_monitor": "http://127.0.0.1:4001",
            "connector": "http://127.0.0.1:4002/metrics",
            "connector-2": "http://127.0.0.1:4003/metrics",
        },
        "1s",
    )
    assert {job["job_name"]: job["static_configs"] for job in settings["scrape_configs"]} == {
        "lineshaft-health-monitor": [{"targets": ["127.0.0.1:4001"]}],
        "lineshaft-connector": [{"targets": ["127.0.0.1:4002", "127.0.0.1:4003"]}],
    }
    assert {job["metrics_path"] for job in settings["scrape_configs"]} == {"/metrics"}


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(KeyError):
        scrape_settings({"printer": "http://127.0.0.1:4001"}, "1s")
