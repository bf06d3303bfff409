from datetime import timedelta

import pytest

from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.syncs import ObjectResult, SyncMode, SyncResult, SyncStarted
from lineshaft.common.outcomes import ConnectionStatus, Fault, Move, Operation, Outcome, Rung, Scope
from lineshaft.health_monitor.domain.effects import Noted
from lineshaft.health_monitor.domain.rules import due_at

from .builders import CONNECTION, START, SYSTEM, Scene, a_call, a_description, a_sync

REJECTED = Outcome.CREDENTIALS_REJECTED
DENIED = Outcome.PERMISSION_DENIED


def test_a_new_connection_is_healthy_and_told_once() -> None:
    scene = Scene.connected()
    assert scene.told_types == ["created"]
    assert scene.told[0].metadata == {"customer": 7}
    assert scene.described.status is ConnectionStatus.HEALTHY
    assert scene.described.revision == 1


def test_calls_before_the_description_are_remembered_and_not_told() -> None:
    scene = Scene()
    scene.call(REJECTED, None, operation=Operation.LOGIN)
    assert scene.effects == []
    assert scene.state.status is ConnectionStatus.PENDING
    scene.take(a_description())
    assert scene.told_types == ["created", "reauthorization_required"]


def test_a_refusal_of_the_first_try_is_void_once_it_is_connected() -> None:
    scene = Scene()
    scene.call(REJECTED, None, version=0, operation=Operation.LOGIN)
    scene.take(a_description(version=1))
    assert scene.told_types == ["created"]
    assert scene.state.status is ConnectionStatus.HEALTHY


def test_refused_credentials_are_told_at_once_and_once() -> None:
    scene = Scene.connected("party.party")
    for _ in range(20):
        scene.call(REJECTED, "party.party")
        scene.call(REJECTED, "product.product")
    assert scene.told_types == ["created", "reauthorization_required"]
    verdict = scene.described.verdict
    assert verdict is not None
    assert (verdict.scope, verdict.fault, verdict.move) == (Scope.ALL, Fault.CREDENTIALS, Move.CUSTOMER)
    assert verdict.evidence[0].outcome is REJECTED
    assert scene.described.breaker.state == "open"
    assert [issue.count for issue in scene.issues(Fault.CREDENTIALS)] == [40]


def test_a_late_success_of_the_refused_credentials_heals_nothing() -> None:
    scene = Scene.connected()
    scene.call(REJECTED)
    scene.call(Outcome.OK)
    scene.wait(1000)
    assert scene.state.status is ConnectionStatus.REAUTHORIZATION_REQUIRED
    assert scene.told_types == ["created", "reauthorization_required"]


def test_reconnecting_heals_at_once_and_an_old_refusal_changes_nothing() -> None:
    scene = Scene.connected()
    scene.call(REJECTED)
    scene.take(a_description(2, 2, reason="reauthorized"))
    assert scene.state.status is ConnectionStatus.HEALTHY
    assert scene.described.breaker.state == "closed"
    assert scene.described.credential_version == 2
    before = scene.state
    scene.call(REJECTED, version=1)
    scene.wait(1000)
    assert scene.state == before
    assert scene.told_types == ["created", "reauthorization_required", "recovered"]
    assert scene.told[1].issue_id == scene.told[2].issue_id
    assert "connection.reauthorized" in scene.notes


def test_a_call_may_bring_the_new_version_before_the_description() -> None:
    scene = Scene.connected()
    scene.call(REJECTED)
    scene.call(Outcome.OK, version=2)
    assert scene.told_types == ["created", "reauthorization_required", "recovered"]
    scene.take(a_description(2, 2, reason="reauthorized"))
    assert scene.told_types == ["created", "reauthorization_required", "recovered"]


def test_new_credentials_that_are_refused_too_are_a_new_issue() -> None:
    scene = Scene.connected()
    scene.call(REJECTED)
    scene.call(REJECTED, version=2)
    assert scene.told_types == [
        "created",
        "reauthorization_required",
        "recovered",
        "reauthorization_required",
    ]
    assert scene.told[1].issue_id != scene.told[3].issue_id


def test_an_older_description_is_ignored() -> None:
    scene = Scene.connected()
    scene.take(a_description(3, 1, lifecycle=Lifecycle.PAUSED))
    scene.take(a_description(2, 1))
    assert scene.state.status is ConnectionStatus.PAUSED


