"""The alert rules: each fires on what it is for, is quiet otherwise, and has its page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pydantic import SecretStr

from lineshaft.api.routes.application import create_application
from lineshaft.api.routes.context import Context
from lineshaft.api.settings import ApiSettings
from lineshaft.common.metrics import METRICS

QUIET, LOUD = "quiet", "loud"
AT = "2h"
"""All cases are looked at this long after their series began, one sample a minute."""


@dataclass(frozen=True, slots=True)
class Case:
    """`loud` and `quiet` are values of the series in Prometheus's notation."""

    series: str
    loud: str
    quiet: str
    labels: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    """Series that are there in both."""


def steady(value: float) -> str:
    return f"{value}x130"


def rising(step: float, start: float = 0) -> str:
    return f"{start}+{step}x130"


SUBSCRIPTION = {"service": "mapping", "subscription": "records"}
OF_SUBSCRIPTION = '{service="mapping",subscription="records"}'
PLANT = {"system": "plant"}
SERVICES = ("api", "connector", "mapping", "health-monitor", "notifier")

CASES = {
    "LineshaftServiceDown": Case(
        'up{job="lineshaft-api",instance="a:8080"}',
        steady(0),
        steady(1),
        {"job": "lineshaft-api", "instance": "a:8080"},
    ),
    "LineshaftServiceMissing": Case(
        'up{job="lineshaft-notifier"}',
        steady(0),
        steady(1),
        {"job": "lineshaft-notifier"},
        {f'up{{job="lineshaft-{name}"}}': steady(1) for name in SERVICES if name != "notifier"},
    ),
    "LineshaftRestarts": Case(
        'process_start_time_seconds{job="lineshaft-api"}', rising(60), steady(1), {"job": "lineshaft-api"}
    ),
    "LineshaftEventLoopLate": Case(
        'lineshaft_event_loop_delay_seconds{service="api"}', steady(3), steady(0.01), {"service": "api"}
    ),
    "LineshaftApiErrors": Case(
        'lineshaft_http_requests_total{status="503"}',
        rising(10),
        rising(0.1),
        others={'lineshaft_http_requests_total{status="200"}': rising(100)},
    ),
    "LineshaftSecretsUnderOldKey": Case(
        'lineshaft_secrets_to_reseal{service="api"}', steady(4), steady(0), {"service": "api"}
    ),
    "LineshaftConsumerStopped": Case(
        f"lineshaft_consumer_stopped{OF_SUBSCRIPTION}", steady(1), steady(0), SUBSCRIPTION
    ),
    "LineshaftConnectionsPaused": Case(
        f"lineshaft_paused_connections{OF_SUBSCRIPTION}", steady(1), steady(0), SUBSCRIPTION
    ),
    "LineshaftConsumerStuck": Case(
        f"lineshaft_consumer_waiting_seconds{OF_SUBSCRIPTION}", steady(200), steady(5), SUBSCRIPTION
    ),
    "LineshaftConsumerLagGrows": Case(
        f"lineshaft_consumer_lag_records{OF_SUBSCRIPTION}", rising(1000), steady(20_000), SUBSCRIPTION
    ),
    "LineshaftOutboxStuck": Case(
        'lineshaft_outbox_oldest_seconds{service="api"}', steady(300), steady(1), {"service": "api"}
    ),
    "LineshaftDeadLetters": Case(
        'lineshaft_dead_letters_total{service="mapping",topic="records.raw"}',
        rising(1),
        steady(7),
        {"service": "mapping", "topic": "records.raw"},
    ),
    "LineshaftMappingErrors": Case(
        'lineshaft_mapping_field_errors_total{system="plant",entity="asset",field="name"}',
        rising(10),
        rising(1),
        {**PLANT, "entity": "asset"},
        {'lineshaft_records_mapped_total{system="plant",entity="asset",effect="new"}': rising(100)},
    ),
    "LineshaftSyncsLate": Case("lineshaft_sync_oldest_due_seconds", steady(1000), steady(30)),
    "LineshaftPlatformFault": Case(
        'lineshaft_open_issues{system="plant",fault="platform"}', steady(2), steady(0), PLANT
    ),
    "LineshaftManyReauthorizations": Case(
        'lineshaft_connections{system="plant",status="reauthorization_required"}',
        steady(9),
        steady(4),
        PLANT,
        {'lineshaft_connections{system="plant",status="healthy"}': steady(10)},
    ),
    "LineshaftReauthorizationWaits": Case(
        'lineshaft_reauthorization_oldest_seconds{system="plant"}', steady(4 * 86400), steady(86400), PLANT
    ),
    "LineshaftSystemUnreachable": Case(
        'lineshaft_connections{system="plant",status="unreachable"}',
        steady(4),
        steady(2),
        PLANT,
        {'lineshaft_connections{system="plant",status="healthy"}': steady(3)},
    ),
    "LineshaftDataStale": Case(
        'lineshaft_connections_by_data_age{system="plant",age="older"}',
        steady(3),
        steady(0),
        PLANT,
        {'lineshaft_connections_by_data_age{system="plant",age="hour"}': steady(10)},
    ),
    "LineshaftWebhooksLate": Case("lineshaft_webhook_oldest_due_seconds", steady(700), steady(20)),
    "LineshaftWebhooksFail": Case(
        'lineshaft_webhook_attempts_total{result="failed"}',
        rising(20),
        rising(1),
        others={'lineshaft_webhook_attempts_total{result="delivered"}': rising(10)},
    ),
}


