"""What the rules want done; the handlers do it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lineshaft.common.events.commands import CommandCompleted
from lineshaft.common.events.health import ConnectionEvent, StatusDescribed, Verdict
from lineshaft.health_monitor.domain.state import Issue


@dataclass(frozen=True, slots=True)
class Announced:
    """One event on `connection.events`."""

    event_id: str
    data: ConnectionEvent


@dataclass(frozen=True, slots=True)
class Described:
    """The whole health as it is now; on `connection.status` where it says something new."""

    data: StatusDescribed
    news: bool = True


@dataclass(frozen=True, slots=True)
class IssueChanged:
    connection_id: str
    issue: Issue
    verdict: Verdict | None
    """None: as it was."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A line of the timeline."""

    connection_id: str
    at: datetime
    kind: str
    summary: str
    actor: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProbeWanted:
    """Make one cheap call to find out what works."""

    command_id: str
    connection_id: str
    despite_rejection: bool = False


@dataclass(frozen=True, slots=True)
class LadderWanted:
    """Look how far the network lets us."""

    command_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class AccessCheckWanted:
    """Find out what the source grants, and when the credentials end."""

    command_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a command."""

    data: CommandCompleted


Effect = (
    AccessCheckWanted | Announced | Answered | Described | IssueChanged | LadderWanted | Noted | ProbeWanted
)
