"""Quiet connections are probed; refused credentials are tried once more where a directory may be at fault."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.outcomes import ConnectionStatus, Operation, Outcome
from lineshaft.health_monitor.domain.confirming import MOST, spread
from lineshaft.health_monitor.domain.effects import ProbeWanted
from lineshaft.health_monitor.domain.rules import Tick, apply, due_at
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.thresholds import Thresholds

from .builders import CONNECTION, START, Scene, a_description

REJECTED = Outcome.CREDENTIALS_REJECTED
THRESHOLDS = Thresholds(quiet_probe=timedelta(hours=24), confirm_after=timedelta(minutes=15))


class Suspected(Scene):
    suspected: bool = True

    def tick(self) -> None:
        self.state, effects = apply(
            self.state,
            Tick(),
            event_id="evt_tick",
            thresholds=self.thresholds,
            now=self.now,
            chance=lambda: 0.5,
            suspected=self.suspected,
        )
        self.effects += effects

    def live(self, hours: float) -> None:
        end = self.now + timedelta(hours=hours)
        while (due := due_at(self.state, self.thresholds, self.now)) is not None and due <= end:
            self.now = max(self.now, due)
            self.tick()
        self.now = end


def a_connection(*, suspected: bool = True) -> Suspected:
    scene = Suspected(thresholds=THRESHOLDS, state=ConnectionState(connection_id=CONNECTION))
    scene.suspected = suspected
    scene.take(a_description())
    scene.call(Outcome.OK)
    return scene


def test_a_quiet_connection_is_probed_once_a_day() -> None:
    scene = a_connection()
    scene.live(23.9)
    assert scene.probes == 0
    scene.live(6.2)
    assert scene.probes == 1
    scene.live(30)
    assert scene.probes == 2


def test_one_that_is_called_is_never_probed() -> None:
    scene = a_connection()
    for _ in range(50):
        scene.live(12)
        scene.call(Outcome.OK)
    assert scene.probes == 0


def test_a_probe_finds_what_the_next_sync_would_have_found() -> None:
    scene = a_connection()
    scene.live(31)
    scene.call(REJECTED, None, operation=Operation.PROBE)
    assert scene.told_types == ["created", "reauthorization_required"]


def test_paused_and_ended_connections_are_left_in_peace() -> None:
    for lifecycle in (Lifecycle.PAUSED, Lifecycle.DISCONNECTED):
        scene = a_connection()
        scene.take(a_description(2, lifecycle=lifecycle, reason="changed"))
        scene.live(1000)
        assert scene.probes == 0


@given(st.text(min_size=1), st.integers(1, 10**6))
def test_connections_differ_by_up_to_a_quarter(name: str, seconds: int) -> None:
    wait = timedelta(seconds=seconds)
    assert wait <= spread(wait, name) <= wait * 1.25
    assert spread(wait, name) == spread(wait, name)


def test_a_single_refusal_is_never_tried_again() -> None:
    scene = a_connection(suspected=False)
    scene.call(REJECTED)
    scene.live(1000)
    assert scene.probes == 0


def test_of_many_refusals_each_is_tried_at_most_three_times_an_hour_apart() -> None:
    scene = a_connection()
    scene.call(REJECTED)
    asked = []
    for _ in range(1000):
        before = scene.probes
        scene.live(0.1)
        if scene.probes > before:
            asked.append(scene.now)
            scene.call(REJECTED, None, operation=Operation.PROBE)
    assert len(asked) == MOST
    assert asked[0] - START >= timedelta(minutes=15)
    assert all(later - earlier >= timedelta(minutes=54) for earlier, later in pairwise(asked))
    probes = [effect for effect in scene.effects if isinstance(effect, ProbeWanted)]
    assert all(probe.despite_rejection for probe in probes)
    assert scene.told_types == ["created", "reauthorization_required"]


def test_only_the_login_that_was_asked_for_ends_the_refusal() -> None:
    scene = a_connection()
    scene.call(REJECTED)
    scene.call(Outcome.OK, None, operation=Operation.PROBE)
    assert scene.state.status is ConnectionStatus.REAUTHORIZATION_REQUIRED
    scene.live(0.5)
    assert scene.probes == 1
    scene.call(Outcome.OK)
    assert scene.state.status is ConnectionStatus.REAUTHORIZATION_REQUIRED
    scene.call(Outcome.OK, None, operation=Operation.PROBE)
    assert scene.state.status is ConnectionStatus.HEALTHY
    assert scene.told_types == ["created", "reauthorization_required", "recovered"]
    assert scene.described.breaker.state == "closed"


def test_reconnecting_meanwhile_ends_it_too() -> None:
    scene = a_connection()
    scene.call(REJECTED)
    scene.take(a_description(2, 2, reason="reauthorized"))
    scene.live(5)
    assert scene.probes == 0