def test_one_forbidden_object_leaves_the_others_alone() -> None:
    scene = Scene.connected("party.party", "product.product")
    scene.call(DENIED, "purchase.purchase")
    assert scene.state.status is ConnectionStatus.DEGRADED
    verdict = scene.described.verdict
    assert verdict is not None
    assert (verdict.scope, verdict.fault) == (Scope.ENTITIES, Fault.PERMISSION)
    assert verdict.objects == ["purchase.purchase"]
    assert "purchase.purchase" in verdict.summary
    assert "purchase.purchase" in verdict.action
    callable_objects = {item.object: item.callable for item in scene.described.objects}
    assert callable_objects == {"party.party": True, "product.product": True, "purchase.purchase": False}
    assert scene.described.breaker.state == "closed"
    assert scene.described.breaker.scopes == ["purchase.purchase"]


def test_a_forbidden_object_is_asked_for_more_and_more_rarely() -> None:
    scene = Scene.connected("party.party")
    pauses = []
    for _ in range(4):
        scene.call(DENIED, "purchase.purchase")
        [denied] = [item for item in scene.described.objects if item.object == "purchase.purchase"]
        assert denied.not_before is not None
        pauses.append((denied.not_before - scene.now).total_seconds())
        scene.wait(pauses[-1])
    assert pauses == [45.0, 90.0, 180.0, 360.0]
    assert scene.told_types == ["created", "status_changed"]


def test_it_becomes_callable_when_its_time_has_come() -> None:
    scene = Scene.connected("party.party")
    scene.call(DENIED, "purchase.purchase")
    scene.wait(60)
    assert all(item.callable for item in scene.described.objects)
    assert scene.described.status is ConnectionStatus.DEGRADED


def test_the_end_of_a_denial_is_shown_at_once_and_told_after_the_quiet_time() -> None:
    scene = Scene.connected("party.party")
    scene.call(DENIED, "purchase.purchase")
    scene.wait(60)
    scene.call(Outcome.OK, "purchase.purchase")
    assert scene.described.status is ConnectionStatus.HEALTHY
    assert scene.told_types == ["created", "status_changed"]
    scene.wait(121)
    assert scene.told_types == ["created", "status_changed", "recovered"]
    assert scene.told[-1].status is ConnectionStatus.HEALTHY


def test_forbidden_writing_does_not_stop_reading() -> None:
    scene = Scene.connected("party.party")
    refuse_writes(scene, "1", "2", "3")
    verdict = scene.described.verdict
    assert verdict is not None
    assert verdict.scope is Scope.OPERATION
    assert verdict.operations == [Operation.WRITE]
    assert "write" in verdict.summary
    [item] = scene.described.objects
    assert item.status is ConnectionStatus.DEGRADED
    assert (item.callable, item.writable) == (True, False)
    assert item.writes_not_before is not None


def test_forbidden_reading_does_not_stop_writing() -> None:
    scene = Scene.connected("party.party")
    scene.call(DENIED, "party.party")
    [item] = scene.described.objects
    assert (item.callable, item.writable) == (False, True)


def test_one_record_that_is_refused_however_often_is_no_fault_of_the_connection() -> None:
    scene = Scene.connected("party.party")
    refuse_writes(scene, *["1"] * 20, "2", *["1", "2"] * 20)
    assert scene.described.status is ConnectionStatus.HEALTHY
    assert scene.told_types == ["created"]
    assert scene.issues(Fault.PERMISSION) == []
    refuse_writes(scene, "3")
    assert scene.described.status is ConnectionStatus.DEGRADED


def test_a_write_that_works_clears_the_records_before() -> None:
    scene = Scene.connected("party.party")
    refuse_writes(scene, "1", "2")
    scene.call(Outcome.OK, "party.party", operation=Operation.WRITE)
    refuse_writes(scene, "1", "2")
    assert scene.described.status is ConnectionStatus.HEALTHY


def test_a_refusal_after_the_pause_keeps_writes_back_again() -> None:
    scene = Scene.connected("party.party")
    refuse_writes(scene, "1", "2", "3")
    scene.wait(61)
    assert scene.described.objects[0].writable
    refuse_writes(scene, "3")
    assert not scene.described.objects[0].writable


def refuse_writes(scene: Scene, *records: str) -> None:
    for record in records:
        scene.call(DENIED, "party.party", operation=Operation.WRITE, record=record)


def test_a_write_that_works_ends_the_refusal_of_writes_at_once() -> None:
    """One that was let through, or made before the breaker opened and answered after."""
    scene = Scene.connected("party.party")
    refuse_writes(scene, "1", "2", "3")
    scene.call(Outcome.OK, "party.party", operation=Operation.WRITE, at=scene.now - timedelta(seconds=1))
    assert scene.described.status is ConnectionStatus.DEGRADED
    scene.wait(5)
    scene.call(Outcome.OK, "party.party", operation=Operation.WRITE)
    assert scene.described.status is ConnectionStatus.HEALTHY


