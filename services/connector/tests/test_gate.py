from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.health import Breaker, ScopeStatus
from lineshaft.common.outcomes import ConnectionStatus, Operation
from lineshaft.connector.domain.gate import (
    Obedience,
    Passage,
    Reason,
    Standing,
    Verdict,
    decide,
    left_alone_of,
)

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(minutes=5), NOW - timedelta(minutes=5)
HEALTHY = Standing(Lifecycle.ACTIVE, credential_version=2)


def verdict(status: ConnectionStatus, version: int = 2, **more: object) -> Verdict:
    return replace(Verdict(status, version), **more)  # type: ignore[arg-type]


def a_scope(**fields: object) -> ScopeStatus:
    return ScopeStatus.model_validate({"object": "stock.lot", "status": "degraded", **fields})


def open_until(moment: datetime | None) -> Breaker:
    return Breaker(state="open", retry_at=moment)


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (replace(HEALTHY, lifecycle=Lifecycle.PAUSED), Reason.PAUSED),
        (replace(HEALTHY, lifecycle=Lifecycle.DISCONNECTED), Reason.DISCONNECTED),
        (replace(HEALTHY, lifecycle=Lifecycle.DELETED), Reason.DISCONNECTED),
        (replace(HEALTHY, credential_version=0), Reason.NO_CREDENTIALS),
        (replace(HEALTHY, rejected_version=2), Reason.CREDENTIALS_REJECTED),
        (replace(HEALTHY, rejected_version=3), Reason.CREDENTIALS_REJECTED),
        (replace(HEALTHY, not_before=LATER), Reason.RATE_LIMITED),
        (
            replace(HEALTHY, verdict=verdict(ConnectionStatus.REAUTHORIZATION_REQUIRED)),
            Reason.CREDENTIALS_REJECTED,
        ),
        (replace(HEALTHY, verdict=verdict(ConnectionStatus.PAUSED)), Reason.PAUSED),
        (replace(HEALTHY, verdict=verdict(ConnectionStatus.DISCONNECTED)), Reason.DISCONNECTED),
        (
            replace(
                HEALTHY,
                verdict=verdict(ConnectionStatus.UNREACHABLE, breaker=open_until(LATER)),
            ),
            Reason.BREAKER_OPEN,
        ),
    ],
)
def test_what_closes_it(standing: Standing, reason: Reason) -> None:
    decision = decide(standing, None, NOW)
    assert (decision.passage, decision.reason) == (Passage.CLOSED, reason)


@pytest.mark.parametrize(
    "standing",
    [
        HEALTHY,
        replace(HEALTHY, rejected_version=1),
        replace(HEALTHY, not_before=EARLIER),
        replace(HEALTHY, verdict=verdict(ConnectionStatus.REAUTHORIZATION_REQUIRED, 1)),
        replace(HEALTHY, verdict=verdict(ConnectionStatus.DEGRADED)),
        replace(HEALTHY, verdict=verdict(ConnectionStatus.UNREACHABLE, 1, breaker=open_until(None))),
    ],
)
def test_what_leaves_it_open(standing: Standing) -> None:
    assert decide(standing, "stock.lot", NOW).passage is Passage.OPEN


def test_a_half_open_breaker_lets_one_try() -> None:
    standing = replace(
        HEALTHY, verdict=verdict(ConnectionStatus.UNREACHABLE, breaker=Breaker(state="half_open"))
    )
    assert decide(standing, None, NOW).passage is Passage.PROBE


def test_an_open_breaker_lets_one_try_after_its_time() -> None:
    standing = replace(HEALTHY, verdict=verdict(ConnectionStatus.UNREACHABLE, breaker=open_until(EARLIER)))
    assert decide(standing, None, NOW).passage is Passage.PROBE


def test_the_monitors_probe_does_not_obey_the_breaker() -> None:
    standing = replace(HEALTHY, verdict=verdict(ConnectionStatus.UNREACHABLE, breaker=open_until(LATER)))
    assert decide(standing, None, NOW, Obedience.NOT_THE_BREAKER).passage is Passage.OPEN
    refused = replace(standing, rejected_version=2)
    assert decide(refused, None, NOW, Obedience.NOT_THE_BREAKER).closed


def test_a_second_look_at_refused_credentials_obeys_all_but_the_refusal() -> None:
    refused = replace(HEALTHY, rejected_version=2, verdict=verdict(ConnectionStatus.REAUTHORIZATION_REQUIRED))
    assert decide(refused, None, NOW).closed
    assert decide(refused, None, NOW, Obedience.NOT_THE_REFUSAL).passage is Passage.OPEN
    limited = replace(refused, not_before=LATER)
    assert decide(limited, None, NOW, Obedience.NOT_THE_REFUSAL).closed
    paused = replace(refused, lifecycle=Lifecycle.PAUSED)
    assert decide(paused, None, NOW, Obedience.NOT_THE_REFUSAL).closed


@pytest.mark.parametrize(
    ("not_before", "passage"),
    [(LATER, Passage.CLOSED), (EARLIER, Passage.OPEN), (None, Passage.CLOSED)],
)
def test_one_object_can_be_closed_alone(not_before: datetime | None, passage: Passage) -> None:
    objects = {"stock.lot": a_scope(callable=False, not_before=not_before)}
    standing = replace(HEALTHY, verdict=verdict(ConnectionStatus.DEGRADED, objects=objects))
    assert decide(standing, "stock.lot", NOW).passage is passage
    assert decide(standing, "party.party", NOW).passage is Passage.OPEN


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [
        ({"callable": False, "not_before": LATER}, Passage.CLOSED, Passage.OPEN),
        ({"writable": False, "writes_not_before": LATER}, Passage.OPEN, Passage.CLOSED),
        ({"writable": False, "writes_not_before": EARLIER}, Passage.OPEN, Passage.OPEN),
    ],
)
def test_what_may_not_be_read_may_be_written_and_the_other_way_round(
    scope: dict[str, object], reads: Passage, writes: Passage
) -> None:
    objects = {"stock.lot": a_scope(**scope)}
    standing = replace(HEALTHY, verdict=verdict(ConnectionStatus.DEGRADED, objects=objects))
    assert decide(standing, "stock.lot", NOW, operation=Operation.READ).passage is reads
    assert decide(standing, "stock.lot", NOW, operation=Operation.WRITE).passage is writes
    closed = ["stock.lot"] if Passage.CLOSED in {reads, writes} else []
    assert left_alone_of(standing, ["stock.lot", "party.party"], NOW) == closed


@given(
    version=st.integers(1, 5),
    rejected=st.integers(0, 5),
    said=st.integers(0, 5),
    status=st.sampled_from(ConnectionStatus),
    lifecycle=st.sampled_from(Lifecycle),
)
def test_nothing_about_older_credentials_binds_new_ones(
    version: int, rejected: int, said: int, status: ConnectionStatus, lifecycle: Lifecycle
) -> None:
    standing = Standing(lifecycle, version, rejected, verdict=verdict(status, said))
    decision = decide(standing, None, NOW)
    assert decision.closed or rejected < version
    if rejected < version and said < version and lifecycle is Lifecycle.ACTIVE:
        assert decision.passage is Passage.OPEN
