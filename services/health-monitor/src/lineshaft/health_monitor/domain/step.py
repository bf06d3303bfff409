"""One step of one connection in the making."""

from dataclasses import dataclass, field
from datetime import datetime

from lineshaft.common.events.health import ConnectionEvent
from lineshaft.common.outcomes import Fault
from lineshaft.health_monitor.domain.effects import Effect, Noted
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.thresholds import Thresholds


@dataclass(slots=True)
class Step:
    state: ConnectionState
    thresholds: Thresholds
    now: datetime
    effects: list[Effect] = field(default_factory=list)
    seen: dict[Fault, int] = field(default_factory=dict)
    lifecycle_event: type[ConnectionEvent] | None = None

    def note(self, kind: str, summary: str, actor: str = "", **details: object) -> None:
        self.effects.append(Noted(self.state.connection_id, self.now, kind, summary, actor, details))
