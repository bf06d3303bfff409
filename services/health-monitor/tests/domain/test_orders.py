from datetime import timedelta

import pytest

from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.outcomes import ConnectionStatus, Fault, Move, Outcome, Rung, Scope
from lineshaft.health_monitor.domain.effects import Noted

from .builders import START, Scene, a_description, a_force, a_mute


def lines(scene: Scene) -> dict[str, Noted]:
    return {effect.kind: effect for effect in scene.effects if isinstance(effect, Noted)}


def unreachable() -> Scene:
    scene = Scene.connected("party.party")
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP)
    return scene


def test_a_forced_stop_binds_until_its_end_and_says_who_and_why() -> None:
    scene = Scene.connected("party.party")
    until = START + timedelta(hours=1)
    scene.take(a_force("open", until=until))
    assert (scene.described.breaker.state, scene.described.breaker.retry_at) == ("open", until)
    verdict = scene.described.verdict
    assert verdict is not None
    assert (verdict.fault, verdict.scope, verdict.move) == (Fault.PLATFORM, Scope.ALL, Move.OPERATOR)
    assert "grace" in verdict.summary
    assert "maintenance" in verdict.summary
    [answer] = scene.answers
    assert (answer.command_id, answer.problem) == ("cmd_1", None)
    assert answer.result == {"state": "open", "object": None, "until": until.isoformat()}
    scene.call(Outcome.OK)
    assert scene.described.breaker.state == "open"
    scene.wait(3599)
    assert scene.described.breaker.state == "open"
    scene.wait(2)
    assert scene.described.breaker.state == "closed"
    assert scene.described.status is ConnectionStatus.HEALTHY
    scene.wait(200)
    assert scene.told_types == ["created", "status_changed", "recovered"]
    line = lines(scene)["breaker.forced_open"]
    assert (line.actor, line.summary) == ("grace", "maintenance")
    assert "breaker.released" in lines(scene)


def test_a_stop_without_an_end_ends_after_a_day() -> None:
    scene = Scene.connected()
    scene.take(a_force("open"))
    assert scene.described.breaker.retry_at == START + timedelta(days=1)


def test_no_probe_is_made_while_calls_are_stopped() -> None:
    scene = unreachable()
    scene.take(a_force("open"))
    scene.wait(3600)
    assert scene.probes == 0


def test_one_object_alone_can_be_stopped() -> None:
    scene = Scene.connected("party.party", "stock.move")
    scene.take(a_force("open", "stock.move"))
    callable_objects = {item.object: item.callable for item in scene.described.objects}
    assert callable_objects == {"party.party": True, "stock.move": False}
    assert scene.described.breaker.state == "closed"
    assert scene.described.breaker.scopes == ["stock.move"]
    scene.take(a_force("closed", "stock.move"))
    assert all(item.callable for item in scene.described.objects)


def test_forced_closed_lets_everything_be_called_at_once_and_the_rules_go_on() -> None:
    scene = unreachable()
    scene.call(Outcome.PERMISSION_DENIED, "stock.move")
    scene.take(a_force("closed"))
    assert scene.described.breaker.state == "closed"
    assert scene.described.breaker.scopes == []
    assert lines(scene)["breaker.forced_closed"].actor == "grace"
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP)
    assert scene.described.breaker.state == "open"


def test_refused_credentials_are_mended_by_reconnecting_only() -> None:
    scene = Scene.connected()
    scene.call(Outcome.CREDENTIALS_REJECTED)
    scene.take(a_force("closed"))
    [answer] = scene.answers
    assert answer.problem is not None
    assert answer.problem.code == "reauthorization_required"
    assert scene.described.breaker.state == "open"


@pytest.mark.parametrize("known", [True, False])
def test_a_connection_that_is_not_there_is_said_so(*, known: bool) -> None:
    scene = Scene.connected() if known else Scene()
    if known:
        scene.take(a_description(2, lifecycle=Lifecycle.DISCONNECTED, reason="disconnected"))
    scene.take(a_force("open"))
    [answer] = scene.answers
    assert answer.problem is not None
    assert answer.problem.code == "not_found"


def test_a_time_that_has_passed_is_refused() -> None:
    scene = Scene.connected()
    scene.take(a_force("open", until=START))
    [answer] = scene.answers
    assert answer.problem is not None
    assert answer.problem.field == "until"
    assert scene.described.breaker.state == "closed"


def test_a_muted_fault_is_recorded_and_not_announced() -> None:
    scene = unreachable()
    [issue] = scene.issues(Fault.NETWORK)
    scene.take(a_mute(issue.issue_id, until=START + timedelta(hours=1)))
    scene.wait(600)
    assert scene.told_types == ["created"]
    [issue] = scene.issues(Fault.NETWORK)
    assert issue.muted_until == START + timedelta(hours=1)
    assert scene.described.status is ConnectionStatus.UNREACHABLE
    assert lines(scene)["issue.muted"].actor == "grace"


def test_it_is_announced_when_the_mute_is_over_and_it_still_lasts() -> None:
    scene = unreachable()
    [issue] = scene.issues(Fault.NETWORK)
    scene.take(a_mute(issue.issue_id, until=START + timedelta(hours=1)))
    scene.wait(3601)
    assert scene.told_types == ["created", "status_changed"]


def test_a_mute_holds_for_the_next_issue_of_the_same_fault_and_can_be_lifted() -> None:
    scene = Scene.connected("party.party")
    scene.call(Outcome.PERMISSION_DENIED, "stock.move")
    [first] = scene.issues(Fault.PERMISSION)
    scene.take(a_mute(first.issue_id, until=START + timedelta(hours=9)))
    scene.wait(60)
    scene.call(Outcome.OK, "stock.move")
    scene.wait(200)
    assert scene.told_types == ["created", "status_changed", "recovered"]
    scene.call(Outcome.PERMISSION_DENIED, "stock.move")
    assert scene.told_types == ["created", "status_changed", "recovered"]
    second = scene.issues(Fault.PERMISSION)[-1]
    assert second.issue_id != first.issue_id
    scene.take(a_mute(second.issue_id, until=None))
    assert scene.told_types == ["created", "status_changed", "recovered", "status_changed"]
    assert scene.state.mutes == {}


def test_only_an_open_issue_can_be_muted() -> None:
    scene = Scene.connected()
    scene.take(a_mute("iss_none", until=START + timedelta(hours=1)))
    [answer] = scene.answers
    assert answer.problem is not None
    assert answer.problem.code == "not_found"
