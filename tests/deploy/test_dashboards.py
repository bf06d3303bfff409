"""The dashboards as files: what Grafana needs, and queries that Prometheus and our metrics know."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from lineshaft.common.metrics import METRICS
from lineshaft.tools.observability.dashboard import (
    dashboard_queries,
    load_dashboard,
    metrics_in,
    panels,
    sql_queries,
)
from lineshaft.tools.stack.layout import find_checkout

GRAFANA = find_checkout() / "deploy" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
COLUMNS = 24
SAMPLE_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}

pytestmark = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def test_it_has_an_address_that_stays(path: Path) -> None:
    dashboard = load_dashboard(path)
    assert dashboard["uid"] == f"lineshaft-{path.stem}"
    assert dashboard.get("id") is None
    assert dashboard["title"]
    assert dashboard["refresh"]


def test_every_panel_says_what_it_shows_and_in_which_unit(path: Path) -> None:
    for panel in panels(load_dashboard(path)):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]


def test_titles_and_ids_are_used_once(path: Path) -> None:
    dashboard = load_dashboard(path)
    titles = Counter(panel["title"] for panel in panels(dashboard))
    ids = Counter(panel["id"] for panel in dashboard["panels"])
    assert [name for counter in (titles, ids) for name, count in counter.items() if count > 1] == []


def test_the_panels_lie_side_by_side_within_the_page(path: Path) -> None:
    places = {panel["title"]: panel["gridPos"] for panel in load_dashboard(path)["panels"]}
    for title, place in places.items():
        assert place["x"] + place["w"] <= COLUMNS, title
    overlapping = [
        (one, other)
        for (one, a), (other, b) in combinations(places.items(), 2)
        if a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    ]
    assert overlapping == []


def test_every_data_source_is_the_chosen_one_or_a_provisioned_one(path: Path) -> None:
    provisioning = GRAFANA / "provisioning" / "datasources" / "lineshaft.yaml"
    provisioned = {
        (source["type"], source["uid"])
        for source in yaml.safe_load(provisioning.read_text(encoding="utf-8"))["datasources"]
    }
    known = {*provisioned, ("prometheus", "${datasource}")}
    for panel in panels(load_dashboard(path)):
        for user in (panel, *panel["targets"]):
            assert (user["datasource"]["type"], user["datasource"]["uid"]) in known, panel["title"]


def test_prometheus_can_read_every_query(path: Path, promtool: str, run: Any, tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": expression}
        for number, (_, expression) in enumerate(dashboard_queries(path))
    ]
    assert rules or sql_queries(path, {"connection": ""})
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": path.stem, "rules": rules}]}), encoding="utf-8")
    run(promtool, "check", "rules", "--lint=none", file)


def test_every_metric_is_one_of_ours_with_its_labels(path: Path) -> None:
    known = samples()
    for title, expression in dashboard_queries(path):
        names = metrics_in(expression)
        assert names, title
        assert names <= set(known), title
        labels = set().union(*(known[name] for name in names))
        assert used_labels(expression) <= labels, title


def samples() -> Mapping[str, set[str]]:
    """Every series name that a scrape of us can have, with its labels."""
    scraped = {"job", "instance"}
    found: dict[str, set[str]] = {"up": scraped}
    for family in METRICS.registry.collect():
        for sample in family.samples:
            if sample.name.startswith("process_"):
                found[sample.name] = scraped
    for metric in vars(METRICS).values():
        name, kind = getattr(metric, "_name", None), getattr(metric, "_type", None)
        if name and kind:
            for suffix in SAMPLE_SUFFIXES[kind]:
                found[name + suffix] = {*metric._labelnames, *(["le"] if suffix == "_bucket" else [])}
    return found


def used_labels(expression: str) -> set[str]:
    grouped = [name for names in re.findall(r"by \(([^)]*)\)", expression) for name in names.split(",")]
    matched = re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", expression)
    return {name.strip() for name in [*grouped, *matched]}
