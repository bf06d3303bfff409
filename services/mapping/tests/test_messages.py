import pytest

from lineshaft.common.errors import UndecodableError
from lineshaft.common.events.envelope import Event
from lineshaft.common.events.records import ReadCompleted
from lineshaft.common.kafka.record import Headers, Record
from lineshaft.mapping.domain.messages import Page, alone, decode

from .builders import a_page, a_record, read_completed, records_read

TYPE = ("ce_type", b"lineshaft.records.read")


def test_a_slice_keeps_its_records_undecoded() -> None:
    page = a_page([{"id": 1, "price": 1.10}], epoch=3, sequence=7)
    assert page.data.position == (3, 7)
    assert [bytes(raw) for raw in page.data.records] == [b'{"id":1,"price":1.1}']


def test_other_events_of_the_topic() -> None:
    message = decode(a_record(read_completed("product", sync_objects=["product"])))
    assert isinstance(message, Event)
    assert isinstance(message.data, ReadCompleted)


@pytest.mark.parametrize(
    ("headers", "value", "reason"),
    [
        ((TYPE,), b"{", "not a slice"),
        ((TYPE,), b'{"connection_id": "c"}', "missing required field"),
        ((TYPE,), b'"\xff"', "not a slice"),
        ((TYPE,), b"[" * 100_000, "not a slice"),
        ((TYPE, ("note", b"\xff")), b"{}", "not UTF-8"),
        ((TYPE, ("note", None)), b"{}", "null"),
        ((), b"{}", "ce_type"),
    ],
)
def test_what_cannot_be_read_says_why(headers: Headers, value: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        decode(Record("records.raw", 0, 0, b"k", value, headers))


def test_a_tombstone_and_another_type_are_passed_over() -> None:
    assert decode(Record("records.raw", 0, 0, b"k", None, (TYPE,))) is None
    assert decode(Record("records.raw", 0, 0, b"k", b"{}", (("ce_type", b"lineshaft.other"),))) is None


def test_one_record_of_a_page_alone_is_a_page_again() -> None:
    page = a_page([{"id": 1}, {"id": 2}], sequence=9)
    again = decode(alone(page, page.data.records[1]))
    assert isinstance(again, Page)
    assert again.data.position == page.data.position
    assert [bytes(raw) for raw in again.data.records] == [b'{"id":2}']


def test_a_time_without_a_zone_is_refused() -> None:
    message = records_read([])
    value = (message.value or b"").replace(b"06:30:00Z", b"06:30:00")
    with pytest.raises(UndecodableError, match="zone"):
        decode(Record("records.raw", 0, 0, b"k", value, message.headers))
