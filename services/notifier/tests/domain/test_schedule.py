from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lineshaft.notifier.domain.schedule import (
    FREE_DEFERRALS,
    LAST_TRY_AFTER,
    LONGEST_RETRY_AFTER,
    TRIES,
    WAITS,
    Tries,
    next_try,
)

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
CHANCES = st.floats(0, 1, exclude_max=True)


@given(st.lists(CHANCES, min_size=TRIES, max_size=TRIES))
def test_ten_tries_over_three_days_then_it_is_over(chances: list[float]) -> None:
    now, made, draw = START, 1, iter(chances).__next__
    moments = [START]
    while (again := next_try(Tries(made, 0, START), now=now, chance=draw)) is not None:
        assert again.at >= now
        assert not again.deferred
        now = again.at
        moments.append(now)
        made += 1
    assert len(moments) == TRIES == 10
    whole = (moments[-1] - START).total_seconds()
    assert LAST_TRY_AFTER <= whole <= sum(WAITS)


@given(made=st.integers(1, TRIES - 2), chance=CHANCES)
def test_every_wait_up_to_its_bound_is_possible(made: int, chance: float) -> None:
    again = next_try(Tries(made, 0, START), now=START, chance=lambda: chance)
    assert again is not None
    expected = WAITS[made - 1] * chance
    assert abs((again.at - START).total_seconds() - expected) < 0.001


@given(
    made=st.integers(1, TRIES - 1),
    seconds=st.floats(0, 10**7),
    busy=st.booleans(),
    deferred=st.integers(0, 20),
    chance=CHANCES,
    scale=st.floats(0.001, 10),
)
def test_retry_after_is_obeyed_exactly_up_to_a_day(
    *, made: int, seconds: float, busy: bool, deferred: int, chance: float, scale: float
) -> None:
    asked = timedelta(seconds=seconds)
    again = next_try(
        Tries(made, deferred, START),
        now=START,
        chance=lambda: chance,
        retry_after=asked,
        busy=busy,
        scale=scale,
    )
    assert again is not None
    assert again.at == START + min(asked, LONGEST_RETRY_AFTER)
    assert again.deferred == (busy and deferred < FREE_DEFERRALS)


def test_a_busy_receiver_cannot_put_it_off_for_ever() -> None:
    now, made, deferred = START, 0, 0
    while True:
        again = next_try(
            Tries(made + 1, deferred, START),
            now=now,
            chance=lambda: 0.5,
            retry_after=timedelta(seconds=1),
            busy=True,
        )
        if again is None:
            break
        made += not again.deferred
        deferred += again.deferred
        now = again.at
    assert (made + 1, deferred) == (TRIES, FREE_DEFERRALS)


def test_a_scale_shortens_every_wait() -> None:
    again = next_try(Tries(TRIES - 1, 0, START), now=START, chance=lambda: 0.0, scale=0.001)
    assert again is not None
    assert again.at == START + timedelta(seconds=LAST_TRY_AFTER * 0.001)
