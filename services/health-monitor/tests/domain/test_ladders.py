"""When the monitor looks at the network by itself, and what it makes of what was found."""

from datetime import timedelta

from lineshaft.common.outcomes import ConnectionStatus, Fault, LadderRung, Outcome, Rung
from lineshaft.health_monitor.domain.effects import LadderWanted
from lineshaft.health_monitor.domain.rules import Tick, apply
from lineshaft.health_monitor.domain.sharing import SharedOutage
from lineshaft.health_monitor.domain.thresholds import Thresholds

from .builders import Scene, a_description, a_diagnosis, a_force

PAUSE = timedelta(minutes=15)


def out_of_reach(**labels: str) -> Scene:
    scene = Scene(thresholds=Thresholds(ladder_pause=PAUSE), labels=labels)
    scene.take(a_description())
    fail(scene)
    assert scene.state.status is ConnectionStatus.UNREACHABLE
    return scene


def fail(scene: Scene) -> None:
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP, host="plant:443")


def mend(scene: Scene) -> None:
    scene.wait(60)
    for _ in range(3):
        scene.call(Outcome.OK, None)
    assert scene.state.status is ConnectionStatus.HEALTHY


def test_a_source_out_of_reach_is_looked_at_once_each_time_and_not_too_often() -> None:
    scene = out_of_reach()
    assert scene.ladders == 0, "a common outage is seen first"
    scene.wait(10)
    assert scene.ladders == 1
    scene.wait(3600)
    assert scene.ladders == 1
    mend(scene)
    fail(scene)
    scene.wait(10)
    assert scene.ladders == 2
    mend(scene)
    fail(scene)
    scene.wait(60)
    assert scene.ladders == 2
    scene.wait(PAUSE.total_seconds())
    assert scene.ladders == 3


def test_what_no_network_is_to_blame_for_is_not_looked_at() -> None:
    scene = Scene(thresholds=Thresholds(ladder_pause=PAUSE))
    scene.take(a_description())
    for _ in range(3):
        scene.call(Outcome.SOURCE_ERROR, None, http_status=500)
    assert scene.state.status is ConnectionStatus.UNREACHABLE
    scene.wait(3600)
    assert scene.ladders == 0


def test_never_means_never_and_neither_an_outage_nor_a_stop_is_looked_at() -> None:
    never = out_of_reach()
    never.thresholds = Thresholds()
    stopped = out_of_reach()
    stopped.take(a_force("open"))
    for scene in (never, stopped):
        scene.wait(3600)
        assert scene.ladders == 0
    shared = out_of_reach()
    state, effects = apply(
        shared.state,
        Tick(),
        event_id="evt_t",
        thresholds=shared.thresholds,
        now=shared.now + timedelta(minutes=1),
        chance=lambda: 0.5,
        shared=SharedOutage("out_1", "out_1/a"),
    )
    assert state.ladder_asked_at is None
    assert not any(isinstance(effect, LadderWanted) for effect in effects)


def test_the_verdict_names_the_rung_and_what_to_ask_for() -> None:
    scene = out_of_reach(tryton="Tryton")
    verdict = scene.described.verdict
    assert verdict is not None
    assert (verdict.rung, verdict.fault) == (LadderRung.TCP, Fault.NETWORK)
    assert verdict.summary.startswith("Tryton at plant:443 is not reachable: its port does not")
    scene.take(a_diagnosis())
    verdict = scene.described.verdict
    assert verdict is not None
    assert verdict.summary == "Tryton at plant:443 is not reachable: plant refused TCP 443."
    assert verdict.action == "Open TCP 443 from 10.0.0.5 to plant."
    assert "connection.diagnosed" in scene.notes
    mend(scene)
    assert scene.state.ladder is None


def test_a_ladder_that_was_climbed_whole_or_found_no_fault_of_the_network_changes_no_verdict() -> None:
    for failed in (None, LadderRung.AUTH, LadderRung.OBJECT):
        scene = out_of_reach()
        before = scene.described
        scene.take(a_diagnosis(failed))
        assert scene.described == before
    healthy = Scene.connected()
    healthy.take(a_diagnosis())
    assert healthy.described.status is ConnectionStatus.HEALTHY
    fail(healthy)
    verdict = healthy.described.verdict
    assert verdict is not None
    assert "its port does not accept" in verdict.summary
