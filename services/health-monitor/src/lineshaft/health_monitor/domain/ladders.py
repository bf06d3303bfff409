"""Network ladders: when the monitor asks for one, and what is remembered of the last."""

from datetime import datetime

from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import ConnectionStatus, Fault, LadderRung
from lineshaft.health_monitor.domain.effects import LadderWanted
from lineshaft.health_monitor.domain.sharing import is_down
from lineshaft.health_monitor.domain.state import ConnectionState, LadderFinding
from lineshaft.health_monitor.domain.step import Step
from lineshaft.health_monitor.domain.thresholds import Thresholds

OF_THE_NETWORK = frozenset(LadderRung) - {LadderRung.AUTH, LadderRung.OBJECT}


def learn(step: Step, event: ConnectionDiagnosed) -> None:
    """Where the source is out of reach, a ladder says more than a call that failed."""
    failed = event.failed
    if failed is not None and failed.rung in OF_THE_NETWORK and is_down(step.state):
        finding = LadderFinding(at=event.at, rung=failed.rung, seen=failed.seen, ask=failed.ask or "")
        step.state = step.state.model_copy(update={"ladder": finding})
    step.note(
        "connection.diagnosed",
        f"The ladder stops at {failed.rung}: {failed.seen}." if failed else "The ladder was climbed whole.",
        event.asked_by,
        failed_rung=failed.rung if failed else None,
        ask=failed.ask if failed else None,
        rungs={one.rung.value: one.status for one in event.rungs},
        command_id=event.command_id,
    )


def forget(step: Step) -> None:
    """What a ladder found counts while the source is out of reach."""
    if step.state.ladder is not None and not is_down(step.state):
        step.state = step.state.model_copy(update={"ladder": None})


def ask_for_ladder(step: Step) -> None:
    """Once each time that the source goes out of reach by the network, and not too often."""
    at = next_ladder(step.state, step.thresholds)
    if at is None or at > step.now:
        return
    step.state = step.state.model_copy(update={"ladder_asked_at": step.now})
    command_id = derived_id("cmd", step.state.connection_id, "ladder", step.now.isoformat())
    step.effects.append(LadderWanted(command_id, step.state.connection_id))


def next_ladder(state: ConnectionState, thresholds: Thresholds) -> datetime | None:
    """An outage that many connections share is looked into by nobody of them."""
    pause, since, asked = thresholds.ladder_pause, state.since, state.ladder_asked_at
    wanted = (
        state.status is ConnectionStatus.UNREACHABLE
        and state.whole.fault is Fault.NETWORK
        and not state.outage_mark
        and "" not in state.stops
    )
    if pause is None or since is None or not wanted or (asked is not None and asked >= since):
        return None
    first = since + thresholds.ladder_after
    return first if asked is None else max(first, asked + pause)
