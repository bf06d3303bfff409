"""The catalog of source systems, with problems for what is not in it."""

from collections.abc import Mapping

from lineshaft.api.domain.problems import ProblemCode, ProblemError, invalid, not_found, problem
from lineshaft.common.integrations import Catalog, System, UnknownSystemError


def system_of(catalog: Catalog, system_id: str) -> System:
    """The system of a connection.

    Raises:
        ProblemError: its folder is gone since the connection was made.
    """
    try:
        return catalog.system(system_id)
    except UnknownSystemError:
        raise problem(
            ProblemCode.CONNECTION_UNAVAILABLE, f"The integration {system_id!r} is not installed any more."
        ) from None


def require_object(catalog: Catalog, system_id: str, name: str, connection_id: str) -> None:
    """Raises for an object of the source that the system's manifest does not have."""
    try:
        system_of(catalog, system_id).object(name)
    except KeyError:
        raise invalid("object", f"{system_id} has no object {name!r}", connection_id=connection_id) from None


def unknown_entity(system: System, entity: str, *, connection_id: str) -> ProblemError:
    known = ", ".join(system.entities) or "none"
    what = f"entity as {entity!r} in {system.manifest.label}; it has {known}"
    return not_found(what, connection_id=connection_id)


def entity_by_object(catalog: Catalog, system_id: str) -> Mapping[str, str]:
    """Source object to the entity that is made from it; empty for a system that is gone."""
    system = catalog.systems.get(system_id)
    if system is None:
        return {}
    return {mapping.object: entity for entity, mapping in reversed(list(system.mappings.items()))}
