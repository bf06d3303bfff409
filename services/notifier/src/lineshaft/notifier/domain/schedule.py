"""When to try a delivery again: ten tries over about three days, spread by chance."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

Chance = Callable[[], float]
"""A number from 0 up to 1."""

MINUTE = 60.0
HOUR = 3600.0
WAITS = (
    10.0,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""The longest wait before each further try, in seconds; any shorter one is as likely (full jitter)."""
TRIES = len(WAITS) + 1
LAST_TRY_AFTER = 72 * HOUR
"""The last try comes no sooner than this after the first, so that a long weekend is survived."""
LONGEST_RETRY_AFTER = timedelta(hours=24)
FREE_DEFERRALS = 10
"""So many times a receiver may ask for a later try without using one up."""


@dataclass(frozen=True, slots=True)
class Tries:
    """What has been tried so far, the last failure included."""

    made: int
    deferred: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Again:
    at: datetime
    deferred: bool = False
    """The receiver asked for it; it uses up no try."""


def next_try(
    tries: Tries,
    *,
    now: datetime,
    chance: Chance,
    retry_after: timedelta | None = None,
    busy: bool = False,
    scale: float = 1.0,
) -> Again | None:
    """When to try again after a failure; None when it is over.

    `retry_after` is obeyed exactly, up to a day. A receiver that is `busy` (429 or 503) and says when to
    come back uses up no try, a limited number of times. `scale` shortens all waits but that one.
    """
    asked = min(retry_after, LONGEST_RETRY_AFTER) if retry_after is not None else None
    if busy and asked is not None and tries.deferred < FREE_DEFERRALS:
        return Again(now + asked, deferred=True)
    if tries.made >= TRIES:
        return None
    if asked is not None:
        return Again(now + asked)
    at = now + timedelta(seconds=WAITS[max(tries.made, 1) - 1] * chance() * scale)
    if tries.made == TRIES - 1:
        at = max(at, tries.first_at + timedelta(seconds=LAST_TRY_AFTER * scale))
    return Again(at)
