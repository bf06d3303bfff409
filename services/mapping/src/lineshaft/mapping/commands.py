"""`commands.mapping`: what `api` asks of this service."""

from collections.abc import Sequence
from typing import Any

from lineshaft.common.events.commands import DeletionsApproved, MappingPurgeRequested
from lineshaft.common.events.envelope import Event
from lineshaft.common.postgres.pool import Connection
from lineshaft.mapping.deleting import on_approvals
from lineshaft.mapping.purging import on_purges


async def on_commands(tx: Connection, events: Sequence[Event[Any]]) -> None:
    await on_approvals(tx, [event for event in events if isinstance(event.data, DeletionsApproved)])
    await on_purges(tx, [event for event in events if isinstance(event.data, MappingPurgeRequested)])
