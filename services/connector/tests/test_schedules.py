from datetime import UTC, datetime, timedelta

from lineshaft.common.events.commands import Frequency
from lineshaft.common.events.syncs import SyncMode
from lineshaft.connector.domain.schedules import Due, again, begin

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_first_read_comes_after_one_interval() -> None:
    due = begin(Frequency(every_minutes=30, full_every_hours=24), NOON)
    assert due == Due(NOON + HOUR / 2, NOON + 24 * HOUR)
    assert due.first == NOON + HOUR / 2


def test_the_rhythm_is_kept_however_late_the_read_was_asked_for() -> None:
    frequency = Frequency(every_minutes=60)
    due = begin(frequency, NOON)
    late = again(due, frequency, NOON + HOUR + timedelta(minutes=3))
    assert late.changes_at == NOON + 2 * HOUR


def test_what_was_missed_is_read_once() -> None:
    frequency = Frequency(every_minutes=15)
    due = again(begin(frequency, NOON), frequency, NOON + 10 * HOUR)
    assert due.changes_at == NOON + 10 * HOUR + timedelta(minutes=15)


def test_a_read_of_everything_takes_the_place_of_a_read_of_changes() -> None:
    frequency = Frequency(every_minutes=60, full_every_hours=24)
    due = Due(NOON, NOON - timedelta(minutes=1))
    assert due.mode(NOON) is SyncMode.FULL
    assert again(due, frequency, NOON).mode(NOON + HOUR) is SyncMode.INCREMENTAL


def test_only_on_request_is_never_due() -> None:
    assert begin(Frequency(every_minutes=None), NOON) == Due(None, None)
