"""What an outage of its source means for one connection: it is not called, and not announced by itself."""

from datetime import datetime
from typing import NamedTuple

from lineshaft.common.outcomes import Fault, Scope
from lineshaft.health_monitor.domain.breaker import CLOSED, let_try
from lineshaft.health_monitor.domain.faults import ActiveFault
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.step import Step

SHARED = frozenset({Fault.NETWORK, Fault.SOURCE_DOWN})


class SharedOutage(NamedTuple):
    """As far as it concerns a connection."""

    outage_id: str
    mark: str
    hold_back_until: datetime | None = None
    """The host is not to be called before this; a probe is made for all."""
    cleared: bool = False
    """The host, or our own network, was seen to work again."""
    own_network_since: datetime | None = None
    """It is our own network that is out."""


def take_part(step: Step, shared: SharedOutage | None) -> None:
    """Join, follow or leave an outage."""
    before, mark = step.state, shared.mark if shared else ""
    if mark == before.outage_mark:
        return
    step.state = before.model_copy(
        update={
            "outage_mark": mark,
            "held_until": shared.hold_back_until
            if shared and shared.outage_id != before.exempt_outage
            else None,
            "exempt_outage": before.exempt_outage if shared else "",
            "released_at": None if shared else step.now,
            "own_outage_since": shared.own_network_since if shared and not shared.cleared else None,
        }
    )
    if is_down(before) and shared is not None and not before.outage_mark:
        what = "to several systems" if shared.own_network_since else "to this source"
        step.note(
            "outage.joined",
            f"Many connections {what} fail at once; the outage is told once for all of them.",
            outage_id=shared.outage_id,
        )
    if shared is not None and shared.cleared and is_down(before):
        update: dict[str, object] = {"breaker": let_try(before.whole.breaker)}
        if shared.own_network_since is None:
            update = {"breaker": CLOSED, "fault": None, "failing": (), "failing_since": None, "evidence": ()}
        whole = before.whole.model_copy(update=update)
        step.state = step.state.model_copy(update={"whole": whole, "probed_at": None})


def is_down(state: ConnectionState) -> bool:
    """Out of reach as a whole."""
    return state.active and state.rejection is None and state.whole.broken and state.whole.fault in SHARED


def told_by_outage(state: ConnectionState, fault: ActiveFault) -> bool:
    return bool(state.outage_mark) and fault.scope is Scope.ALL and (fault.ours or fault.fault in SHARED)
