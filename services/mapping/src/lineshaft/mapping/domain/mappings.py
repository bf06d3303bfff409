"""Which compiled mapping is in force for each entity of a connection and object."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as package_version
from typing import Any

import orjson
from xxhash import xxh3_64_hexdigest

from lineshaft.common.errors import DeadLetterError
from lineshaft.common.integrations import System
from lineshaft.common.mapping import (
    CompiledMapping,
    MappingContext,
    MappingDefinition,
    MappingDefinitionError,
    compile_mapping,
)
from lineshaft.common.unified import is_custom
from lineshaft.mapping.domain.source_keys import ReadKey, key_reader

DEFAULT_VERSION = 1


@dataclass(frozen=True, slots=True)
class InForce:
    """One row of the projection of `mappings`, without its body."""

    connection_id: str
    entity: str
    object: str
    version: int


@dataclass(frozen=True, slots=True)
class ActiveMapping:
    entity: str
    version: int
    digest: str
    """Stands for the definition and for the engine: what the same record was mapped with."""
    compiled: CompiledMapping
    definition: MappingDefinition | None = None
    """Of a custom object, as it has the key of its records; for the others it would only take memory."""


class Mappings:
    """Systems with what is compiled of them: their defaults for good, customers' own the least used out."""

    def __init__(self, systems: Mapping[str, System], size: int) -> None:
        self._systems = systems
        self._size = size
        self._key_readers: dict[tuple[str, ...], ReadKey] = {}
        self._defaults: dict[tuple[str, str], ActiveMapping] = {}
        self._customers: OrderedDict[tuple[str, str, int], ActiveMapping] = OrderedDict()

    def system(self, name: str) -> System:
        """Raises `DeadLetterError` for a system without a folder."""
        system = self._systems.get(name)
        if system is None:
            raise DeadLetterError(f"there is no system {name!r} in the folder of integrations")
        return system

    def key_reader(self, system: System, object_name: str, plan: Sequence[ActiveMapping] = ()) -> ReadKey:
        """Raises `DeadLetterError` for an object that the system cannot have."""
        custom = [one.definition for one in plan if one.definition is not None]
        try:
            key = tuple(system.object(object_name, custom).key)
        except KeyError:
            raise DeadLetterError(f"{system.id} has no object {object_name!r}") from None
        reader = self._key_readers.get(key)
        if reader is None:
            reader = self._key_readers[key] = key_reader(key)
        return reader

    def default(self, system: System, entity: str) -> ActiveMapping:
        key = (system.id, entity)
        active = self._defaults.get(key)
        if active is None:
            definition = system.default_mapping(entity)
            active = self._defaults[key] = compile_active(entity, DEFAULT_VERSION, definition)
        return active

    def customers(self, row: InForce) -> ActiveMapping | None:
        key = (row.connection_id, row.entity, row.version)
        active = self._customers.get(key)
        if active is not None:
            self._customers.move_to_end(key)
        return active

    def add(self, row: InForce, effective: Mapping[str, Any]) -> ActiveMapping:
        """Compile a customer's definition.

        Raises:
            DeadLetterError: it is not valid.
        """
        active = compile_effective(row.entity, row.version, effective)
        self._customers[row.connection_id, row.entity, row.version] = active
        while len(self._customers) > self._size:
            self._customers.popitem(last=False)
        return active


def compile_active(entity: str, version: int, definition: MappingDefinition) -> ActiveMapping:
    compiled = compile_mapping(entity, definition, MappingContext(version))
    return ActiveMapping(
        entity, version, digest_of(definition), compiled, definition if is_custom(entity) else None
    )


def compile_effective(entity: str, version: int, effective: Mapping[str, Any]) -> ActiveMapping:
    """Raises `DeadLetterError` for a definition that is not valid or an entity that does not exist."""
    try:
        return compile_active(entity, version, MappingDefinition.parse(effective))
    except (MappingDefinitionError, KeyError, ValueError) as error:
        raise DeadLetterError(f"mapping of {entity}, version {version}: {error}") from error


def digest_of(definition: MappingDefinition) -> str:
    body = [package_version("lineshaft-common"), definition.dump()]
    return xxh3_64_hexdigest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))


def entities_of(system: System, object_name: str, rows: Mapping[str, InForce]) -> dict[str, InForce | None]:
    """The entities that an object's records become; None stands for the system's default.

    Args:
        system: whose object it is.
        object_name: the object.
        rows: what is not default for the connection, by entity.
    """
    entities: dict[str, InForce | None] = {
        entity: None for entity in system.entities_for(object_name) if entity not in rows
    }
    return entities | {entity: row for entity, row in sorted(rows.items()) if row.object == object_name}
