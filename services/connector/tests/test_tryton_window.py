from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import pytest

from lineshaft.connector.adapters.protocols.tryton_window import CLOCK_SKEW, Window, advanced, cut

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
OVERLAP = timedelta(minutes=2)


def tagged(moment: datetime) -> dict[str, Any]:
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(moment, name) for name in names}}


def rows(*items: tuple[int, datetime | None, datetime | None]) -> msgspec.Raw:
    return msgspec.Raw(
        orjson.dumps(
            [
                {
                    "name": "x",
                    "id": number,
                    "write_date": tagged(written) if written else None,
                    "create_date": tagged(created) if created else None,
                }
                for number, written, created in items
            ]
        )
    )


def test_the_first_page_of_a_complete_read_takes_all() -> None:
    assert Window.parse(None).domain() == [["id", ">", 0]]


def test_an_incremental_read_also_takes_rows_that_were_only_created() -> None:
    (by_id, (either, written, created)) = Window.parse({"since": NOW.isoformat()}).domain()
    assert (by_id, either) == (["id", ">", 0], "OR")
    assert written == ["write_date", ">=", tagged(NOW)]
    assert created == [["write_date", "=", None], ["create_date", ">=", tagged(NOW)]]


def test_pages_go_by_id_and_survive_storage() -> None:
    window = advanced(Window.parse(None), rows((3, None, NOW), (9, None, NOW)), NOW)
    assert window is not None
    stored = orjson.loads(orjson.dumps(window.next_page()))
    assert Window.parse(stored) == window
    assert window.domain() == [["id", ">", 9]]


@pytest.mark.parametrize("ids", [(5, 6), (9, 7)])
def test_a_page_that_does_not_advance_is_noticed(ids: tuple[int, ...]) -> None:
    window = Window(since=None, after=5)
    assert advanced(window, rows(*((number, None, NOW) for number in ids)), NOW) is None


def test_the_next_read_begins_when_this_one_began() -> None:
    """Not at the youngest row: one that was written behind the page being read is younger than the start."""
    begun = NOW
    window = advanced(Window.parse(None), rows((1, NOW + timedelta(minutes=9), NOW)), begun)
    assert window is not None
    assert window.next_sync(OVERLAP) == {"since": (begun - OVERLAP).isoformat()}


def test_old_rows_do_not_draw_the_next_read_back() -> None:
    window = advanced(Window.parse(None), rows((1, None, NOW - timedelta(days=9))), NOW)
    assert window is not None
    assert window.next_sync(OVERLAP) == {"since": (NOW - CLOCK_SKEW - OVERLAP).isoformat()}


def test_a_database_clock_that_is_behind_is_allowed_for() -> None:
    slow = NOW - timedelta(minutes=3)
    window = advanced(Window.parse(None), rows((1, slow, NOW)), NOW)
    assert window is not None
    assert window.next_sync(OVERLAP) == {"since": (slow - OVERLAP).isoformat()}


def test_a_read_that_saw_nothing_leaves_the_cursor() -> None:
    window = advanced(Window.parse({"since": NOW.isoformat()}), rows(), NOW + timedelta(hours=1))
    assert window is not None
    assert window.next_sync(OVERLAP) == {"since": NOW.isoformat()}


def test_records_are_cut_as_they_came() -> None:
    text = b'[{"id":1,"price":{"__class__":"Decimal","decimal":"1.10"}}, {"id" : 2}]'
    assert b"|".join(cut(msgspec.Raw(text))) == (
        b'{"id":1,"price":{"__class__":"Decimal","decimal":"1.10"}}|{"id" : 2}'
    )
