"""Which alert channels are told of what, and when: groups and quiet hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lineshaft.common.events.alerts import QuietHours

HELD = "held"
"""The group of all that quiet hours hold back."""


@dataclass(frozen=True, slots=True)
class Channel:
    channel_id: str
    event_types: frozenset[str]
    urgent: frozenset[str]
    systems: frozenset[str]
    connection_ids: frozenset[str]
    metadata: Mapping[str, Any]
    quiet_hours: QuietHours | None
    group_seconds: float

    def wants(self, event_type: str, connection_ids: Iterable[str], data: Mapping[str, Any]) -> bool:
        """Empty choices mean all; what belongs to no connection is told to who chose no connections.

        An outage of our own network is of no system, and told whichever systems were chosen.
        """
        if event_type not in self.event_types:
            return False
        if self.systems and data.get("system") not in {*self.systems, ""}:
            return False
        if self.connection_ids and self.connection_ids.isdisjoint(connection_ids):
            return False
        metadata = data.get("metadata") or {}
        return all(metadata.get(name) == value for name, value in self.metadata.items())


@dataclass(frozen=True, slots=True)
class Slot:
    """A group, and when its message is made if nothing of it waits yet."""

    group_key: str
    due_at: datetime


def slot(channel: Channel, event_type: str, event_id: str, now: datetime) -> Slot:
    due_at = now + timedelta(seconds=channel.group_seconds)
    if channel.quiet_hours is not None and event_type not in channel.urgent:
        end = quiet_until(channel.quiet_hours, due_at)
        if end is not None:
            return Slot(HELD, end)
    return Slot(event_type if channel.group_seconds > 0 else event_id, due_at)


def quiet_until(hours: QuietHours, moment: datetime) -> datetime | None:
    """When the quiet hours end in which `moment` lies; their begin belongs to them, their end does not."""
    zone = ZoneInfo(hours.timezone)
    today = moment.astimezone(zone).date()
    length = timedelta(days=1 if hours.end < hours.begin else 0)
    for day in (today - timedelta(days=1), today):
        begin = datetime.combine(day, hours.begin, zone).astimezone(UTC)
        end = datetime.combine(day + length, hours.end, zone).astimezone(UTC)
        if begin <= moment < end:
            return end
    return None
