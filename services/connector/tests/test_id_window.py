from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import pytest

from lineshaft.connector.adapters.protocols.id_window import advanced, cut
from lineshaft.connector.adapters.protocols.paging import PageRepeatedError
from lineshaft.connector.adapters.protocols.tryton_domain import domain_of
from lineshaft.connector.adapters.protocols.window import CLOCK_SKEW, Window

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
OVERLAP_S = 120


def tagged(moment: datetime) -> dict[str, Any]:
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(moment, name) for name in names}}


def records(*ids: int) -> list[bytes]:
    return [orjson.dumps({"name": "x", "id": number}) for number in ids]


def test_the_first_page_of_a_complete_read_takes_all() -> None:
    assert domain_of(Window.parse(None)) == [["id", ">", 0]]


def test_an_incremental_read_also_takes_rows_that_were_only_created() -> None:
    (by_id, (either, written, created)) = domain_of(Window.parse({"since": NOW.isoformat()}))
    assert (by_id, either) == (["id", ">", 0], "OR")
    assert written == ["write_date", ">=", tagged(NOW)]
    assert created == [["write_date", "=", None], ["create_date", ">=", tagged(NOW)]]


def test_pages_go_by_id_and_survive_storage() -> None:
    window = advanced(Window.parse(None), records(3, 9), NOW)
    stored = orjson.loads(orjson.dumps(window.dump()))
    assert Window.parse(stored) == window
    assert domain_of(window) == [["id", ">", 9]]


@pytest.mark.parametrize("ids", [(5, 6), (9, 7)])
def test_a_page_that_does_not_advance_is_noticed(ids: tuple[int, ...]) -> None:
    with pytest.raises(PageRepeatedError):
        advanced(Window(position=5), records(*ids), NOW)


def test_a_record_without_an_id_is_noticed() -> None:
    with pytest.raises(msgspec.DecodeError):
        advanced(Window(), [b'{"name": "x"}'], NOW)


def test_the_next_read_begins_when_this_one_began() -> None:
    window = Window.parse(None)
    for page, minute in ((records(1, 2), 0), (records(3), 9), (records(), 12)):
        window = advanced(Window.parse(window.dump()), page, NOW + timedelta(minutes=minute))
    assert window.next_sync(OVERLAP_S) == {
        "since": (NOW - CLOCK_SKEW - timedelta(seconds=OVERLAP_S)).isoformat()
    }


def test_a_next_read_knows_nothing_of_the_pages_of_this_one() -> None:
    window = Window.parse(advanced(Window.parse(None), records(1, 2), NOW).next_sync(OVERLAP_S))
    assert (window.position, window.began) == (None, None)


def test_records_are_cut_as_they_came() -> None:
    text = b'[{"id":1,"price":{"__class__":"Decimal","decimal":"1.10"}}, {"id" : 2}]'
    assert b"|".join(cut(msgspec.Raw(text))) == (
        b'{"id":1,"price":{"__class__":"Decimal","decimal":"1.10"}}|{"id" : 2}'
    )
