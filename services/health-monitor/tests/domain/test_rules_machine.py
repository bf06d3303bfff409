"""The rules under any order of events: what must hold whatever happens."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.health import (
    ConnectionCreated,
    ConnectionDisconnected,
    ConnectionRecovered,
    ReauthorizationRequired,
)
from lineshaft.common.outcomes import ConnectionStatus, Fault, Operation, Outcome, Rung
from lineshaft.health_monitor.domain.effects import Announced, Described, Effect, IssueChanged
from lineshaft.health_monitor.domain.faults import active_faults
from lineshaft.health_monitor.domain.rules import Input, Tick, apply, due_at
from lineshaft.health_monitor.domain.state import ConnectionState, Issue, ScopeState
from lineshaft.health_monitor.domain.status import describe, fingerprint, status_of
from lineshaft.health_monitor.domain.thresholds import Thresholds

from .builders import CONNECTION, START, a_call, a_description, a_force, a_mute, a_trial

OBJECTS = ("party.party", "product.product", "purchase.purchase")
NO_BREAKER = (Outcome.RATE_LIMITED, Outcome.INVALID_REQUEST, Outcome.ACCOUNT_MISMATCH)
LATE_OPENING = frozenset({"network", "source_down", "source_rate_limit"})


class RulesMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.thresholds = Thresholds()
        self.state = ConnectionState(connection_id=CONNECTION)
        self.now = START
        self.step = 0
        self.revision = 0
        self.version = 0
        self.issues: dict[str, Issue] = {}
        self.opened: Counter[str] = Counter()
        self.recovered: Counter[str] = Counter()
        self.ended_silently: set[str] = set()
        self.last_revision = 0

    def take(self, event: Input, chance: float = 0.5) -> list[Effect]:
        self.step += 1
        before = self.state
        self.state, effects = apply(
            before,
            event,
            event_id=f"evt_{self.step}",
            thresholds=self.thresholds,
            now=self.now,
            chance=lambda: chance,
        )
        for effect in effects:
            self.note(effect)
        return effects

    def note(self, effect: Effect) -> None:
        if isinstance(effect, IssueChanged):
            self.issues[effect.issue.issue_id] = effect.issue
        elif isinstance(effect, Described) and effect.news:
            assert effect.data.revision > self.last_revision
            self.last_revision = effect.data.revision
        elif isinstance(effect, Announced):
            self.note_announced(effect)

    def note_announced(self, effect: Announced) -> None:
        issue = effect.data.issue_id
        if isinstance(effect.data, ConnectionDisconnected):
            self.ended_silently |= self.opened.keys() - self.recovered.keys()
        elif isinstance(effect.data, ConnectionRecovered):
            assert issue is not None
            self.recovered[issue] += 1
            assert self.opened[issue] == 1, "a recovery without its opening"
        elif issue is not None:
            self.opened[issue] += 1
            fault = self.issues[issue].fault
            muted_until = self.issues[issue].muted_until
            assert muted_until is None or self.now >= muted_until, "a muted issue is announced"
            assert isinstance(effect.data, ReauthorizationRequired) == (fault == "credentials")
            if fault in LATE_OPENING:
                assert self.now >= self.issues[issue].opened_at + self.thresholds.hold

    @initialize(known=st.booleans())
    def begin(self, known: bool) -> None:  # noqa: FBT001  hypothesis passes it by name
        if known:
            self.describe(Lifecycle.ACTIVE, renewed=True)

    @rule(lifecycle=st.sampled_from(list(Lifecycle)[:3]), renewed=st.booleans())
    def describe(self, lifecycle: Lifecycle, *, renewed: bool) -> None:
        first = self.state.lifecycle is None
        self.revision += 1
        self.version = max(self.version, self.state.credential_version)
        self.version += renewed or not self.version
        reason = "reauthorized" if renewed else "changed"
        effects = self.take(a_description(self.revision, self.version, lifecycle=lifecycle, reason=reason))
        created = [
            effect
            for effect in effects
            if isinstance(effect, Announced) and isinstance(effect.data, ConnectionCreated)
        ]
        assert len(created) == int(first and lifecycle is Lifecycle.ACTIVE)

    @rule(
        outcome=st.sampled_from(Outcome),
        name=st.sampled_from([None, *OBJECTS]),
        operation=st.sampled_from([Operation.READ, Operation.WRITE, Operation.LOGIN]),
        rung=st.sampled_from([None, *Rung]),
        ahead=st.sampled_from([0, 0, 0, 0, 1]),
        retry_in=st.sampled_from([None, -5, 5, 600]),
        count=st.integers(1, 3),
        chance=st.floats(0, 1, exclude_max=True),
    )
    def call(self, outcome: Outcome, ahead: int, retry_in: int | None, chance: float, **fields: Any) -> None:
        version = self.state.credential_version + ahead
        retry_at = self.now + timedelta(seconds=retry_in) if retry_in is not None else None
        call = a_call(outcome, version=version, at=self.now, retry_at=retry_at, **fields)
        open_before = open_breakers(self.state)
        self.take(call, chance)
        if outcome in NO_BREAKER:
            assert open_breakers(self.state) <= open_before

    @precondition(lambda self: self.state.credential_version > 0)
    @rule(outcome=st.sampled_from(Outcome), name=st.sampled_from([None, *OBJECTS]))
    def stale_call(self, outcome: Outcome, name: str | None) -> None:
        """It does what the passing of time would have done, and no more."""
        before = self.state
        stale = a_call(outcome, name, self.state.credential_version - 1, at=self.now)
        harmless = a_call(Outcome.INVALID_REQUEST, None, self.state.credential_version, at=self.now)
        self.take(stale)
        expected, _ = apply(
            before,
            harmless,
            event_id="evt_harmless",
            thresholds=self.thresholds,
            now=self.now,
            chance=lambda: 0.5,
        )
        assert self.state == expected

    @rule(
        to=st.sampled_from(["open", "closed"]),
        name=st.sampled_from([None, *OBJECTS]),
        seconds=st.sampled_from([-5, 5, 600, None]),
    )
    def force(self, to: str, name: str | None, seconds: float | None) -> None:
        until = self.now + timedelta(seconds=seconds) if seconds is not None else None
        self.take(a_force(to, name, until=until))

    @rule(names=st.sets(st.sampled_from(OBJECTS)))
    def somebody_waits(self, names: set[str]) -> None:
        """One try each, not too soon after the last one, and of nothing that is otherwise stopped."""
        before = self.state
        self.take(a_trial(*names))
        bound = before.rejection is not None or not before.active
        for key, scope in {"": self.state.whole, **self.state.scopes}.items():
            old = (before.scopes[key] if key else before.whole).breaker
            last, soonest = old.recent[-1:], self.now
            if last:
                soonest = max(self.now, last[0].at + self.thresholds.trial_pause)
            if old.state != "open" or old.retry_at is None or old.retry_at <= self.now:
                continue
            free = not bound and not {"", scope.object or ""} & self.state.stops.keys()
            if free and (not key or scope.object in names):
                assert scope.breaker.state == ("half_open" if soonest <= self.now else "open")
                assert scope.breaker.retry_at in {None, soonest, old.retry_at}
            else:
                assert scope.breaker == old

    @rule(which=st.sampled_from(Fault), seconds=st.sampled_from([5, 600, None]))
    def mute(self, which: Fault, seconds: float | None) -> None:
        issue = self.state.issues.get(which)
        until = self.now + timedelta(seconds=seconds) if seconds is not None else None
        self.take(a_mute(issue.issue_id if issue else "iss_none", until=until))

    @rule(seconds=st.sampled_from([0.1, 5, 30, 60, 130, 1000, 4000]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def work_what_is_due(self) -> None:
        self.take(Tick())
        due = due_at(self.state, self.thresholds, self.now)
        assert due is None or due > self.now, "the worker would turn without end"

    @invariant()
    def at_most_one_open_issue_per_fault(self) -> None:
        still_open = [issue for issue in self.issues.values() if issue.resolved_at is None]
        assert {issue.fault: issue for issue in still_open} == self.state.issues
        assert len(still_open) == len(self.state.issues)

    @invariant()
    def every_announced_issue_opens_once_and_recovers_once(self) -> None:
        assert all(number == 1 for number in self.opened.values())
        assert all(number == 1 for number in self.recovered.values())
        waiting = self.opened.keys() - self.recovered.keys() - self.ended_silently
        assert waiting <= {issue.issue_id for issue in self.state.issues.values()}

    @invariant()
    def nothing_is_said_of_an_unknown_connection(self) -> None:
        if self.state.lifecycle is None:
            assert not self.issues
            assert self.state.revision == 0
            assert self.state.status is ConnectionStatus.PENDING

    @invariant()
    def refused_credentials_stop_everything_until_new_ones_come(self) -> None:
        if self.state.rejection is not None and self.state.active:
            assert self.state.status is ConnectionStatus.REAUTHORIZATION_REQUIRED

    @invariant()
    def it_survives_being_stored(self) -> None:
        stored = self.state.model_dump(mode="json", exclude_defaults=True)
        assert ConnectionState.model_validate({**stored, "connection_id": CONNECTION}) == self.state

    def teardown(self) -> None:
        """With new credentials and everything working again, everything ends well."""
        self.describe(Lifecycle.ACTIVE, renewed=True)
        self.take(a_force("closed"))
        for _ in range(4):
            self.now += timedelta(hours=2)
            self.take(Tick())
            for name in OBJECTS:
                for operation in (Operation.READ, Operation.WRITE):
                    version = self.state.credential_version
                    fine = a_call(Outcome.OK, name, version, operation=operation, count=3, at=self.now)
                    self.take(fine)
        self.now += timedelta(hours=2)
        self.take(Tick())
        faults = active_faults(self.state, self.now)
        assert self.state.status is status_of(self.state, faults) is ConnectionStatus.HEALTHY
        assert self.state.fingerprint == fingerprint(describe(self.state, None, self.now))
        assert self.state.issues == {}
        assert self.opened.keys() - self.ended_silently == self.recovered.keys() - self.ended_silently
        assert due_at(self.state, self.thresholds, self.now) is None


def open_breakers(state: ConnectionState) -> set[str]:
    scopes: dict[str, ScopeState] = {"": state.whole, **state.scopes}
    return {name for name, scope in scopes.items() if scope.breaker.tripped}


TestRules = RulesMachine.TestCase
TestRules.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
