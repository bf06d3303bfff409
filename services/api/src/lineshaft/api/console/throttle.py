"""Guessing a password has to be slow. Keys are too long to be guessed and are not counted."""

from collections import deque
from datetime import datetime, timedelta

from lineshaft.api.domain.problems import ProblemCode, problem

FAILURES = 10
WITHIN = timedelta(minutes=1)


class Throttle:
    """Wrong passwords of the last minute, in this process."""

    def __init__(self) -> None:
        self._failures: deque[datetime] = deque(maxlen=FAILURES)

    def check(self, at: datetime) -> None:
        """Raises a problem while there were too many."""
        if len(self._failures) == FAILURES and self._failures[0] > at - WITHIN:
            raise problem(
                ProblemCode.RATE_LIMITED,
                "There were too many wrong passwords. Wait a minute, or use an admin key.",
                headers={"Retry-After": str(int(WITHIN.total_seconds()))},
            )

    def failed(self, at: datetime) -> None:
        self._failures.append(at)