def test_everything_forbidden_is_a_verdict_on_everything() -> None:
    scene = Scene.connected()
    scene.take(
        SyncStarted(
            connection_id=CONNECTION,
            system=SYSTEM,
            sync_id="syn_1",
            at=START,
            objects=["party.party", "product.product"],
            mode=SyncMode.FULL,
        )
    )
    scene.call(DENIED, "party.party")
    assert scene.described.verdict is not None
    assert scene.described.verdict.scope is Scope.ENTITIES
    scene.call(DENIED, "product.product")
    assert scene.described.verdict.scope is Scope.ALL
    assert scene.described.verdict.fault is Fault.PERMISSION
    assert scene.told_types == ["created", "status_changed"]


def test_an_unknown_object_is_a_matter_of_configuration() -> None:
    scene = Scene.connected("party.party")
    scene.call(Outcome.CONFIGURATION_ERROR, "product.product", http_status=404)
    verdict = scene.described.verdict
    assert verdict is not None
    assert (verdict.fault, verdict.move, verdict.objects) == (
        Fault.CONFIGURATION,
        Move.VENDOR,
        ["product.product"],
    )


def test_a_short_outage_is_shown_and_not_announced() -> None:
    scene = Scene.connected("party.party")
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, rung=Rung.TCP, host="erp.example:8000")
    assert scene.described.status is ConnectionStatus.UNREACHABLE
    assert scene.described.breaker.state == "open"
    assert scene.described.breaker.retry_at == START + timedelta(seconds=22.5)
    scene.wait(23)
    assert scene.described.breaker.state == "half_open"
    scene.call(Outcome.OK, count=2)
    assert scene.described.status is ConnectionStatus.HEALTHY
    scene.wait(1000)
    assert scene.told_types == ["created"]
    [issue] = scene.issues(Fault.NETWORK)
    assert issue.announced_at is None
    assert issue.resolved_at is not None


def test_an_outage_is_announced_after_the_hold_and_its_end_after_the_quiet_time() -> None:
    scene = Scene.connected("party.party")
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, None, rung=Rung.DNS, host="erp.example:8000")
    scene.wait(44)
    assert scene.told_types == ["created"]
    scene.wait(2)
    assert scene.told_types == ["created", "status_changed"]
    assert scene.told[-1].verdict is not None
    assert "does not resolve" in scene.told[-1].verdict.summary
    assert "erp.example:8000" in scene.told[-1].verdict.summary
    scene.call(Outcome.OK, count=2)
    scene.wait(119)
    assert scene.told_types == ["created", "status_changed"]
    scene.wait(2)
    assert scene.told_types == ["created", "status_changed", "recovered"]


def test_ten_flips_a_minute_are_one_opening_and_one_recovery() -> None:
    scene = Scene.connected("party.party")
    for _ in range(50):
        for _ in range(3):
            scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP)
        scene.wait(3)
        scene.call(Outcome.OK, count=5)
        scene.wait(3)
    for _ in range(10):
        scene.wait(60)
        scene.call(Outcome.OK, count=5)
    assert scene.told_types == ["created", "status_changed", "recovered"]
    assert len(scene.issues(Fault.NETWORK)) == 1
    assert scene.notes.count("issue.opened") == scene.notes.count("issue.resolved") == 1


def test_a_half_open_connection_is_probed() -> None:
    scene = Scene.connected("party.party")
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP)
    scene.wait(22)
    assert scene.probes == 0
    scene.wait(1)
    assert scene.probes == 1
    scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP, operation=Operation.PROBE)
    assert scene.described.breaker.state == "open"
    scene.wait(1000)
    assert scene.probes > 1


def test_a_probe_that_succeeds_is_followed_by_another_at_once() -> None:
    scene = Scene.connected("party.party")
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP)
    scene.wait(23)
    scene.call(Outcome.OK, None, operation=Operation.PROBE)
    scene.wait(1)
    assert scene.probes == 2
    scene.call(Outcome.OK, None, operation=Operation.PROBE)
    assert scene.described.breaker.state == "closed"
    assert scene.described.status is ConnectionStatus.HEALTHY


def test_one_slow_object_stops_only_itself() -> None:
    scene = Scene.connected("party.party")
    for _ in range(4):
        scene.call(Outcome.UNREACHABLE, "stock.move", rung=Rung.TIMEOUT)
    assert scene.described.status is ConnectionStatus.DEGRADED
    assert scene.described.breaker.state == "closed"
    assert scene.described.breaker.scopes == ["stock.move"]


