"""Figures as a table on the standard output and as JSON in `var/bench`."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineshaft.tools.stack.layout import Layout


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that must not be above its limit, or not below it."""

    what: str
    figure: float
    limit: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        return self.figure <= self.limit if self.at_most else self.figure >= self.limit

    def line(self) -> str:
        bound = "at most" if self.at_most else "at least"
        return (
            f"{'met   ' if self.met else 'MISSED'}  {self.what}: {self.figure:.2f} ({bound} {self.limit:g})"
        )


def folder() -> Path:
    place = Layout.discover().var / "bench"
    place.mkdir(parents=True, exist_ok=True)
    return place


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table, its columns aligned."""
    cells = [[_cell(value) for value in row] for row in [columns, *rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]

    def line(row: Sequence[str]) -> str:
        padded = [
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(cells[0]), rule, *(line(row) for row in cells[1:])])


def write(name: str, body: Mapping[str, Any], targets: Sequence[Target] = ()) -> Path:
    """`var/bench/<name>.json`."""
    place = folder() / f"{name}.json"
    document = {
        "benchmark": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "targets": [{**asdict(target), "met": target.met} for target in targets],
        **body,
    }
    place.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return place


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if value < 10 else f"{value:,.1f}"  # noqa: PLR2004  enough digits to compare
    return f"{value:,}" if isinstance(value, int) else str(value)
