"""How one call changes the facts, outcome by outcome."""

from datetime import datetime
from typing import NamedTuple

from lineshaft.common.events.calls import Call
from lineshaft.common.events.health import Evidence
from lineshaft.common.outcomes import Fault, Operation, Rung
from lineshaft.health_monitor.domain import breaker as breakers
from lineshaft.health_monitor.domain.breaker import BreakerRules, Chance
from lineshaft.health_monitor.domain.confirming import confirms
from lineshaft.health_monitor.domain.state import ConnectionState, Limit, Rejection, ScopeState, scope_key
from lineshaft.health_monitor.domain.thresholds import Thresholds

KEPT_EVIDENCE = 5
OF_THE_HOST = frozenset({Rung.DNS, Rung.TCP, Rung.TLS, Rung.PROXY})
"""Rungs that no single object can be the cause of."""


class Moment(NamedTuple):
    now: datetime
    chance: Chance


class Observer:
    def __init__(
        self,
        state: ConnectionState,
        call: Call,
        evidence: Evidence,
        thresholds: Thresholds,
        moment: Moment,
    ) -> None:
        self._state = _knowing(state, call.object)
        self._call = call
        self._evidence = evidence
        self._thresholds = thresholds
        self._now, self._chance = moment
        self._operation = Operation.WRITE if call.operation is Operation.WRITE else Operation.READ

    def succeeded(self) -> ConnectionState:
        if confirms(self._state, self._call):
            self._state = self._state.model_copy(update={"rejection": None})
        state = self._with_whole(self._mended(self._tried(self._state.whole), self._thresholds.whole))
        if state.whole.breaker.state == "half_open":
            state = state.model_copy(update={"probed_at": None})
        scope = self._scope(state)
        if scope is None:
            return state
        return self._with_scope(state, self._mended(self._tried(scope), self._rules(scope.fault)))

    def _tried(self, scope: ScopeState) -> ScopeState:
        """A write or a probe that was made after the failure disproves it."""
        free = self._call.operation in {Operation.WRITE, Operation.PROBE}
        if not free or (scope.last_error_at or self._call.at) >= self._call.at:
            return scope
        return scope.model_copy(update={"breaker": breakers.let_try(scope.breaker)})

    def rejected(self) -> ConnectionState:
        known = self._state.rejection
        rejection = known or Rejection(since=self._now, evidence=())
        update = {
            "evidence": _joined(rejection.evidence, self._evidence),
            "confidence": self._call.confidence,
            "code": self._call.code,
        }
        return self._state.model_copy(update={"rejection": rejection.model_copy(update=update)})

    def limited(self) -> ConnectionState:
        until = self._call.retry_at or self._now + self._thresholds.default_limit
        known = self._state.limit
        running = known is not None and known.until > self._now
        if known is not None and running:
            limit = Limit(
                since=known.since,
                until=max(until, known.until),
                evidence=_joined(known.evidence, self._evidence),
                code=self._call.code,
            )
        else:
            limit = Limit(since=self._now, until=until, evidence=(self._evidence,), code=self._call.code)
        return self._state.model_copy(update={"limit": limit})

    def lastingly_failed(self, fault: Fault) -> ConnectionState:
        """The object is at fault, whatever else works; a call without an object speaks for all."""
        scope = self._scope(self._state)
        if scope is None:
            return self._with_whole(self._broken(self._state.whole, fault, self._thresholds.whole))
        if self._operation is Operation.WRITE and self._call.record is not None:
            if self._call.record in scope.refused and not scope.breaker.tripped:
                return self._state
            refused = (*scope.refused, self._call.record)[-self._thresholds.writes.window :]
            scope = scope.model_copy(update={"refused": refused})
        return self._with_scope(self._state, self._broken(scope, fault, self._rules(fault)))

    def failed_for_a_while(self, fault: Fault) -> ConnectionState:
        """The host is at fault if no object can be; else one object alone never stops the others."""
        state = self._state
        scope = self._scope(state)
        failing = tuple(sorted({*state.whole.failing, *([self._call.object] if self._call.object else [])}))
        of_the_host = self._call.rung in OF_THE_HOST or scope is None
        whole = self._broken(
            state.whole,
            fault,
            self._thresholds.whole,
            may_open=of_the_host or len(failing) > 1,
        )
        state = self._with_whole(whole.model_copy(update={"failing": failing}))
        if scope is None or of_the_host:
            return state
        return self._with_scope(state, self._broken(scope, fault, self._rules(fault)))

    def _rules(self, fault: Fault | None) -> BreakerRules:
        if fault not in {Fault.PERMISSION, Fault.CONFIGURATION}:
            return self._thresholds.passing
        return self._thresholds.writes if self._operation is Operation.WRITE else self._thresholds.lasting

    def _scope(self, state: ConnectionState) -> ScopeState | None:
        if self._call.object is None:
            return None
        key = scope_key(self._call.object, self._operation)
        return state.scopes.get(key) or ScopeState(object=self._call.object, operation=self._operation)

    def _mended(self, scope: ScopeState, rules: BreakerRules) -> ScopeState:
        breaker = breakers.succeeded(scope.breaker, rules, self._now, self._call.count)
        update: dict[str, object] = {
            "breaker": breaker,
            "last_ok_at": max(self._call.at, scope.last_ok_at or self._call.at),
            "failing": (),
            "refused": (),
        }
        if not breaker.tripped:
            update |= {"fault": None, "rung": None, "failing_since": None, "evidence": ()}
        return scope.model_copy(update=update)

    def _broken(
        self, scope: ScopeState, fault: Fault, rules: BreakerRules, *, may_open: bool = True
    ) -> ScopeState:
        same = scope.fault is fault
        return scope.model_copy(
            update={
                "fault": fault,
                "confidence": self._call.confidence,
                "rung": self._call.rung,
                "host": self._call.host,
                "code": self._call.code,
                "field": self._call.field,
                "breaker": breakers.failed(scope.breaker, rules, self._now, self._chance, may_open=may_open),
                "failing_since": scope.failing_since if same and scope.failing_since else self._call.at,
                "last_error_at": max(self._call.at, scope.last_error_at or self._call.at),
                "evidence": _joined(scope.evidence if same else (), self._evidence),
            }
        )

    def _with_whole(self, whole: ScopeState) -> ConnectionState:
        return self._state.model_copy(update={"whole": whole})

    def _with_scope(self, state: ConnectionState, scope: ScopeState) -> ConnectionState:
        key = scope_key(scope.object or "", scope.operation)
        return state.model_copy(update={"scopes": {**state.scopes, key: scope}})


def _knowing(state: ConnectionState, name: str | None) -> ConnectionState:
    if name is None or name in state.known_objects:
        return state
    return state.model_copy(update={"known_objects": tuple(sorted({*state.known_objects, name}))})


def _joined(evidence: tuple[Evidence, ...], latest: Evidence) -> tuple[Evidence, ...]:
    return (*evidence, latest)[-KEPT_EVIDENCE:]
