"""What people read: what is wrong, whose move it is, what to do, and where to look."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from lineshaft.common.events.alerts import ALERT_TITLES

MOST_LINES = 20
CONSOLE = "/console"

MOVES = {
    "customer": "the customer",
    "vendor": "you, the vendor of the product",
    "source_vendor": "the maker of the source system",
    "operator": "whoever runs Lineshaft",
    "nobody": "nobody; it mends itself",
}
GOOD = frozenset({"connection.recovered", "system.recovered", "sync.completed", "connection.created"})
BAD = frozenset(
    {
        "connection.reauthorization_required",
        "sync.failed",
        "system.outage",
        "webhook_endpoint.failing",
        "webhook_endpoint.disabled",
    }
)

Tone = Literal["info", "success", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Alert:
    event_type: str
    connection_id: str | None
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    title: str
    body: str
    tone: Tone


def text(alerts: Sequence[Alert], public_url: str) -> Text:
    """One message; `alerts` are in the order of their events, and there is at least one."""
    counts = Counter(alert.event_type for alert in alerts)
    paragraphs = [_paragraph(alert, public_url, named=len(alerts) > 1) for alert in alerts[:MOST_LINES]]
    if len(alerts) > MOST_LINES:
        paragraphs.append(f"... and {len(alerts) - MOST_LINES} more: {public_url}{CONSOLE}")
    if len(alerts) > 1:
        lines = [f"{number} x {_title(name)}" for name, number in counts.most_common()]
        paragraphs.insert(0, "\n".join(lines))
    return Text(_headline(alerts, counts), "\n\n".join(paragraphs), _tone(counts))


def _headline(alerts: Sequence[Alert], counts: Counter[str]) -> str:
    if len(alerts) == 1:
        return _title(alerts[0].event_type)
    if len(counts) == 1:
        return f"{_title(alerts[0].event_type)} ({len(alerts)} times)"
    return f"{len(alerts)} events"


def _tone(counts: Counter[str]) -> Tone:
    if any(name in BAD for name in counts):
        return "failure"
    if all(name in GOOD for name in counts):
        return "success"
    return "info" if set(counts) <= {*GOOD, "alert.test"} else "warning"


def _title(event_type: str) -> str:
    return ALERT_TITLES.get(event_type, event_type)


def _paragraph(alert: Alert, public_url: str, *, named: bool) -> str:
    data = alert.data
    verdict = data.get("verdict") or {}
    lines = [f"[{_title(alert.event_type)}]"] if named else []
    lines.append(f"{_subject(alert)}, {alert.at:%Y-%m-%d %H:%M} UTC")
    lines += [
        str(said)
        for said in (verdict.get("summary"), data.get("summary"), data.get("reason"), data.get("message"))
        if said
    ]
    lines += [f"{one['object']}: {one['message']}" for one in data.get("objects") or [] if one.get("message")]
    move = verdict.get("move") or data.get("move")
    if move:
        lines.append(f"Whose move: {MOVES.get(move, move)}.")
    action = verdict.get("action") or data.get("action")
    if action:
        lines.append(f"What to do: {action}")
    if alert.connection_id:
        lines.append(f"{public_url}{CONSOLE}/connections/{quote(alert.connection_id, safe='')}")
    return "\n".join(lines)


def _subject(alert: Alert) -> str:
    data = alert.data
    if alert.connection_id:
        status = f", now {data['status']}" if data.get("status") else ""
        return f"Connection {alert.connection_id} ({data.get('system', '')}){status}"
    if data.get("endpoint_id"):
        return f"Webhook endpoint {data['endpoint_id']}"
    if data.get("host"):
        return f"{data.get('system', '')} at {data['host']}, {data.get('connections', 0)} connections"
    return str(data.get("system") or "Lineshaft")
