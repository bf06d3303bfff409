"""Whether the panels of a dashboard show anything."""

import time
from collections.abc import Set as AbstractSet
from pathlib import Path

from lineshaft.tools.observability.dashboard import dashboard_queries
from lineshaft.tools.observability.prometheus import Prometheus

_POLL_SECONDS = 0.5


def assert_dashboard_has_data(
    prometheus: Prometheus,
    path: Path,
    *,
    optional: AbstractSet[str] = frozenset(),
    within_seconds: float = 10.0,
) -> None:
    """Run every query; each must be accepted, and give a number unless its panel's title is in `optional`.

    Raises AssertionError that lists every query without data.
    """
    queries = dashboard_queries(path)
    unknown = optional - {title for title, _ in queries}
    if unknown:
        raise AssertionError(f"no such panel in {path.name}: {', '.join(sorted(unknown))}")
    deadline = time.monotonic() + within_seconds
    while True:
        empty = [
            f"{title}: {expression}"
            for title, expression in queries
            if not has_data(prometheus, expression) and title not in optional
        ]
        if not empty:
            return
        if time.monotonic() > deadline:
            raise AssertionError("\n  ".join([f"panels of {path.name} without data:", *empty]))
        time.sleep(_POLL_SECONDS)


def has_data(prometheus: Prometheus, expression: str) -> bool:
    """Whether the answer has a number in it; NaN is what a quantile of nothing gives."""
    return any(sample.finite for sample in prometheus.query(expression))
