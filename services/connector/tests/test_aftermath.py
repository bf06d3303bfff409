import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.domain.aftermath import (
    LOCKED_LOGIN_PAUSE,
    LONGEST_PAUSE,
    MOST_ATTEMPTS,
    RATE_LIMIT_PAUSE,
    Step,
    after_failure,
    pause,
)
from lineshaft.connector.domain.evidence import Evidence

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
CHANCE = random.Random(1)  # noqa: S311  the same in each run


def after(outcome: Outcome, attempts: int = 0, **evidence: object) -> object:
    return after_failure(Evidence(outcome, Operation.READ, **evidence), attempts, NOW, CHANCE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "outcome", [Outcome.PERMISSION_DENIED, Outcome.CONFIGURATION_ERROR, Outcome.INVALID_REQUEST]
)
def test_what_will_not_mend_by_itself_fails_at_once(outcome: Outcome) -> None:
    assert after_failure(Evidence(outcome, Operation.READ), 0, NOW, CHANCE).step is Step.FAIL


def test_refused_credentials_close_the_gate_and_do_not_count() -> None:
    evidence = Evidence(Outcome.CREDENTIALS_REJECTED, Operation.LOGIN)
    aftermath = after_failure(evidence, 3, NOW, CHANCE)
    assert (aftermath.step, aftermath.closes_gate, aftermath.attempts) == (Step.AWAIT_GATE, True, 3)


@pytest.mark.parametrize(
    ("operation", "retry_at", "until"),
    [
        (Operation.READ, None, NOW + RATE_LIMIT_PAUSE),
        (Operation.LOGIN, None, NOW + LOCKED_LOGIN_PAUSE),
        (Operation.LOGIN, NOW + timedelta(seconds=7), NOW + timedelta(seconds=7)),
    ],
)
def test_a_rate_limit_holds_without_counting(
    operation: Operation, retry_at: datetime | None, until: datetime
) -> None:
    evidence = Evidence(Outcome.RATE_LIMITED, operation, retry_at=retry_at)
    aftermath = after_failure(evidence, 3, NOW, CHANCE)
    assert (aftermath.hold_until, aftermath.due_at, aftermath.attempts) == (until, until, 3)


@pytest.mark.parametrize("outcome", [Outcome.UNREACHABLE, Outcome.SOURCE_ERROR])
def test_what_may_mend_is_tried_a_bounded_number_of_times(outcome: Outcome) -> None:
    attempts = 0
    steps = []
    for _ in range(MOST_ATTEMPTS):
        aftermath = after_failure(Evidence(outcome, Operation.READ), attempts, NOW, CHANCE)
        attempts = aftermath.attempts
        steps.append(aftermath.step)
    assert steps == [Step.RETRY] * (MOST_ATTEMPTS - 1) + [Step.FAIL]


def test_the_sources_own_time_is_kept_to() -> None:
    evidence = Evidence(Outcome.SOURCE_ERROR, Operation.READ, retry_at=NOW + timedelta(hours=1))
    assert after_failure(evidence, 0, NOW, CHANCE).due_at == NOW + timedelta(hours=1)


@given(attempts=st.integers(0, 10_000))
def test_pauses_are_bounded(attempts: int) -> None:
    assert timedelta(seconds=1) <= pause(attempts, CHANCE) <= LONGEST_PAUSE
