"""What a dashboard is made of: panels in rows, laid out from left to right."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COLUMNS = 24
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
POSTGRES = {"type": "grafana-postgresql-datasource", "uid": "lineshaft-postgres"}
STATUS_COLORS = {
    "healthy": "green",
    "degraded": "orange",
    "rate_limited": "yellow",
    "unreachable": "orange",
    "reauthorization_required": "red",
    "paused": "blue",
    "disconnected": "text",
    "pending": "light-blue",
    "delivered": "green",
    "failed": "red",
    "given_up": "red",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Panel:
    kind: str
    title: str
    description: str
    targets: Sequence[Json]
    source: Mapping[str, str]
    unit: str
    width: int
    height: int
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    options: Json = field(default_factory=dict)

    def document(self, number: int, x: int, y: int) -> Json:
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "datasource": self.source,
            "targets": [
                {"refId": chr(ord("A") + index), "datasource": self.source, **target}
                for index, target in enumerate(self.targets)
            ],
            "fieldConfig": {
                "defaults": {"unit": self.unit, **self.defaults},
                "overrides": list(self.overrides),
            },
            "options": self.options,
        }


def stat(
    title: str,
    description: str,
    expression: str,
    *,
    legend: str = "",
    unit: str = "short",
    width: int = 4,
    red_from: float | None = None,
) -> Panel:
    """A figure as it is now, red from a value on."""
    steps: list[Json] = [{"color": "green" if red_from is not None else "text", "value": None}]
    if red_from is not None:
        steps.append({"color": "red", "value": red_from})
    return Panel(
        "stat",
        title,
        description,
        [{"expr": expression, "legendFormat": legend, "instant": True, "range": False}],
        PROMETHEUS,
        unit,
        width,
        4,
        {"color": {"mode": "thresholds"}, "thresholds": {"mode": "absolute", "steps": steps}},
        _colors("byName") if legend == "{{status}}" else (),
        {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
        },
    )


def series(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = "short",
    width: int = 8,
    stacked: bool = False,
) -> Panel:
    """Lines over time; `queries` are legend to PromQL."""
    lines: Json = {"fillOpacity": 10, "lineWidth": 1, "showPoints": "never"}
    if stacked:
        lines |= {"fillOpacity": 30, "stacking": {"mode": "normal", "group": "A"}}
    return Panel(
        "timeseries",
        title,
        description,
        [
            {"expr": expression, "legendFormat": legend, "range": True}
            for legend, expression in queries.items()
        ],
        PROMETHEUS,
        unit,
        width,
        8,
        {"min": 0, "custom": lines},
        _colors("byName") if "{{status}}" in queries else (),
        {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def table(title: str, description: str, sql: str, *, width: int = COLUMNS, height: int = 8) -> Panel:
    """Rows of Postgres; the moments of the columns named in `_MOMENTS` are told as ages."""
    return Panel(
        "table",
        title,
        description,
        [{"rawSql": sql.strip(), "rawQuery": True, "format": "table", "editorMode": "code"}],
        POSTGRES,
        "string",
        width,
        height,
        {"custom": {"align": "auto", "filterable": True}},
        [
            *(_property(name, "unit", "dateTimeFromNow") for name in _MOMENTS),
            *(_property(name, "mappings", _STATUS_MAPPINGS) for name in ("status", "result")),
            *(_property(name, "custom.cellOptions", {"type": "color-text"}) for name in ("status", "result")),
        ],
        {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
    )


_MOMENTS = ("since", "at", "last sync", "opened", "resolved", "next", "completed", "data as of")
_STATUS_MAPPINGS = [
    {
        "type": "value",
        "options": {
            status: {"color": color, "index": index}
            for index, (status, color) in enumerate(STATUS_COLORS.items())
        },
    }
]


def _property(column: str, name: str, value: object) -> Json:
    return {
        "matcher": {"id": "byName", "options": column},
        "properties": [{"id": name, "value": value}],
    }


def _colors(matcher: str) -> list[Json]:
    return [
        {
            "matcher": {"id": matcher, "options": status},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for status, color in STATUS_COLORS.items()
    ]


SYSTEM: Json = {
    "name": "system",
    "label": "System",
    "type": "query",
    "datasource": PROMETHEUS,
    "query": {"refId": "systems", "query": "label_values(lineshaft_connections, system)"},
    "includeAll": True,
    "allValue": ".*",
    "multi": True,
    "current": {"text": ["All"], "value": ["$__all"]},
    "refresh": 2,
    "sort": 1,
}
_DATA_SOURCE: Json = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
    "current": {"text": "Prometheus", "value": "lineshaft-prometheus"},
    "refresh": 1,
}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`rows` are title to panels."""

    name: str
    title: str
    description: str
    rows: Mapping[str, Sequence[Panel]]
    variables: Sequence[Json] = ()

    def document(self) -> Json:
        return {
            "uid": f"lineshaft-{self.name}",
            "title": f"Lineshaft: {self.title}",
            "description": self.description,
            "tags": ["lineshaft"],
            "schemaVersion": 41,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "links": [
                {"type": "dashboards", "title": "Lineshaft", "tags": ["lineshaft"], "asDropdown": True}
            ],
            "annotations": {"list": []},
            "templating": {"list": [_DATA_SOURCE, *self.variables]},
            "panels": list(self._panels()),
        }

    def _panels(self) -> Iterator[Json]:
        number, y = 0, 0
        for title, panels in self.rows.items():
            number += 1
            yield {
                "id": number,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
                "panels": [],
            }
            x, y, height = 0, y + 1, 0
            for panel in panels:
                number += 1
                if x + panel.width > COLUMNS:
                    x, y, height = 0, y + height, 0
                yield panel.document(number, x, y)
                x, height = x + panel.width, max(height, panel.height)
            y += height
