from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lineshaft.connector.adapters.protocols.wall_clock import earliest_from

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("zone", "put_back"),
    [
        ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ],
)
def test_nothing_that_is_written_later_has_an_earlier_time(zone: str, put_back: datetime) -> None:
    place = ZoneInfo(zone)
    moments = [put_back + MINUTE * number for number in range(-120, 180)]
    shown = [moment.astimezone(place).replace(tzinfo=None) for moment in moments]
    for number, moment in enumerate(moments[:-60]):
        earliest = earliest_from(moment, place)
        assert earliest <= min(shown[number:])
        assert earliest >= shown[number] - timedelta(hours=1)


def test_on_every_other_day_it_is_what_the_clock_shows() -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert earliest_from(moment, ZoneInfo("Europe/Berlin")) == datetime(2026, 7, 1, 14)  # noqa: DTZ001  a wall's
    assert earliest_from(datetime(2026, 10, 25, 1, tzinfo=UTC), ZoneInfo("Europe/Berlin")).hour == 2
