"""A trace travels on, also where nothing is recorded; what begins without one begins one."""

import json
import re

import pytest

from lineshaft.common import logs
from lineshaft.common.events.envelope import Decoder, Event, encode, new_event
from lineshaft.common.events.syncs import SyncRequested
from lineshaft.common.kafka.record import Record
from lineshaft.common.tracing import current_trace_id, current_traceparent, span, traceparent_of

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
IS_TRACEPARENT = re.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-01").fullmatch


def an_event(cause: Event[SyncRequested] | None = None) -> Event[SyncRequested]:
    return new_event(SyncRequested(connection_id="con_1"), source="test", key="con_1", cause=cause)


def test_work_goes_on_with_the_trace_of_its_parent() -> None:
    with span("work", PARENT):
        assert current_trace_id() == TRACE_ID
        assert an_event().traceparent == current_traceparent() == PARENT
    assert current_traceparent() is None


def test_a_cause_comes_before_the_work_around_it() -> None:
    with span("work", PARENT):
        caused = an_event()
    assert an_event(caused).traceparent == PARENT
    other = PARENT.replace(TRACE_ID, "a" * 32)
    with span("other", other):
        assert an_event(caused).traceparent == PARENT
        assert an_event(an_event(None)).traceparent == other


@pytest.mark.parametrize(
    "parent", ["", "nonsense", "0" * 2_000_000, f"00-{'0' * 32}-00f067aa0ba902b7-01", None]
)
def test_what_is_no_trace_begins_one_of_its_own(parent: str | None) -> None:
    with span("work", parent):
        first, second = an_event(), an_event()
        assert first.traceparent == second.traceparent == current_traceparent() == traceparent_of(parent)
        assert current_trace_id() in str(first.traceparent)
    assert IS_TRACEPARENT(str(first.traceparent))
    others = {an_event().traceparent, an_event().traceparent, traceparent_of(parent)}
    assert len(others - {first.traceparent}) == 3


@pytest.mark.parametrize("given", [None, "nonsense", f"{PARENT}-{'a' * 1_000_000}"])
def test_a_request_without_a_trace_begins_one_that_its_consequences_share(given: str | None) -> None:
    headers = (("traceparent", given.encode()),) if given else ()
    record = Record("sync.requests", 0, 0, None, b'{"connection_id": "con_1"}', headers)
    requested = Decoder(SyncRequested, assume=SyncRequested)(record)
    assert requested is not None
    assert IS_TRACEPARENT(str(requested.traceparent))
    assert dict(encode(an_event(requested)).headers)["traceparent"].decode() == requested.traceparent


def test_logs_carry_the_trace_and_what_the_work_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("test")
    with span("work", PARENT, connection_id="con_1"):
        logs.logger("lineshaft.test").info("inside")
    logs.logger("lineshaft.test").info("outside")
    inside, outside = map(json.loads, capsys.readouterr().out.splitlines())
    assert (inside["trace_id"], inside["connection_id"]) == (TRACE_ID, "con_1")
    assert "trace_id" not in outside
    assert "connection_id" not in outside
