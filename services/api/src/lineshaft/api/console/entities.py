"""The entities of a connection: those of its system, and its custom objects."""

from lineshaft.api.adapters.mappings import active_mapping
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.connections import Connection
from lineshaft.api.domain.mappings import ActiveMapping
from lineshaft.api.domain.problems import not_found
from lineshaft.api.routes.catalog import system_of, unknown_entity
from lineshaft.api.routes.context import Context
from lineshaft.common.unified import is_custom


async def entity_names(api: Context, connection: Connection) -> list[str]:
    system = api.catalog.systems.get(connection.system)
    rows = await api.pool.fetch(SQL["custom_objects"], connection.connection_id)
    return [*(system.entities if system else ()), *(row["entity"] for row in rows)]


async def mapping_of(api: Context, connection: Connection, entity: str) -> ActiveMapping:
    """Raises a problem for an entity that the connection does not have."""
    system = system_of(api.catalog, connection.system)
    if entity not in system.entities and not is_custom(entity):
        raise unknown_entity(system, entity, connection_id=connection.connection_id)
    try:
        return await active_mapping(api.pool, connection.connection_id, system, entity)
    except KeyError:
        raise not_found("custom object", connection_id=connection.connection_id) from None
