"""Somebody waits for a call: what the rules leave alone is tried before its time, one call at once.

What an operator has stopped, what the source limits, refused credentials and a common outage still bind.
"""

from lineshaft.common.events.commands import TrialRequested
from lineshaft.health_monitor.domain.breaker import hastened
from lineshaft.health_monitor.domain.state import ScopeState
from lineshaft.health_monitor.domain.step import Step


def let_try(step: Step, command: TrialRequested) -> None:
    state = step.state
    if not state.active or state.rejection is not None or "" in state.stops:
        return
    wanted = set(command.objects) - state.stops.keys()
    sooner = {
        key: _hastened(step, scope) if scope.object in wanted else scope
        for key, scope in state.scopes.items()
    }
    whole = state.whole if state.held_until is not None else _hastened(step, state.whole)
    changed = sorted({scope.object or "" for key, scope in sooner.items() if scope is not state.scopes[key]})
    if not changed and whole is state.whole:
        return
    step.state = state.model_copy(update={"scopes": sooner, "whole": whole})
    step.note("breaker.hastened", "Tried once more: somebody waits.", command.asked_by, objects=changed)


def _hastened(step: Step, scope: ScopeState) -> ScopeState:
    breaker = hastened(scope.breaker, step.thresholds.trial_pause, step.now)
    return scope if breaker is scope.breaker else scope.model_copy(update={"breaker": breaker})
