from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lineshaft.health_monitor.domain.breaker import (
    CLOSED,
    BreakerRules,
    BreakerState,
    failed,
    open_time,
    ripened,
    succeeded,
)

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
RULES = BreakerRules()


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def middle() -> float:
    return 0.5


def opened(rules: BreakerRules = RULES) -> BreakerState:
    breaker = CLOSED
    for _ in range(rules.consecutive):
        breaker = failed(breaker, rules, START, middle)
    return breaker


def test_failures_in_a_row_open_it() -> None:
    breaker = failed(failed(CLOSED, RULES, START, middle), RULES, START, middle)
    assert breaker.state == "closed"
    assert failed(breaker, RULES, START, middle).state == "open"


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = CLOSED
    for second in range(4):
        breaker = failed(breaker, RULES, after(second * 600), middle)
        breaker = succeeded(breaker, RULES, after(second * 600 + 1))
    assert breaker.state == "closed"


def test_a_share_of_failures_opens_it_after_a_handful_of_calls() -> None:
    breaker = CLOSED
    for second, good in enumerate([True, False, False, True, False]):
        breaker = (
            succeeded(breaker, RULES, after(second))
            if good
            else failed(breaker, RULES, after(second), middle)
        )
        assert breaker.state == "closed"
    assert failed(breaker, RULES, after(6), middle).state == "open"


def test_old_failures_are_forgotten() -> None:
    breaker = CLOSED
    for second, good in enumerate([True, False, False, True, False]):
        moment = after(second * 1000)
        breaker = succeeded(breaker, RULES, moment) if good else failed(breaker, RULES, moment, middle)
    assert failed(breaker, RULES, after(5000), middle).state == "closed"


def test_may_open_false_counts_without_opening() -> None:
    breaker = CLOSED
    for _ in range(5):
        breaker = failed(breaker, RULES, START, middle, may_open=False)
    assert breaker.state == "closed"
    assert failed(breaker, RULES, START, middle).state == "open"


def test_late_answers_neither_close_it_nor_lengthen_it() -> None:
    breaker = opened()
    assert succeeded(breaker, RULES, after(1), 10) == breaker
    assert failed(breaker, RULES, after(1), middle).retry_at == breaker.retry_at


def test_it_closes_after_enough_successes() -> None:
    breaker = opened()
    assert breaker.retry_at is not None
    half_open = ripened(breaker, breaker.retry_at)
    assert half_open.state == "half_open"
    once = succeeded(half_open, RULES, breaker.retry_at)
    assert once.state == "half_open"
    assert succeeded(once, RULES, breaker.retry_at) == CLOSED
    assert succeeded(half_open, RULES, breaker.retry_at, 2) == CLOSED


def test_one_failure_while_half_open_opens_it_for_longer() -> None:
    breaker = opened()
    assert breaker.retry_at is not None
    again = failed(breaker, RULES, breaker.retry_at, middle)
    assert again.state == "open"
    assert again.retry_at is not None
    assert again.retry_at - breaker.retry_at == 2 * (breaker.retry_at - START)


@given(openings=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_the_open_time_lies_between_half_and_the_whole_of_a_doubling_time(
    openings: int, chance: float
) -> None:
    whole = min(RULES.open_time * 2 ** min(openings - 1, 12), RULES.longest_open_time)
    assert whole / 2 <= open_time(openings, RULES, lambda: chance) <= whole
