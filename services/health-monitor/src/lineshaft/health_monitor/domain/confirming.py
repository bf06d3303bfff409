"""A directory that is out of order refuses everybody: when refused credentials are tried once more.

Never a login loop: only where credentials of several connections of the system were refused at once, one
login each after a while, then no sooner than an hour later, three in all. A success of exactly such a login
ends the refusal; any other success is one of before.
"""

import zlib
from datetime import datetime, timedelta

from lineshaft.common.events.calls import Call
from lineshaft.common.ids import derived_id
from lineshaft.common.outcomes import Operation
from lineshaft.health_monitor.domain.effects import ProbeWanted
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.step import Step
from lineshaft.health_monitor.domain.thresholds import Thresholds

MOST = 3
PAUSE = timedelta(hours=1)
SPREAD = 0.25
"""Of a wait, by which connections differ, so that they do not all come at once."""


def confirm(step: Step, *, suspected: bool) -> None:
    """Ask for one login more where it is due; `suspected`: others were refused at once too."""
    rejection = step.state.rejection
    at = next_confirm(step.state, step.thresholds)
    if rejection is None or at is None or at > step.now:
        return
    update: dict[str, object] = {"confirms": rejection.confirms + 1 if suspected else MOST}
    if suspected:
        update["confirm_asked_at"] = step.now
        command_id = derived_id(
            "cmd", step.state.connection_id, "confirm", step.state.credential_version, rejection.confirms
        )
        step.effects.append(ProbeWanted(command_id, step.state.connection_id, despite_rejection=True))
        step.note(
            "credentials.tried_again",
            "Credentials of several connections were refused at once; these are tried once more.",
        )
    step.state = step.state.model_copy(update={"rejection": rejection.model_copy(update=update)})


def next_confirm(state: ConnectionState, thresholds: Thresholds) -> datetime | None:
    rejection, wait = state.rejection, thresholds.confirm_after
    if rejection is None or wait is None or not state.active or rejection.confirms >= MOST:
        return None
    if rejection.confirm_asked_at is not None:
        return rejection.confirm_asked_at + spread(PAUSE, state.connection_id)
    return rejection.since + spread(wait, state.connection_id)


def confirms(state: ConnectionState, call: Call) -> bool:
    """Whether a success is that of the login that was asked for."""
    asked = state.rejection.confirm_asked_at if state.rejection is not None else None
    return asked is not None and call.operation is Operation.PROBE and call.at >= asked


def spread(wait: timedelta, connection_id: str) -> timedelta:
    """Longer by up to a quarter, always the same for a connection."""
    return wait * (1 + SPREAD * zlib.crc32(connection_id.encode()) / 2**32)
