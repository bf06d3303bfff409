"""A trace that came from outside travels on, also where nothing is recorded."""

import json

import pytest

from lineshaft.common import logs, topics
from lineshaft.common.events.envelope import Decoder, Event, new_event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.kafka.record import Record
from lineshaft.common.tracing import current_trace_id, current_traceparent, span

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


def an_event(cause: Event[SyncRequested] | None = None) -> Event[SyncRequested]:
    return new_event(SyncRequested(connection_id="con_1"), source="test", key="con_1", cause=cause)


def test_work_goes_on_with_the_trace_of_its_parent() -> None:
    with span("work", PARENT):
        assert current_trace_id() == TRACE_ID
        assert an_event().traceparent == current_traceparent() == PARENT
    assert current_traceparent() is None
    assert an_event().traceparent is None


def test_a_cause_comes_before_the_work_around_it() -> None:
    with span("work", PARENT):
        caused = an_event()
    assert an_event(caused).traceparent == PARENT
    other = PARENT.replace(TRACE_ID, "a" * 32)
    with span("other", other):
        assert an_event(caused).traceparent == PARENT
        assert an_event(an_event(None)).traceparent == other


@pytest.mark.parametrize("parent", ["", "nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01", None])
def test_what_is_no_trace_is_none(parent: str | None) -> None:
    with span("work", parent):
        assert current_traceparent() is None


@pytest.mark.parametrize(
    ("given", "travels_on"), [(PARENT, PARENT), ("nonsense", None), (f"{PARENT}-{'a' * 1_000_000}", None)]
)
def test_a_header_that_is_no_traceparent_goes_no_further(given: str, travels_on: str | None) -> None:
    headers = (("traceparent", given.encode()),)
    request = Record(topics.SYNC_REQUESTS.name, 0, 0, None, b'{"connection_id": "con_1"}', headers)
    event = Decoder(SyncRequested, assume=SyncRequested)(request)
    assert event is not None
    assert event.traceparent == travels_on


def test_logs_carry_the_trace_and_what_the_work_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("test")
    with span("work", PARENT, connection_id="con_1"):
        logs.logger("lineshaft.test").info("inside")
    logs.logger("lineshaft.test").info("outside")
    inside, outside = map(json.loads, capsys.readouterr().out.splitlines())
    assert (inside["trace_id"], inside["connection_id"]) == (TRACE_ID, "con_1")
    assert "trace_id" not in outside
    assert "connection_id" not in outside
