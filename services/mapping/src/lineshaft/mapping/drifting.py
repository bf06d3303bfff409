"""The source has changed: which unified fields of this connection that hurts."""

from lineshaft.common.events.drift import DriftPolicy, SchemaChanged
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.ids import derived_id
from lineshaft.common.logs import logger
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.postgres import outbox
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.mapping.adapters import definitions
from lineshaft.mapping.domain.drift import Mapped, drifted
from lineshaft.mapping.domain.entity_events import SOURCE
from lineshaft.mapping.domain.mappings import DEFAULT_VERSION, Mappings, entities_of

log = logger(__name__)


class Drifts:
    def __init__(self, pool: Pool, mappings: Mappings) -> None:
        self._pool = pool
        self._mappings = mappings

    async def schema_changed(self, event: Event[SchemaChanged]) -> None:
        """Tell it once, unless nobody wants to hear of it or nothing is mapped from the object."""
        change = event.data
        if change.policy is DriftPolicy.IGNORE:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            mapped = await self._mapped(connection, change)
            if not mapped:
                return
            told = drifted(change, mapped)
            event_id = derived_id("evt", "drift", event.id)
            key = change.connection_id
            await outbox.add_events(
                connection, [new_event(told, source=SOURCE, key=key, event_id=event_id, cause=event)]
            )
        log.info("mapping_drifted", connection_id=change.connection_id, object=change.object, held=told.held)

    async def _mapped(self, connection: Connection, change: SchemaChanged) -> list[Mapped]:
        rows = (await definitions.in_force(connection, [change.connection_id])).get(change.connection_id, {})
        system = self._mappings.system(change.system)
        found = []
        for entity, row in entities_of(system, change.object, rows).items():
            if row is None:
                found.append(Mapped(entity, DEFAULT_VERSION, system.default_mapping(entity)))
            else:
                body = await definitions.effective(connection, row)
                found.append(Mapped(entity, row.version, MappingDefinition.parse(body)))
        return found
