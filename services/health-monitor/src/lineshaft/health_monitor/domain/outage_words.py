"""An outage of a source in words."""

from datetime import datetime

from lineshaft.common.events.health import SystemEvent, SystemRecovered
from lineshaft.common.outcomes import Fault, Move
from lineshaft.health_monitor.domain.outage import Outage
from lineshaft.health_monitor.domain.wording import NETWORK_WORDS, OWN_NETWORK_ACTION


def describe(
    outage: Outage, kind: type[SystemEvent], connection_ids: list[str], now: datetime, label: str
) -> SystemEvent:
    """`label` is the system's name as people know it."""
    at_host = f" at {outage.host}" if outage.host else ""
    many = f"{outage.connections} connections"
    if kind is SystemRecovered:
        who = "Our own network" if outage.ours else f"{label}{at_host}"
        summary, action = f"{who} works again for {many}.", "Nothing has to be done."
    elif outage.ours:
        summary = f"{many} to several systems cannot be reached: our own network lets no calls through."
        action = OWN_NETWORK_ACTION
    elif outage.fault is Fault.SOURCE_DOWN:
        summary = f"{label}{at_host} answers {many} with errors of its own."
        action = f"Whoever runs {label} looks into it; we try again by ourselves."
    else:
        what, action = NETWORK_WORDS[outage.rung]
        summary = f"{label}{at_host} is not reachable for {many}: {what}."
    return kind(
        outage_id=outage.outage_id,
        system=outage.system,
        host=outage.host,
        fault=outage.fault,
        connections=outage.connections,
        connection_ids=list(connection_ids),
        summary=summary,
        move=_move(outage, kind),
        action=action,
        began_at=outage.began_at,
        at=now,
    )


def _move(outage: Outage, kind: type[SystemEvent]) -> Move:
    if kind is SystemRecovered:
        return Move.NOBODY
    return Move.OPERATOR if outage.ours else Move.SOURCE_VENDOR
