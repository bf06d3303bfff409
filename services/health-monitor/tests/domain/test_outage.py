"""When failures of many connections are one outage, and what it means for each of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.events.health import SystemOutage, SystemRecovered
from lineshaft.common.outcomes import ConnectionStatus, Fault, Move, Outcome, Rung, Scope
from lineshaft.health_monitor.domain.outage import Group, Outage, OutageRules, turn
from lineshaft.health_monitor.domain.outage_words import describe
from lineshaft.health_monitor.domain.rules import Tick, apply
from lineshaft.health_monitor.domain.sharing import SharedOutage
from lineshaft.health_monitor.domain.state import ConnectionState

from .builders import CONNECTION, START, SYSTEM, Scene

RULES = OutageRules()
HOST = "erp.example.com:443"


@dataclass
class Watch:
    """One group, looked at again and again."""

    host: str = HOST
    now: datetime = START
    outage: Outage | None = None
    told: list[str] = field(default_factory=list)
    probes: list[str] = field(default_factory=list)
    since: datetime = START

    def look(self, down: int = 5, working: int = 0, **heard: datetime) -> None:
        group = Group(SYSTEM, self.host, down, working, self.since, **heard)
        result = turn(self.outage, group, RULES, self.now, lambda: 0.5)
        self.outage = result.outage
        if result.announced is not None:
            self.told.append(result.announced.event_type.removeprefix("lineshaft.system."))
        if result.probe is not None:
            self.probes.append(result.probe)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def all_of_them(
    down: int, working: int = 0, hosts: int = 5, systems: int = 2, since: datetime = START
) -> Group:
    return Group("", "", down, working, START, hosts=hosts, systems=systems, together_since=since)


@pytest.mark.parametrize(
    ("group", "recognized"),
    [
        (all_of_them(5), True),
        (all_of_them(8, working=2), True),
        (all_of_them(8, working=3), False),
        (all_of_them(5, systems=1), False),
        (all_of_them(5, hosts=2), False),
        (all_of_them(5, since=START + timedelta(seconds=26)), False),
    ],
    ids=["all", "nearly all", "some work", "one system", "two hosts", "only just"],
)
def test_hosts_of_several_systems_out_of_reach_together_are_our_own_network(
    group: Group, *, recognized: bool
) -> None:
    found = turn(None, group, RULES, START + timedelta(seconds=30), lambda: 0.5).outage
    assert (found is not None) == recognized
    if found is not None:
        assert (found.fault, found.ours, found.breaker.state) == (Fault.PLATFORM, True, "closed")
        told = describe(found, SystemOutage, ["con_1"], START, "")
        assert (told.move, "our own network" in told.summary) == (Move.OPERATOR, True)


def test_few_failures_and_a_host_that_still_works_are_no_outage() -> None:
    watch = Watch()
    watch.look(down=2)
    watch.look(down=9, working=1)
    assert watch.outage is None


def test_an_outage_is_told_once_after_the_hold_and_its_end_after_the_quiet_time() -> None:
    watch = Watch()
    for _ in range(10):
        watch.look()
        watch.wait(10)
    assert watch.told == ["outage"]
    assert len(watch.probes) == len(set(watch.probes)) == 3
    for _ in range(2):
        watch.wait(1)
        watch.look(ok_at=watch.now)
    assert len(set(watch.probes)) == 4
    assert watch.outage is not None
    assert watch.outage.cleared_at == watch.now
    assert watch.told == ["outage"]
    watch.wait(121)
    watch.look(down=0)
    assert watch.told == ["outage", "recovered"]
    assert watch.outage.resolved_at == watch.now


def test_what_is_over_before_the_hold_is_never_told() -> None:
    watch = Watch()
    watch.look()
    watch.wait(24)
    watch.look()
    for _ in range(2):
        watch.wait(1)
        watch.look(ok_at=watch.now)
    watch.wait(130)
    watch.look(down=0)
    assert watch.outage is not None
    assert watch.outage.resolved_at is not None
    assert watch.told == []


def test_a_relapse_within_the_quiet_time_is_the_same_outage() -> None:
    watch = Watch()
    watch.look()
    watch.wait(50)
    watch.look()
    for _ in range(2):
        watch.wait(1)
        watch.look(ok_at=watch.now)
    watch.wait(60)
    watch.look(down=5)
    watch.wait(300)
    watch.look(down=5)
    assert watch.told == ["outage"]
    assert watch.outage is not None
    assert watch.outage.cleared_at is None


def test_a_failed_probe_makes_the_next_wait_longer() -> None:
    watch = Watch()
    watch.look()
    waits = []
    for _ in range(4):
        assert watch.outage is not None
        assert watch.outage.breaker.retry_at is not None
        waits.append((watch.outage.breaker.retry_at - watch.now).total_seconds())
        watch.wait(waits[-1])
        watch.look()
        watch.wait(1)
        watch.look(error_at=watch.now)
    assert waits == [22.5, 45, 90, 180]
    assert len(set(watch.probes)) == 4


def test_over_several_hosts_most_must_fail_and_each_host_answers_for_itself() -> None:
    watch = Watch(host="")
    watch.look(down=4, working=5)
    assert watch.outage is None
    watch.look(down=5, working=5)
    assert watch.outage is not None
    assert watch.outage.hold_back_until is None
    watch.wait(50)
    watch.look(down=5, working=5)
    watch.look(down=1, working=9)
    watch.wait(130)
    watch.look(down=1, working=9)
    assert watch.told == ["outage", "recovered"]
    assert watch.probes == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 6),
            st.integers(0, 2),
            st.sampled_from(["ok", "error", "silence"]),
            st.sampled_from([0.5, 5, 30, 60, 150, 1000]),
        ),
        max_size=40,
    ),
    st.sampled_from([HOST, ""]),
)
def test_every_outage_told_has_one_end_and_probes_never_overlap(
    steps: list[tuple[int, int, str, float]], host: str
) -> None:
    watch = Watch(host=host)
    waiting_since: datetime | None = None
    for down, working, heard, seconds in steps:
        watch.wait(seconds)
        probes = len(watch.probes)
        if watch.outage is not None and watch.outage.resolved_at is not None:
            watch.outage, watch.since = None, watch.now
        moment = {"ok": {"ok_at": watch.now}, "error": {"error_at": watch.now}, "silence": {}}[heard]
        if moment:
            waiting_since = None
        watch.look(down, working, **moment)
        if len(watch.probes) > probes:
            assert waiting_since is None or watch.now - waiting_since >= RULES.breaker.open_time
            waiting_since = watch.now
        if watch.outage is not None and watch.outage.cleared_at is None and host:
            assert watch.outage.hold_back_until is not None
    assert watch.told == ["outage", "recovered"] * (len(watch.told) // 2) + ["outage"] * (len(watch.told) % 2)
    assert len(watch.probes) == len(set(watch.probes))


def test_it_is_told_in_words() -> None:
    watch = Watch()
    watch.look(down=12)
    assert watch.outage is not None
    told = describe(watch.outage, SystemOutage, ["con_1"], watch.now, "Tryton")
    assert told.summary.startswith("Tryton at ")
    assert "12 connections" in told.summary
    assert HOST in told.summary
    over = describe(watch.outage, SystemRecovered, [], watch.now, "Tryton")
    assert "works again" in over.summary


SHARED = SharedOutage("out_1", "out_1/a", START + timedelta(minutes=5))


class Shared(Scene):
    """A connection that is told of the outage of its source."""

    shared: SharedOutage | None = None

    def tick(self) -> None:
        self.state, effects = apply(
            self.state,
            Tick(),
            event_id="evt_tick",
            thresholds=self.thresholds,
            now=self.now,
            chance=lambda: 0.5,
            shared=self.shared,
        )
        self.effects += effects


def a_member() -> Shared:
    scene = Shared(state=ConnectionState(connection_id=CONNECTION))
    scene.state = Scene.connected("party.party").state
    for _ in range(3):
        scene.call(Outcome.UNREACHABLE, None, rung=Rung.TCP, host=HOST)
    scene.shared = SHARED
    return scene


def test_a_member_holds_back_and_says_nothing_by_itself() -> None:
    scene = a_member()
    scene.tick()
    assert scene.described.breaker.state == "open"
    assert scene.described.breaker.retry_at == SHARED.hold_back_until
    assert scene.described.status is ConnectionStatus.UNREACHABLE
    for _ in range(20):
        scene.now += timedelta(seconds=30)
        scene.tick()
    assert scene.told_types == []
    assert scene.probes == 0
    assert scene.notes[-1] == "outage.joined"


def test_a_member_is_healed_by_the_probe_of_another_one_and_nothing_is_told() -> None:
    scene = a_member()
    scene.tick()
    scene.now += timedelta(minutes=10)
    scene.shared = SharedOutage("out_1", "out_1/", None, cleared=True)
    scene.tick()
    assert scene.described.status is ConnectionStatus.HEALTHY
    assert scene.described.breaker.state == "closed"
    scene.shared = None
    for _ in range(10):
        scene.now += timedelta(seconds=60)
        scene.tick()
    assert scene.told_types == []
    assert scene.state.issues == {}
    assert scene.state.outage_mark == ""


def test_a_member_that_still_fails_afterwards_speaks_for_itself_after_a_hold() -> None:
    scene = a_member()
    scene.tick()
    scene.now += timedelta(minutes=10)
    scene.shared = SharedOutage("out_1", "out_1/", None)
    scene.tick()
    scene.shared = None
    scene.tick()
    assert scene.told_types == []
    scene.wait(44)
    assert scene.told_types == []
    scene.wait(2)
    assert scene.told_types == ["status_changed"]


def test_refused_credentials_are_told_in_an_outage_too() -> None:
    scene = a_member()
    scene.tick()
    scene.call(Outcome.CREDENTIALS_REJECTED)
    assert scene.told_types == ["reauthorization_required"]
    assert scene.described.verdict is not None
    assert scene.described.verdict.fault is Fault.CREDENTIALS


OURS = SharedOutage("out_own", "out_own/", own_network_since=START)
BACK = SharedOutage("out_own", "out_own/back", cleared=True, own_network_since=START)


def test_while_our_own_network_is_out_nobody_else_is_blamed_and_nothing_is_told() -> None:
    scene = a_member()
    scene.shared = OURS
    scene.tick()
    verdict = scene.described.verdict
    assert verdict is not None
    assert (verdict.fault, verdict.scope, verdict.move) == (Fault.PLATFORM, Scope.ALL, Move.OPERATOR)
    assert "our own network" in verdict.summary
    assert scene.described.status is ConnectionStatus.UNREACHABLE
    for _ in range(20):
        scene.now += timedelta(seconds=30)
        scene.tick()
    assert scene.told_types == []


def test_as_our_own_network_is_back_a_connection_is_tried_at_once_and_blamed_on_nobody_before() -> None:
    scene = a_member()
    scene.shared = OURS
    scene.tick()
    probes = scene.probes
    scene.shared = BACK
    scene.tick()
    assert scene.probes == probes + 1
    assert scene.described.breaker.state == "half_open"
    scene.now += timedelta(seconds=100)
    scene.tick()
    assert scene.told_types == []
    scene.shared = None
    scene.tick()
    assert scene.told_types == []
    scene.now += RULES.hold
    scene.tick()
    assert scene.told_types == ["status_changed"]
    assert scene.told[-1].verdict is not None
    assert scene.told[-1].verdict.fault is Fault.NETWORK


@pytest.mark.parametrize("began", [START - timedelta(minutes=1), START + timedelta(minutes=1)])
def test_what_was_told_or_began_before_stays_the_source_s_own(began: datetime) -> None:
    scene = a_member()
    scene.shared = None
    if began < START:
        scene.now += RULES.hold
        scene.tick()
        assert scene.told_types == ["status_changed"]
    scene.shared = OURS._replace(own_network_since=began)
    scene.tick()
    assert scene.described.verdict is not None
    assert scene.described.verdict.fault is Fault.NETWORK
