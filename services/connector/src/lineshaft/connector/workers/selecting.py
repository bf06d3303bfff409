"""Which fields of an object are read: the same for a page of a sync and for one record that was written."""

from collections.abc import Collection

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters import connections, schemas
from lineshaft.connector.adapters.schemas import KnownObject
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.fields import marked
from lineshaft.connector.workers.tools import OpenSource, Tools


async def needed_fields(tools: Tools, source: OpenSource, name: str) -> Collection[str]:
    """What the mappings in force need.

    Raises:
        SourceFailureError: the system has no such object.
    """
    definitions = await connections.definitions_of(tools.pool, source.caller.connection_id, name)
    try:
        return source.system.source_fields_for(name, definitions)
    except KeyError:
        unknown = Evidence(
            Outcome.CONFIGURATION_ERROR,
            Operation.READ,
            name,
            code="unknown_object",
            message=f"{source.system.manifest.label} has no object {name} here",
        )
        raise SourceFailureError(unknown) from None


async def known_object(tools: Tools, source: OpenSource, name: str) -> KnownObject:
    """The object as it was last described for these credentials; asked for where it never was."""
    caller = source.caller
    known = await schemas.get(tools.pool, caller.connection_id, name, caller.credential_version)
    return await look(tools, source, name) if known is None else known


async def look(tools: Tools, source: OpenSource, name: str) -> KnownObject:
    """The object as it is now."""
    (found,) = await source.adapter.describe([name])
    description = marked(found, source.system.manifest.custom_field_prefixes)
    return await schemas.put(tools.pool, source.caller, description, tools.clock())
