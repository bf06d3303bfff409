"""One source system: its manifest and how its objects become unified entities."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pydantic import RootModel

from lineshaft.common.integrations.errors import IntegrationError
from lineshaft.common.integrations.manifest import Cursor, Manifest, SourceObject
from lineshaft.common.integrations.references import reference_faults
from lineshaft.common.integrations.strategies import strategy_faults
from lineshaft.common.integrations.yaml_files import fault_at, read_model
from lineshaft.common.mapping import MappingDefinition, check, source_paths
from lineshaft.common.unified import ENTITIES, is_custom

CUSTOM_OVERLAP_SECONDS = 120

MANIFEST = "manifest.yaml"
MAPPING = "mapping.yaml"


class EntityMapping(MappingDefinition):
    """The default mapping of one entity, from one object."""

    object: str

    @property
    def definition(self) -> MappingDefinition:
        zone = {} if self.timezone is None else {"timezone": self.timezone}
        return MappingDefinition(
            fields=self.fields,
            custom_fields=self.custom_fields,
            value_maps=self.value_maps,
            comment=self.comment,
            **zone,
        )


class MappingFile(RootModel[dict[str, EntityMapping]]):
    """`mapping.yaml`: a default mapping for each entity that the system fills."""


class System:
    """What a folder under `integrations/` says."""

    def __init__(self, manifest: Manifest, mappings: Mapping[str, EntityMapping]) -> None:
        self.manifest = manifest
        self.mappings: Mapping[str, EntityMapping] = MappingProxyType(dict(mappings))

    @classmethod
    def load(cls, folder: Path) -> "System":
        """Raises `IntegrationError` naming the file, the line, the key and what is allowed."""
        manifest = read_model(folder / MANIFEST, Manifest)
        faults = [fault_at(folder / MANIFEST, *one) for one in _manifest_faults(manifest, folder.name)]
        try:
            mappings = read_model(folder / MAPPING, MappingFile).root
        except IntegrationError as error:
            raise IntegrationError(*faults, *error.faults) from error
        faults += [fault_at(folder / MANIFEST, *one) for one in _not_read_faults(manifest, mappings)]
        faults += [fault_at(folder / MAPPING, *one) for one in _mapping_faults(manifest, mappings)]
        if faults:
            raise IntegrationError(*faults)
        return cls(manifest, mappings)

    def with_objects(self, custom: Mapping[str, Sequence[MappingDefinition]]) -> "System":
        """The same system with what one connection reads besides: definitions of custom objects by source."""
        if not custom or not self.manifest.custom_objects:
            return self
        objects = {name: self.object(name, definitions) for name, definitions in custom.items()}
        manifest = self.manifest.model_copy(update={"objects": {**self.manifest.objects, **objects}})
        return System(manifest, self.mappings)

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities that this system fills by default."""
        return tuple(self.mappings)

    def object(self, name: str, custom: Iterable[MappingDefinition] = ()) -> SourceObject:
        """The object's description: what tells its records apart is decided here for all services.

        One that the manifest lists is what the manifest says; of another one, what the definitions say of
        custom objects that are made from it, else the defaults.

        Raises:
            KeyError: it is not listed, and the system has no custom objects.
        """
        listed = self.manifest.objects.get(name)
        if listed is None and self.manifest.custom_objects:
            return _of_definitions(name, custom)
        return self.manifest.objects[name]

    def default_mapping(self, entity: str) -> MappingDefinition:
        """Empty for an entity that the system does not fill."""
        mapping = self.mappings.get(entity)
        return MappingDefinition() if mapping is None else mapping.definition

    def object_of(self, entity: str) -> str:
        """Raises `KeyError` for an entity that the system does not fill."""
        return self.mappings[entity].object

    def objects_for(self, entities: Iterable[str] | None = None) -> tuple[str, ...]:
        """The objects to read for some entities, or for all, each once.

        Raises:
            KeyError: an entity that the system does not fill.
        """
        wanted = self.entities if entities is None else entities
        return tuple(dict.fromkeys(self.object_of(entity) for entity in wanted))

    def reads(self, chosen: Collection[str] | None, name: str) -> bool:
        """Whether a connection reads an object.

        Args:
            chosen: those that it reads of what the system offers; None: all.
            name: one that the system does not list was added by somebody, to be read.
        """
        return chosen is None or name in chosen or name not in self.manifest.objects

    def entities_for(self, name: str) -> tuple[str, ...]:
        """The entities that are made from an object."""
        return tuple(entity for entity, mapping in self.mappings.items() if mapping.object == name)

    def key_types(self) -> dict[str, str]:
        """Entity to the type of its key at the source, for writing references."""
        return {entity: self.object(self.object_of(entity)).key_type for entity in self.entities}

    def source_fields_for(
        self, name: str, definitions: Mapping[str, MappingDefinition] | None = None
    ) -> tuple[str, ...]:
        """The fields that a read of an object has to request, related ones dotted: `party.rec_name`.

        Args:
            name: the object.
            definitions: effective ones by entity. A missing one has its default; one of a unified entity
                that comes from another object is left aside; of custom objects give only those of `name`.
        """
        described = self.object(name)
        fields = dict.fromkeys(described.key)
        if described.cursor is not None:
            fields[described.cursor.field] = None
            if described.cursor.fallback is not None:
                fields[described.cursor.fallback] = None
        fields |= dict.fromkeys(described.fields)
        effective = {entity: self.default_mapping(entity) for entity in self.entities_for(name)}
        for entity, definition in (definitions or {}).items():
            if entity in effective or is_custom(entity):
                effective[entity] = definition
        for definition in effective.values():
            fields |= dict.fromkeys(".".join(path) for path in source_paths(definition))
        return tuple(fields)


def _of_definitions(name: str, custom: Iterable[MappingDefinition]) -> SourceObject:
    """What definitions of custom objects say of their source; the first that says something counts."""
    definitions = list(custom)
    key = next((one.key for one in definitions if one.key), ["id"])
    field = next((one.cursor for one in definitions if one.cursor), None)
    cursor = Cursor(field=field, overlap_s=CUSTOM_OVERLAP_SECONDS) if field else None
    return SourceObject(label=name, key=key, cursor=cursor)


def _manifest_faults(manifest: Manifest, folder: str) -> Iterator[tuple[str, str]]:
    if manifest.id != folder:
        yield "id", f"is {manifest.id!r}, the folder is {folder!r}"
    unknown = list(strategy_faults(manifest))
    yield from unknown
    if not any(key == "dialect" for key, _ in unknown):
        yield from reference_faults(manifest)


def _not_read_faults(manifest: Manifest, mappings: Collection[str]) -> Iterator[tuple[str, str]]:
    for entity in manifest.not_read:
        if entity not in ENTITIES:
            yield f"not_read.{entity}", f"there is no such entity; there are {', '.join(ENTITIES)}"
        elif entity in mappings:
            yield f"not_read.{entity}", "is filled by mapping.yaml; leave it out here"


def _mapping_faults(manifest: Manifest, mappings: Mapping[str, EntityMapping]) -> Iterator[tuple[str, str]]:
    for entity, mapping in mappings.items():
        if mapping.object not in manifest.objects:
            known = ", ".join(manifest.objects)
            message = f"there is no object {mapping.object!r} in the manifest; there are {known}"
            yield f"{entity}.object", message
        for issue in check(entity, mapping):
            yield f"{entity}.{issue.field}", issue.message
