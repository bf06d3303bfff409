"""Figures as horizontal bars in `var/bench/<name>.svg`, ours in a colour of their own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import leather
from harness.report import folder

OURS = "#0b5869"
OTHERS = "#9aa7a5"
ROW_HEIGHT = 44
FRAME_HEIGHT = 120
WIDTH = 960


def draw(name: str, title: str, bars: Sequence[tuple[str, float]]) -> Path:
    """From top to bottom; `title` says the unit. What is called Lineshaft is ours."""
    chart = leather.Chart(title)
    chart.add_bars([(figure, label) for label, figure in bars], fill_color=_color)
    place = folder() / f"{name}.svg"
    chart.to_svg(str(place), width=WIDTH, height=FRAME_HEIGHT + ROW_HEIGHT * len(bars))
    return place


def _color(bar: Any) -> str:
    return OURS if str(bar.y).startswith("Lineshaft") else OTHERS
