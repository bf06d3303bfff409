"""Past syncs as bars: how many records each read, how long it took, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.console.words import STATE_TONES, count, lasting

SHOWN = 50
STEP = 12.0
HEIGHT = 64.0
SMALLEST = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """In units of the drawing, from its lower edge."""

    x: float
    height: float
    tone: str
    told: str

    @property
    def y(self) -> float:
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class Chart:
    bars: tuple[Bar, ...]
    told: str
    """The chart in words, for those who do not see it."""

    @property
    def width(self) -> float:
        return STEP * SHOWN

    @property
    def height(self) -> float:
        return HEIGHT


def chart_of(syncs: Sequence[Mapping[str, Any]]) -> Chart | None:
    """Oldest first, the newest at the right edge; None of fewer than two."""
    shown = list(syncs[:SHOWN])[::-1]
    if len(shown) < 2:  # noqa: PLR2004  one bar compares with nothing
        return None
    most = max(map(_records, shown)) or 1
    begin = SHOWN - len(shown)
    bars = tuple(
        Bar(
            x=(begin + place) * STEP,
            height=max(SMALLEST, HEIGHT * _records(sync) / most),
            tone=STATE_TONES.get(_state(sync), "quiet"),
            told=_told(sync),
        )
        for place, sync in enumerate(shown)
    )
    failed = sum(_state(sync) in {"failed", "partially_completed"} for sync in shown)
    return Chart(bars, f"The last {len(shown)} syncs: at most {count(most)} records, {failed} with failures")


def _records(sync: Mapping[str, Any]) -> int:
    read = sync["records"]
    return int(read) if read is not None else sum(one["records"] for one in sync["objects"])


def _state(sync: Mapping[str, Any]) -> str:
    return str(sync["result"] or sync["status"])


def _told(sync: Mapping[str, Any]) -> str:
    words = f"{sync['created_at']:%Y-%m-%d %H:%M}, {sync['mode']}: {count(_records(sync))} records"
    ended: datetime | None = sync["completed_at"] or sync["ended_at"]
    took = f" in {lasting(sync['created_at'], ended)}" if ended else ""
    return f"{words}{took}, {_state(sync).replace('_', ' ')}"
