"""A connection whose breaker is half open is tried even when no sync waits for it."""

from datetime import datetime

from lineshaft.common.ids import derived_id
from lineshaft.health_monitor.domain.breaker import open_time
from lineshaft.health_monitor.domain.effects import ProbeWanted
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.step import Step
from lineshaft.health_monitor.domain.thresholds import Thresholds


def probe(step: Step) -> None:
    """Ask for one, unless the last one was asked for just now."""
    state = step.state
    if not wants_probes(state):
        return
    at = next_probe(state, step.thresholds)
    if at is None or at <= step.now:
        step.state = state.model_copy(update={"probes": state.probes + 1, "probed_at": step.now})
        command_id = derived_id("cmd", state.connection_id, "probe", step.state.probes)
        step.effects.append(ProbeWanted(command_id, state.connection_id))


def wants_probes(state: ConnectionState) -> bool:
    """Not while another connection probes the host for all."""
    return (
        state.active
        and state.rejection is None
        and state.held_until is None
        and "" not in state.stops
        and state.whole.breaker.state == "half_open"
    )


def next_probe(state: ConnectionState, thresholds: Thresholds) -> datetime | None:
    """None: at once."""
    if state.probed_at is None:
        return None
    return state.probed_at + open_time(state.whole.breaker.openings, thresholds.whole, lambda: 1.0)
