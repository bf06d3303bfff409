"""When an endpoint that takes nothing is disabled, and how early its owner is warned."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

WARNINGS = (50, 70, 90)
"""Percent of the time after which it is disabled."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Only failures for `whole`, and not of one short trouble: they must be `spread`."""

    whole: timedelta = timedelta(days=5)
    spread: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Failing:
    """An endpoint that has failed, and taken nothing since."""

    since: datetime
    last_at: datetime
    warned: int = 0
    """The last warning, in percent."""


@dataclass(frozen=True, slots=True)
class Judgement:
    disable: bool = False
    warn: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Tries of one endpoint in a batch: whether one was taken, and the failures after the last that was."""

    taken: bool
    failures: int
    first_failed_at: datetime | None
    last_failed_at: datetime | None


def judge(failing: Failing, now: datetime, patience: Patience) -> Judgement:
    """What is due now; a warning that time passed over is left out in favour of the next."""
    if failing.last_at - failing.since < patience.spread:
        return Judgement()
    percent = (now - failing.since) / patience.whole * 100
    if percent >= 100:  # noqa: PLR2004  the whole of it
        return Judgement(disable=True)
    reached = max((warning for warning in WARNINGS if warning <= percent), default=0)
    return Judgement(warn=reached if reached > failing.warned else None)


def tally(tries: Iterable[tuple[datetime, bool]]) -> Tally:
    """Of (time, taken)."""
    taken, failed = False, list[datetime]()
    for at, was_taken in sorted(tries):
        if was_taken:
            taken, failed = True, []
        else:
            failed.append(at)
    return Tally(taken, len(failed), failed[0] if failed else None, failed[-1] if failed else None)
