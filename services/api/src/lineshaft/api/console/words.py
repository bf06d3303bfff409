"""How values read on a page."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from lineshaft.api.domain.wording import plain, value
from lineshaft.common.events.alerts import ALERT_TITLES
from lineshaft.common.outcomes import ConnectionStatus, Fault, LadderRung, Move, Outcome, Rung

STATUS_WORDS: Mapping[str, str] = {
    ConnectionStatus.PENDING: "Waiting for first calls",
    ConnectionStatus.HEALTHY: "Healthy",
    ConnectionStatus.DEGRADED: "Partly working",
    ConnectionStatus.REAUTHORIZATION_REQUIRED: "Reconnect needed",
    ConnectionStatus.UNREACHABLE: "Unreachable",
    ConnectionStatus.RATE_LIMITED: "Slowed down by source",
    ConnectionStatus.PAUSED: "Paused",
    ConnectionStatus.DISCONNECTED: "Disconnected",
}
STATUS_TONES: Mapping[str, str] = {
    ConnectionStatus.PENDING: "quiet",
    ConnectionStatus.HEALTHY: "good",
    ConnectionStatus.DEGRADED: "warn",
    ConnectionStatus.REAUTHORIZATION_REQUIRED: "bad",
    ConnectionStatus.UNREACHABLE: "bad",
    ConnectionStatus.RATE_LIMITED: "warn",
    ConnectionStatus.PAUSED: "quiet",
    ConnectionStatus.DISCONNECTED: "quiet",
}
STATE_TONES: Mapping[str, str] = {
    "completed": "good",
    "partially_completed": "warn",
    "failed": "bad",
    "running": "info",
    "queued": "quiet",
    "waiting": "warn",
    "read": "info",
    "delivered": "good",
    "given_up": "bad",
    "due": "info",
    "cancelled": "quiet",
    "open": "bad",
    "half_open": "warn",
    "closed": "good",
    "active": "good",
    "expired": "quiet",
    "revoked": "quiet",
    "granted": "good",
    "denied": "bad",
}
MOVE_WORDS: Mapping[str, str] = {
    Move.CUSTOMER: "Customer's move",
    Move.VENDOR: "Your move",
    Move.SOURCE_VENDOR: "Source vendor's move",
    Move.OPERATOR: "Operator's move",
    Move.NOBODY: "Nobody's move",
}
FAULT_WORDS: Mapping[str, str] = {
    Fault.CREDENTIALS: "Credentials",
    Fault.PERMISSION: "Permission",
    Fault.CONFIGURATION: "Configuration",
    Fault.NETWORK: "Network",
    Fault.SOURCE_RATE_LIMIT: "Rate limit of the source",
    Fault.SOURCE_DOWN: "Source down",
    Fault.PLATFORM: "Lineshaft itself",
}
SERVICE_WORDS: Mapping[str, str] = {
    "api": "Connection and keys",
    "connector": "Credentials and reading",
    "mapping": "Records",
    "health-monitor": "Health and history",
    "notifier": "Webhooks and alerts",
}
RUNG_WORDS: Mapping[str, str] = {
    LadderRung.DNS: "Find the name",
    LadderRung.TCP: "Reach it",
    LadderRung.TLS: "Encrypt",
    LadderRung.PROXY: "Pass the proxy",
    LadderRung.HTTP: "Get an answer",
    LadderRung.AUTH: "Log in",
    LadderRung.OBJECT: "Read a record",
}
OUTCOMES = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.OK)
RUNGS = tuple(Rung)

URGENT_DAYS = 14
"""From here on the end of credentials is no longer a fact but a task."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)").fullmatch
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (86400 * 60, 86400, "d"))


def ago(moment: datetime | str, now: datetime) -> str:
    """`12 min ago`, `in 3 h`."""
    then = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    seconds = (now - then).total_seconds()
    distance = abs(seconds)
    for below, unit, name in _STEPS:
        if distance < below:
            text = f"{int(distance // unit)} {name}"
            break
    else:
        return then.date().isoformat()
    if distance < 1:
        return "now"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def days_left(moment: datetime | str, now: datetime) -> int:
    """Whole ones; less than 0 once it is over."""
    then = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (then - now).days


def lasting(moment: datetime | str, now: datetime) -> str:
    """`12 min`, for `since` and for how long something took."""
    return ago(moment, now).removesuffix(" ago")


def iso(moment: datetime | str) -> str:
    return moment if isinstance(moment, str) else moment.isoformat()


def utc(moment: datetime | str) -> str:
    """`31 Mar 2099, 09:30 UTC`, until the browser puts its own zone there."""
    then = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{then.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def time_of_day(moment: time | str) -> str:
    """`22:00`."""
    return str(moment)[:5]


def short_id(text: str) -> str:
    """Enough of an id to tell two apart: its kind and its end."""
    kind, _, rest = text.partition("_")
    return f"{kind}_…{rest[-8:]}" if len(rest) > 12 else text  # noqa: PLR2004  short ones stay whole


def who(actor: str) -> str:
    """A person by the name they gave, a program by the end of its key's id."""
    return short_id(actor) if actor.startswith("key_") else actor


def count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}".replace(",", "\u202f")


def is_moment(anything: Any) -> bool:
    """Whether a value of a record is a time of day on some date, as the unified model writes it."""
    return isinstance(anything, str) and _MOMENT(anything) is not None


def told(anything: Any) -> str:
    """A value of a setting, for whoever reads the audit log."""
    if anything is None or anything in ("", [], {}):
        return "-"
    if isinstance(anything, bool):
        return "yes" if anything else "no"
    if isinstance(anything, list):
        return ", ".join(map(told, anything))
    return json.dumps(anything, ensure_ascii=False) if isinstance(anything, dict) else str(anything)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "time_of_day": time_of_day,
    "ago": ago,
    "lasting": lasting,
    "iso": iso,
    "utc": utc,
    "days_left": days_left,
    "who": who,
    "plain": plain,
    "short_id": short_id,
    "count": count,
    "event_title": lambda name: ALERT_TITLES.get(name, name),
    "value": value,
    "is_moment": is_moment,
    "told": told,
    "service_words": lambda service: SERVICE_WORDS.get(service, plain(service)),
    "status_words": lambda status: STATUS_WORDS.get(status, plain(status)),
    "status_tone": lambda status: STATUS_TONES.get(status, "quiet"),
    "state_tone": lambda state: STATE_TONES.get(state, "quiet"),
    "move_words": lambda move: MOVE_WORDS.get(move, plain(move)),
    "rung_words": lambda rung: RUNG_WORDS.get(rung, plain(rung)),
    "fault_words": lambda fault: FAULT_WORDS.get(fault, plain(fault)),
}