@pytest.fixture(scope="module")
def rules(checkout: Path) -> Path:
    return checkout / "deploy" / "prometheus" / "alerts.yml"


@pytest.fixture(scope="module")
def alerts(rules: Path) -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(rules.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def test_prometheus_accepts_them(rules: Path, promtool: str, run: Any) -> None:
    run(promtool, "check", "rules", rules)


def test_every_alert_has_a_case(alerts: Mapping[str, Any]) -> None:
    assert set(CASES) == set(alerts)


def test_each_fires_on_what_it_is_for_and_is_quiet_otherwise(
    rules: Path, alerts: Mapping[str, Any], promtool: str, run: Any, tmp_path: Path
) -> None:
    tests = [
        case_test(name, case, volume, alerts[name]["labels"]["severity"])
        for name, case in CASES.items()
        for volume in (LOUD, QUIET)
    ]
    file = tmp_path / "tests.yml"
    document = {"rule_files": [str(rules)], "evaluation_interval": "5m", "tests": tests}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    run(promtool, "test", "rules", file)


def case_test(name: str, case: Case, volume: str, severity: str) -> dict[str, Any]:
    values = case.loud if volume == LOUD else case.quiet
    firing = {"alertname": name, "alertstate": "firing", "severity": severity, **case.labels}
    labels = "ALERTS{" + ", ".join(f'{key}="{value}"' for key, value in sorted(firing.items())) + "}"
    return {
        "name": f"{name}, {volume}",
        "interval": "1m",
        "input_series": [
            {"series": series, "values": what}
            for series, what in {case.series: values, **case.others}.items()
        ],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{name}", alertstate="firing"}}',
                "eval_time": AT,
                "exp_samples": [{"labels": labels, "value": 1}] if volume == LOUD else [],
            }
        ],
    }


def test_each_asks_for_metrics_that_we_have(alerts: Mapping[str, Any]) -> None:
    ours = {
        family.name + suffix
        for metric in vars(METRICS).values()
        if hasattr(metric, "describe")
        for family in metric.describe()
        for suffix in ("", "_total", "_bucket", "_count", "_sum")
    }
    for name, rule in alerts.items():
        asked = set(re.findall(r"lineshaft_\w+", rule["expr"]))
        assert asked <= ours, name


def test_each_has_a_page_that_says_what_to_do(alerts: Mapping[str, Any], checkout: Path) -> None:
    pages = set()
    for name, rule in alerts.items():
        page = checkout / rule["annotations"]["runbook"]
        pages.add(page)
        words = re.findall(r"[A-Z][a-z]+", name.removeprefix("Lineshaft"))
        assert page.stem == "-".join(words).lower()
        text = page.read_text(encoding="utf-8")
        assert f"`{name}`" in text
        for heading in ("## What it means", "## Look", "## Do"):
            assert heading in text, page.name
    others = set((checkout / "docs" / "runbooks").glob("*.md")) - {
        checkout / "docs" / "runbooks" / "README.md"
    }
    assert others == pages


def test_the_routes_that_the_pages_name_are_there(checkout: Path) -> None:
    settings = ApiSettings(secret_keys=SecretStr("unused"), link_signing_key=SecretStr("unused"))
    context = Context(settings, *(cast("Any", None) for _ in range(6)))
    paths = create_application(context, {}).openapi()["paths"]
    routes = {(method.upper(), plain(path)) for path, methods in paths.items() for method in methods}
    named = {
        (method, plain(path))
        for page in (checkout / "docs" / "runbooks").glob("*.md")
        for method, path in re.findall(
            r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^`? ]+)`", page.read_text(encoding="utf-8")
        )
    }
    assert named
    assert named <= routes


def plain(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)
