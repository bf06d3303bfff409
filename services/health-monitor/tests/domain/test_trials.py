"""Somebody waits: what is left alone is tried at once, and no more often than now and then."""

from datetime import datetime, timedelta

import pytest

from lineshaft.common.outcomes import ConnectionStatus, Operation, Outcome, Rung
from lineshaft.health_monitor.domain.effects import Noted

from .builders import START, Scene, a_call, a_description, a_force, a_trial


def denied() -> Scene:
    """For a while already: its next time is far away."""
    scene = Scene.connected("party.party")
    for _ in range(6):
        scene.call(Outcome.PERMISSION_DENIED, "stock.move")
        scene.wait((left_alone_until(scene) - scene.now).total_seconds())
    scene.call(Outcome.PERMISSION_DENIED, "stock.move")
    scene.wait(60)
    assert not may_be_called(scene)
    return scene


def may_be_called(scene: Scene, name: str = "stock.move") -> bool:
    return {one.object: one.callable for one in scene.described.objects}[name]


def left_alone_until(scene: Scene, name: str = "stock.move") -> datetime:
    until = {one.object: one.not_before for one in scene.described.objects}[name]
    assert until is not None
    return until


def test_what_was_given_back_is_read_at_once() -> None:
    scene = denied()
    assert left_alone_until(scene) - scene.now > timedelta(minutes=20)
    scene.take(a_trial("stock.move"))
    assert may_be_called(scene)
    scene.call(Outcome.OK, "stock.move")
    assert scene.described.status is ConnectionStatus.HEALTHY
    [line] = [one for one in scene.effects if isinstance(one, Noted) and one.kind == "breaker.hastened"]
    assert (line.actor, line.details["objects"]) == ("grace", ["stock.move"])


def test_what_was_not_given_back_is_left_alone_again_after_one_try() -> None:
    scene = denied()
    scene.take(a_trial("stock.move"))
    scene.call(Outcome.PERMISSION_DENIED, "stock.move")
    assert not may_be_called(scene)
    assert left_alone_until(scene) - scene.now > timedelta(minutes=20)


def test_impatience_is_no_storm() -> None:
    scene = denied()
    begun, calls = scene.now, 0
    for _ in range(600):
        scene.take(a_trial("stock.move", "party.party"))
        if may_be_called(scene):
            calls += 1
            scene.call(Outcome.PERMISSION_DENIED, "stock.move")
        scene.wait(0.1)
    most = (scene.now - begun) / scene.thresholds.trial_pause
    assert 2 <= calls <= most + 1


def test_others_than_those_asked_for_wait_on() -> None:
    scene = denied()
    scene.take(a_trial("party.party"))
    assert not may_be_called(scene)
    assert "breaker.hastened" not in scene.notes


def test_a_source_out_of_reach_is_probed_once_for_all_who_wait() -> None:
    scene = Scene.connected("party.party")
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP)
    scene.wait(6)
    assert scene.described.breaker.state == "open"
    for _ in range(5):
        scene.take(a_trial("party.party"))
    assert scene.described.breaker.state == "half_open"
    scene.wait(0)
    assert scene.probes == 1


@pytest.mark.parametrize("name", [None, "stock.move"])
def test_a_stop_of_an_operator_holds(name: str | None) -> None:
    scene = denied()
    scene.take(a_force("open", name, until=scene.now + timedelta(hours=9)))
    scene.take(a_trial("stock.move"))
    if name is None:
        assert scene.described.breaker.retry_at == scene.now + timedelta(hours=9)
    else:
        assert left_alone_until(scene) == scene.now + timedelta(hours=9)
    assert not may_be_called(scene)


def test_refused_credentials_and_limits_hold() -> None:
    refused = Scene.connected()
    refused.call(Outcome.CREDENTIALS_REJECTED)
    refused.take(a_trial("party.party"))
    assert refused.described.breaker.state == "open"
    limited = denied()
    until = limited.now + timedelta(minutes=1)
    limited.call(Outcome.RATE_LIMITED, "party.party", retry_at=until)
    limited.take(a_trial("stock.move"))
    assert left_alone_until(limited) == until


def test_a_probe_that_worked_disproves_what_failed_before() -> None:
    """As that of a ladder which somebody asked for."""
    scene = denied()
    scene.take(a_call(Outcome.OK, "stock.move", operation=Operation.PROBE, at=scene.now))
    assert scene.described.status is ConnectionStatus.HEALTHY


def test_a_probe_that_was_made_before_the_failure_disproves_nothing() -> None:
    scene = denied()
    scene.take(a_call(Outcome.OK, "stock.move", operation=Operation.PROBE, at=START))
    assert not may_be_called(scene)


def test_a_connection_that_is_not_in_use_is_not_tried() -> None:
    scene = denied()
    scene.take(a_description(2, lifecycle="paused", reason="paused"))
    scene.take(a_trial("stock.move"))
    assert "breaker.hastened" not in scene.notes
