"""What becomes of a job whose call failed."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.domain.evidence import Evidence

MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)
RATE_LIMIT_PAUSE = timedelta(seconds=60)
LOCKED_LOGIN_PAUSE = timedelta(minutes=15)
"""Each attempt at a locked login can make the lock last longer."""


class Step(StrEnum):
    AWAIT_GATE = "await_gate"
    """Goes on from its cursor when the connection may be called again."""
    RETRY = "retry"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Aftermath:
    step: Step
    attempts: int
    due_at: datetime | None = None
    closes_gate: bool = False
    hold_until: datetime | None = None
    """Until then the connection must not be called at all."""


def after_failure(
    evidence: Evidence,
    attempts: int,
    now: datetime,
    chance: random.Random,
    *,
    silent_limit: timedelta = RATE_LIMIT_PAUSE,
) -> Aftermath:
    """`attempts` that failed since the job last made progress, this one not counted.

    `silent_limit` is the pause after a rate limit that does not say when it ends.

    What will not mend by itself fails the job at once; what may is tried again, a bounded number of
    times; refused credentials and rate limits wait without counting.
    """
    match evidence.outcome:
        case Outcome.CREDENTIALS_REJECTED:
            return Aftermath(Step.AWAIT_GATE, attempts, closes_gate=True)
        case Outcome.RATE_LIMITED:
            locked = evidence.operation is Operation.LOGIN
            until = evidence.retry_at or now + (LOCKED_LOGIN_PAUSE if locked else silent_limit)
            return Aftermath(Step.AWAIT_GATE, attempts, due_at=until, hold_until=until)
        case Outcome.UNREACHABLE | Outcome.SOURCE_ERROR:
            if attempts + 1 >= MOST_ATTEMPTS:
                return Aftermath(Step.FAIL, attempts + 1)
            due_at = max(now + pause(attempts, chance), evidence.retry_at or now)
            return Aftermath(Step.RETRY, attempts + 1, due_at=due_at)
        case (
            Outcome.PERMISSION_DENIED
            | Outcome.CONFIGURATION_ERROR
            | Outcome.INVALID_REQUEST
            | Outcome.ACCOUNT_MISMATCH
            | Outcome.OK
        ):
            return Aftermath(Step.FAIL, attempts + 1)
        case _:
            assert_never(evidence.outcome)


def pause(attempts: int, chance: random.Random) -> timedelta:
    """Twice as long after each attempt, between half and the whole of it."""
    longest: timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(attempts, 16)))
    return longest * chance.uniform(0.5, 1.0)
