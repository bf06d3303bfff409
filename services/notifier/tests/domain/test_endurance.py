from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lineshaft.notifier.domain.endurance import WARNINGS, Failing, Patience, judge, tally

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
PATIENCE = Patience()
HOUR = timedelta(hours=1)


def test_warned_three_times_then_disabled() -> None:
    warned, said = 0, []
    for hours in range(130):
        now = START + hours * HOUR
        judgement = judge(Failing(START, now, warned), now, PATIENCE)
        if judgement.warn:
            warned = judgement.warn
            said.append((hours, judgement.warn))
        if judgement.disable:
            said.append((hours, 100))
            break
    assert said == [(60, 50), (84, 70), (108, 90), (120, 100)]


def test_one_short_trouble_disables_nothing_however_long_ago() -> None:
    trouble = Failing(START, START + timedelta(hours=11, minutes=59))
    assert judge(trouble, START + timedelta(days=90), PATIENCE) == judge(trouble, START, PATIENCE)
    assert not judge(trouble, START + timedelta(days=90), PATIENCE).disable


def test_after_a_long_stop_of_ours_only_the_latest_warning_is_given() -> None:
    failing = Failing(START, START + 13 * HOUR)
    assert judge(failing, START + 109 * HOUR, PATIENCE).warn == 90


@given(spread=st.integers(0, 200), age=st.integers(0, 300), warned=st.sampled_from([0, *WARNINGS]))
def test_nobody_is_disabled_early_and_no_warning_comes_twice(spread: int, age: int, warned: int) -> None:
    failing = Failing(START, START + spread * HOUR, warned)
    judgement = judge(failing, START + age * HOUR, PATIENCE)
    assert judgement.disable == (age >= 120 and spread >= 12)
    assert judgement.warn is None or judgement.warn > warned
    assert judgement.warn is None or not judgement.disable


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=20, unique_by=lambda one: one[0]))
def test_only_failures_after_the_last_delivery_count(tries: list[tuple[int, bool]]) -> None:
    found = tally((START + hours * HOUR, taken) for hours, taken in tries)
    last = max((hours for hours, taken in tries if taken), default=-1)
    after = sorted(hours for hours, taken in tries if hours > last)
    assert found.taken == (last >= 0)
    assert found.failures == len(after)
    assert found.first_failed_at == (START + after[0] * HOUR if after else None)
    assert found.last_failed_at == (START + after[-1] * HOUR if after else None)
