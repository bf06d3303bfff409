"""Reads a Grafana dashboard: its panels, and the PromQL they ask with the variables filled in."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RANGE = "30m"
"""Wide enough that a short story lies within every rate."""

_GRAFANA_VARIABLES = {
    "__rate_interval": RANGE,
    "__range": RANGE,
    "__interval": "15s",
}
_EVERYTHING = ".*"
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::\w+)?\}|(?P<plain>\w+))")
_METRIC = re.compile(r"\b(?:lineshaft|process)_[a-z0-9_]+|\bup\b(?=\s*\{)")


def load_dashboard(path: Path) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return dashboard


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel but the rows, the panels of collapsed rows included."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def dashboard_queries(path: Path, variables: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """`(panel title, PromQL)` of every query; a dashboard variable that is not given matches everything.

    Raises KeyError where a query names a variable that neither Grafana nor the dashboard defines.
    """
    dashboard = load_dashboard(path)
    values = {
        **_GRAFANA_VARIABLES,
        **{variable["name"]: _EVERYTHING for variable in dashboard["templating"]["list"]},
        **(variables or {}),
    }
    return [
        (panel["title"], _filled(target["expr"], values))
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
        if "expr" in target
    ]


def sql_queries(path: Path, variables: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """`(panel title, SQL)` of every query; the values of `variables` are quoted.

    Raises KeyError where a query names a variable that is not given.
    """
    quoted = {name: "'" + value.replace("'", "''") + "'" for name, value in (variables or {}).items()}
    return [
        (panel["title"], _filled(target["rawSql"], quoted))
        for panel in panels(load_dashboard(path))
        for target in panel.get("targets", [])
        if "rawSql" in target
    ]


def metrics_in(expression: str) -> set[str]:
    """The names of the metrics that a PromQL expression reads."""
    return set(_METRIC.findall(expression))


def _filled(expression: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values[match["braced"] or match["plain"]], expression)
