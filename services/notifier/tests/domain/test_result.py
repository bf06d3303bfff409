from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.notifier.domain.decision import DeliveryState, decide
from lineshaft.notifier.domain.result import Answer, retry_after

START = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("Mon, 05 Jan 2026 08:01:00 GMT", 60),
        ("Mon, 05 Jan 2026 07:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("\u0661\u0662", None),
        ("9" * 400, 10**8),
        (f"{'9' * 30} Feb 30 00:00:00 0 99999 Jan 0", None),
    ],
)
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    expected = timedelta(seconds=seconds) if seconds is not None else None
    assert retry_after(value, START) == expected


@given(st.text())
def test_no_header_breaks_it(value: str) -> None:
    found = retry_after(value, START)
    assert found is None or found >= timedelta(0)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, DeliveryState.DELIVERED),
        (204, DeliveryState.DELIVERED),
        (299, DeliveryState.DELIVERED),
        (301, DeliveryState.DUE),
        (302, DeliveryState.DUE),
        (400, DeliveryState.DUE),
        (410, DeliveryState.GIVEN_UP),
        (429, DeliveryState.DUE),
        (500, DeliveryState.DUE),
    ],
)
def test_what_follows_from_a_status(status: int, state: DeliveryState) -> None:
    decision = decide(
        Answer(START, 1.0, status),
        tries=0,
        deferrals=0,
        first_tried_at=None,
        now=START,
        chance=lambda: 0.5,
    )
    assert decision.state is state
    assert (decision.next_attempt_at is not None) == (state is DeliveryState.DUE)


def test_an_answer_without_an_end_is_none() -> None:
    answer = Answer(START, 20_000.0, 200, "no end of the answer within 20 s")
    assert not answer.delivered
    assert answer.problem == "no end of the answer within 20 s"


def test_a_redirect_says_that_it_is_not_followed() -> None:
    assert "redirects are not followed" in str(Answer(START, 1.0, 307).problem)


def test_the_tenth_failure_is_the_last() -> None:
    states = [
        decide(
            Answer(START, 1.0, 500),
            tries=tries,
            deferrals=0,
            first_tried_at=START,
            now=START,
            chance=lambda: 0.5,
        ).state
        for tries in range(10)
    ]
    assert states == [DeliveryState.DUE] * 9 + [DeliveryState.GIVEN_UP]
