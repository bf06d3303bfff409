"""When a connection is tried though no sync waits for it: half open, or quiet for long."""

from datetime import datetime

from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.health_monitor.domain.breaker import open_time
from lineshaft.health_monitor.domain.confirming import spread
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


def probe_quiet(step: Step) -> None:
    """A healthy connection that nothing was heard of for long is tried, before the next sync needs it."""
    at = next_quiet_probe(step.state, step.thresholds, step.now)
    if at is None or at > step.now:
        return
    state = step.state
    step.state = state.model_copy(update={"probes": state.probes + 1, "quiet_probed_at": step.now})
    command_id = derived_id("cmd", state.connection_id, "probe", step.state.probes)
    step.effects.append(ProbeWanted(command_id, state.connection_id))


def next_quiet_probe(state: ConnectionState, thresholds: Thresholds, now: datetime) -> datetime | None:
    healthy = state.status is ConnectionStatus.HEALTHY and state.active and not state.outage_mark
    if thresholds.quiet_probe is None or not healthy:
        return None
    heard = (state.heard_ok_at, state.heard_error_at, state.quiet_probed_at)
    last = max((at for at in heard if at is not None), default=state.since or now)
    return last + spread(thresholds.quiet_probe, state.connection_id)


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
