"""When to stop calling, and when to try again: a breaker with fixed rules, time and chance handed in.

closed -> open        failures in a row, or their share among the last few calls
open -> half_open     when `retry_at` has come
half_open -> closed   enough successes in a row
half_open -> open     one failure; the open time doubles with each opening, up to a longest
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

MOST_DOUBLINGS = 20

Chance = Callable[[], float]
"""A number from 0 up to 1."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """Industrial connections make few calls: a handful decides, not a hundred."""

    consecutive: int = 3
    ratio: float = 0.6
    window: int = 10
    minimum: int = 6
    window_time: timedelta = timedelta(minutes=15)
    open_time: timedelta = timedelta(seconds=30)
    longest_open_time: timedelta = timedelta(minutes=15)
    successes: int = 2


class Tried(BaseModel):
    model_config = ConfigDict(frozen=True)

    at: datetime
    failed: bool


class BreakerState(BaseModel):
    model_config = ConfigDict(frozen=True)

    state: Literal["closed", "open", "half_open"] = "closed"
    failures: int = 0
    """In a row."""
    successes: int = 0
    """In a row while half open."""
    openings: int = 0
    """Since it was last closed."""
    retry_at: datetime | None = None
    recent: tuple[Tried, ...] = ()

    @property
    def tripped(self) -> bool:
        return self.state != "closed"


CLOSED = BreakerState()


def failed(
    breaker: BreakerState, rules: BreakerRules, now: datetime, chance: Chance, *, may_open: bool = True
) -> BreakerState:
    """After a failure. `may_open=False` counts it, but leaves a closed breaker closed."""
    breaker = ripened(breaker, now)
    counted = breaker.model_copy(
        update={
            "failures": breaker.failures + 1,
            "successes": 0,
            "recent": _recent(breaker, rules, now, failed=True),
        }
    )
    match breaker.state:
        case "open":
            return counted
        case "half_open":
            return opened(counted, rules, now, chance)
        case "closed":
            return opened(counted, rules, now, chance) if may_open and _too_many(counted, rules) else counted


def succeeded(breaker: BreakerState, rules: BreakerRules, now: datetime, count: int = 1) -> BreakerState:
    """After `count` successes in a row; while open they answer calls made before, and are ignored."""
    breaker = ripened(breaker, now)
    match breaker.state:
        case "open":
            return breaker
        case "half_open":
            successes = breaker.successes + count
            if successes >= rules.successes:
                return CLOSED
            return breaker.model_copy(update={"successes": successes, "failures": 0})
        case "closed":
            return breaker.model_copy(
                update={"failures": 0, "recent": _recent(breaker, rules, now, failed=False)}
            )


def ripened(breaker: BreakerState, now: datetime) -> BreakerState:
    """Half open once its time has come."""
    if breaker.state == "open" and breaker.retry_at is not None and now >= breaker.retry_at:
        return breaker.model_copy(update={"state": "half_open", "retry_at": None, "successes": 0})
    return breaker


def let_try(breaker: BreakerState) -> BreakerState:
    """Half open at once: something changed that may have mended it."""
    if breaker.state == "open":
        return breaker.model_copy(update={"state": "half_open", "retry_at": None, "successes": 0})
    return breaker


def hastened(breaker: BreakerState, pause: timedelta, now: datetime) -> BreakerState:
    """Half open as soon as the last try is `pause` ago: somebody waits for it."""
    if breaker.state != "open":
        return breaker
    soonest = max([now, *(tried.at + pause for tried in breaker.recent[-1:])])
    if breaker.retry_at is not None and breaker.retry_at <= soonest:
        return breaker
    return ripened(breaker.model_copy(update={"retry_at": soonest}), now)


def open_time(openings: int, rules: BreakerRules, chance: Chance) -> timedelta:
    """Of the n-th opening: between half and the whole of a time that doubles."""
    doublings = min(max(openings, 1) - 1, MOST_DOUBLINGS)
    whole = min(rules.open_time * (1 << doublings), rules.longest_open_time)
    return whole / 2 + whole / 2 * chance()


def opened(breaker: BreakerState, rules: BreakerRules, now: datetime, chance: Chance) -> BreakerState:
    """Open, for longer than the last time."""
    openings = breaker.openings + 1
    return breaker.model_copy(
        update={
            "state": "open",
            "openings": openings,
            "successes": 0,
            "retry_at": now + open_time(openings, rules, chance),
        }
    )


def _recent(breaker: BreakerState, rules: BreakerRules, now: datetime, *, failed: bool) -> tuple[Tried, ...]:
    young = [tried for tried in breaker.recent if now - tried.at <= rules.window_time]
    return (*young, Tried(at=now, failed=failed))[-rules.window :]


def _too_many(breaker: BreakerState, rules: BreakerRules) -> bool:
    if breaker.failures >= rules.consecutive:
        return True
    failures = sum(tried.failed for tried in breaker.recent)
    return len(breaker.recent) >= rules.minimum and failures / len(breaker.recent) >= rules.ratio
