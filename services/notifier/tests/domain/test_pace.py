from hypothesis import given
from hypothesis import strategies as st

from lineshaft.notifier.domain.pace import LONGEST_BURST_SECONDS, MOST_OUTSTANDING, allowance, pause_seconds

RATES = st.floats(0.01, 1000)


@given(per_second=RATES, seconds=st.floats(-10, 1e6), outstanding=st.integers(0, 300))
def test_never_more_than_the_rate_and_never_too_many_at_once(
    per_second: float, seconds: float, outstanding: int
) -> None:
    number = allowance(per_second=per_second, seconds=seconds, outstanding=outstanding)
    assert number >= 0
    assert number + outstanding <= max(MOST_OUTSTANDING, outstanding)
    assert number <= max(1, per_second * LONGEST_BURST_SECONDS)


@given(per_second=RATES)
def test_after_the_pause_there_is_one_to_queue(per_second: float) -> None:
    assert allowance(per_second=per_second, seconds=pause_seconds(per_second), outstanding=0) >= 1
