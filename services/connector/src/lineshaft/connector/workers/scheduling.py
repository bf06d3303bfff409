"""Asks for the syncs that are due by schedule, as anybody else would ask."""

import asyncio
import contextlib
from collections.abc import Callable

from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import RETRYABLE, Connection
from lineshaft.connector.adapters import connections, schedules, syncs
from lineshaft.connector.adapters.schedules import DueRow
from lineshaft.connector.domain.schedules import EVERYTHING_ELSE, again
from lineshaft.connector.domain.sync_requests import objects_asked_for
from lineshaft.connector.workers.tools import Tools

EVERY_SECONDS = 5.0

log = logger(__name__)


class Scheduling:
    def __init__(self, tools: Tools, ring: Callable[[], None]) -> None:
        self._tools = tools
        self._ring = ring

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                while await self.ask():
                    self._ring()
            except RETRYABLE as error:
                log.warning("scheduling_failed", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)

    async def ask(self) -> int:
        """Ask for what is due, up to a batch; how many rows were."""
        now = self._tools.clock()
        async with self._tools.pool.acquire() as connection, connection.transaction():
            rows = await schedules.due(connection, now)
            for row in rows:
                await self._ask_one(connection, row)
                await schedules.move_on(connection, row, again(row.due, row.frequency, now))
        return len(rows)

    async def _ask_one(self, tx: Connection, row: DueRow) -> None:
        system = self._tools.catalog.systems.get(row.system)
        if system is None:
            log.error("schedule_without_system", connection_id=row.connection_id, system=row.system)
            return
        connection = await connections.get(tx, row.connection_id)
        chosen = connection.objects if connection else None
        mapped = await connections.mapped_objects(tx, row.connection_id)
        if row.object != EVERYTHING_ELSE:
            made = {*system.manifest.objects, *(one.object for one in mapped)}
            objects = [row.object] if row.object in made and system.reads(chosen, row.object) else []
        else:
            own = await schedules.own_rows(tx, row.connection_id)
            asked = objects_asked_for(system, mapped, None, None, chosen=chosen)
            objects = [name for name in asked if name not in own]
        if not objects:
            return
        await syncs.request(
            tx,
            row.connection_id,
            f"schedule/{row.object}/{row.due.first.isoformat()}",
            system=system.id,
            mode=row.due.mode(self._tools.clock()),
            objects=objects,
            requested_by="schedule",
        )