def test_errors_of_several_objects_are_the_sources() -> None:
    scene = Scene.connected("party.party")
    for name in ("party.party", "stock.move", "product.product"):
        scene.call(Outcome.SOURCE_ERROR, name, http_status=502)
    assert scene.described.status is ConnectionStatus.UNREACHABLE
    assert scene.described.verdict is not None
    assert scene.described.verdict.fault is Fault.SOURCE_DOWN


@pytest.mark.parametrize("outcome", [Outcome.INVALID_REQUEST, Outcome.ACCOUNT_MISMATCH])
def test_one_records_fault_is_none_of_the_connections(outcome: Outcome) -> None:
    scene = Scene.connected("party.party")
    before = scene.state
    for _ in range(50):
        scene.call(outcome)
    assert scene.state == before


def test_a_rate_limit_is_a_pause_and_no_breaker() -> None:
    scene = Scene.connected("party.party")
    until = START + timedelta(seconds=30)
    for _ in range(10):
        scene.call(Outcome.RATE_LIMITED, retry_at=until)
    assert scene.described.status is ConnectionStatus.RATE_LIMITED
    assert scene.described.breaker.state == "closed"
    assert [item.not_before for item in scene.described.objects] == [until]
    scene.wait(31)
    assert scene.described.status is ConnectionStatus.HEALTHY
    assert all(item.callable for item in scene.described.objects)
    scene.wait(1000)
    assert scene.told_types == ["created"]


def test_pause_and_resume_are_told() -> None:
    scene = Scene.connected("party.party")
    scene.take(a_description(2, lifecycle=Lifecycle.PAUSED, reason="paused"))
    scene.take(a_description(3, lifecycle=Lifecycle.ACTIVE, reason="resumed"))
    assert scene.told_types == ["created", "status_changed", "status_changed"]
    assert [event.status for event in scene.told] == ["healthy", "paused", "healthy"]


def test_a_refusal_during_a_pause_is_told_when_it_ends() -> None:
    scene = Scene.connected("party.party")
    scene.take(a_description(2, lifecycle=Lifecycle.PAUSED, reason="paused"))
    scene.call(REJECTED)
    assert scene.told_types == ["created", "status_changed"]
    scene.take(a_description(3, lifecycle=Lifecycle.ACTIVE, reason="resumed"))
    assert scene.told_types == ["created", "status_changed", "reauthorization_required"]


@pytest.mark.parametrize("lifecycle", [Lifecycle.DISCONNECTED, Lifecycle.DELETED])
def test_an_ended_connection_is_told_once_and_silent_after(lifecycle: Lifecycle) -> None:
    scene = Scene.connected("party.party")
    scene.call(REJECTED)
    scene.take(a_description(2, lifecycle=lifecycle, reason="disconnected"))
    scene.call(REJECTED)
    scene.wait(10_000)
    assert scene.told_types == ["created", "reauthorization_required", "disconnected"]
    assert scene.state.issues == {}
    assert due_at(scene.state, scene.thresholds, scene.now) is None


def test_a_sync_is_noted_with_what_was_left_out() -> None:
    scene = Scene.connected("party.party")
    left_out = ObjectResult(object="stock.move", result=SyncResult.FAILED)
    scene.take(a_sync(SyncResult.PARTIALLY_COMPLETED, left_out))
    assert scene.state.last_sync_at == START
    scene.take(a_sync(SyncResult.FAILED, left_out))
    assert scene.notes[-2:] == ["sync.completed", "sync.failed"]


def test_evidence_and_times_alone_are_not_published() -> None:
    scene = Scene.connected("party.party")
    scene.call(DENIED, "purchase.purchase")
    revision = scene.described.revision
    for _ in range(10):
        scene.call(Outcome.OK, "party.party")
        scene.call(DENIED, "purchase.purchase")
    assert scene.described.revision == revision


def test_a_call_of_an_unknown_version_raises_it() -> None:
    scene = Scene.connected()
    scene.take(a_call(Outcome.OK, version=5))
    assert scene.state.credential_version == 5
    assert scene.told_types == ["created"]


def test_the_line_of_a_sync_says_who_asked_for_it() -> None:
    scene = Scene.connected()
    for number in range(40):
        scene.take(
            SyncStarted(
                connection_id=CONNECTION,
                system=SYSTEM,
                sync_id=f"syn_{number}",
                at=START,
                objects=["party.party"],
                mode=SyncMode.FULL,
                requested_by=["key_1", "schedule"],
            )
        )
    assert len(scene.state.requesters) == 20
    ended = a_sync().model_copy(update={"sync_id": "syn_39"})
    for event in (ended, ended):
        scene.take(event)
    lines = [one for one in scene.effects if isinstance(one, Noted) and one.kind == "sync.completed"]
    assert [one.actor for one in lines] == ["key_1, schedule", ""]
    assert "syn_39" not in scene.state.requesters
