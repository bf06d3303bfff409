"""All connections at once, as a list that begins with what needs attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.adapters.postgres import SQL, build
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.common.postgres.pool import Pool

Place = tuple[int, str, str]
"""Where a page ended: rank, name to sort by, connection id."""

URGENCY = (
    ConnectionStatus.REAUTHORIZATION_REQUIRED,
    ConnectionStatus.UNREACHABLE,
    ConnectionStatus.DEGRADED,
    ConnectionStatus.RATE_LIMITED,
    ConnectionStatus.PENDING,
    ConnectionStatus.PAUSED,
    ConnectionStatus.DISCONNECTED,
    ConnectionStatus.HEALTHY,
)


@dataclass(frozen=True, slots=True)
class FleetRow:
    connection_id: str
    system: str
    label: str
    account_label: str
    status: ConnectionStatus
    since: datetime
    verdict: dict[str, Any] | None
    last_sync_at: datetime | None
    created_at: datetime
    rank: int
    sort_name: str

    @property
    def place(self) -> Place:
        return self.rank, self.sort_name, self.connection_id


async def fleet_rows(
    pool: Pool,
    *,
    limit: int,
    system: str | None = None,
    text: str | None = None,
    statuses: Sequence[ConnectionStatus] | None = None,
    after: Place | None = None,
) -> list[FleetRow]:
    """What is most urgent first, then by name; `text` stands in label, account, id, system or metadata."""
    rank, sort_name, connection_id = after or (None, None, None)
    rows = await pool.fetch(
        SQL["fleet"],
        system,
        f"%{_literal(text)}%" if text else None,
        list(statuses) if statuses is not None else None,
        list(URGENCY),
        rank,
        sort_name,
        connection_id,
        limit,
    )
    return [build(FleetRow, row, status=ConnectionStatus) for row in rows]


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
