from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lineshaft.connector.adapters.protocols.sql_window import Window
from lineshaft.connector.adapters.protocols.window import CLOCK_SKEW

BEGAN = datetime(2026, 11, 24, 8, tzinfo=UTC)
OVERLAP = timedelta(minutes=5)
moments = st.integers(-10_000, 10_000).map(lambda minutes: BEGAN + timedelta(minutes=minutes))


def since(cursor: object) -> datetime:
    parsed = Window.parse(cursor).since  # type: ignore[arg-type]
    assert parsed is not None
    return parsed


def test_after_a_full_read_all_that_was_changed_meanwhile_is_read() -> None:
    assert since(Window().begun(BEGAN).next_sync(OVERLAP, None)) == BEGAN - CLOCK_SKEW - OVERLAP


def test_without_a_clock_each_read_is_a_full_one() -> None:
    assert Window().next_sync(OVERLAP, None) is None


def test_a_read_that_saw_nothing_begins_where_it_began() -> None:
    assert since(Window(since=BEGAN).begun(BEGAN + OVERLAP).next_sync(OVERLAP, None)) == BEGAN


@given(start=moments, youngest=moments, began=moments)
def test_the_cursor_never_passes_the_clock_nor_what_was_seen_nor_goes_back(
    start: datetime, youngest: datetime, began: datetime
) -> None:
    following = since(Window(since=start).begun(began).next_sync(OVERLAP, youngest))
    assert following >= start
    assert following == start or following <= min(began - CLOCK_SKEW, youngest) - OVERLAP


def test_positions_survive_being_stored() -> None:
    window = Window(since=BEGAN).begun(BEGAN)
    following = Window.parse(window.next_page(["2026-11-24 08:00:00", 7]))
    assert following == Window(BEGAN, ("2026-11-24 08:00:00", 7), BEGAN)
