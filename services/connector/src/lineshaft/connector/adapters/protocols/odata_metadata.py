"""`$metadata` of an OData service, V2 and V4: entity sets, their keys, fields and labels.

Read with expat itself: a document type is refused, so that no entity can be declared, and depth is bounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from lineshaft.connector.domain.codes import declared_codes
from lineshaft.connector.domain.protocol import FieldDescription, ObjectDescription

MOST_BYTES = 32 * 1024 * 1024
DEEPEST = 32

_CUSTOM_LABEL = "label"
_NO = "false"


class UnusableMetadataError(ValueError):
    """The document is none that describes a service."""


@dataclass(slots=True)
class EntityType:
    keys: list[str] = field(default_factory=list)
    properties: dict[str, dict[str, str]] = field(default_factory=dict)
    """Attributes by property, names without their namespace."""
    navigation: dict[str, str] = field(default_factory=dict)
    """Navigation property to the entity set or type that it leads to."""
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    sets: Mapping[str, Mapping[str, str]]
    """Attributes by entity set."""
    types: Mapping[str, EntityType]
    """By name without namespace."""
    enums: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Members of enumerations, by name without namespace."""

    def type_of(self, entity_set: str) -> EntityType:
        """Of an entity set, with what its base types have.

        Raises:
            KeyError: the service has no such set.
        """
        name = _local(self.sets[entity_set]["EntityType"])
        whole = EntityType()
        seen: set[str] = set()
        while name and name in self.types and name not in seen:
            seen.add(name)
            one = self.types[name]
            whole.keys = one.keys or whole.keys
            whole.properties = {**one.properties, **whole.properties}
            whole.navigation = {**one.navigation, **whole.navigation}
            name = _local(one.base or "")
        return whole

    def field_type(self, entity_set: str, name: str) -> str:
        """`Edm.String` where it is not known."""
        if entity_set not in self.sets:
            return "Edm.String"
        return self.type_of(entity_set).properties.get(name, {}).get("Type", "Edm.String")

    def described(self, object_name: str, entity_set: str) -> ObjectDescription:
        """Raises `KeyError` where the service has no such set."""
        whole = self.type_of(entity_set)
        fields = [
            self._field(name, facts, key=name in whole.keys) for name, facts in whole.properties.items()
        ]
        fields += [
            FieldDescription(name, "navigation", name, readonly=True, relation=target or None, stored=False)
            for name, target in whole.navigation.items()
        ]
        label = self.sets[entity_set].get(_CUSTOM_LABEL) or entity_set
        return ObjectDescription(object_name, label, tuple(fields))

    def _field(self, name: str, facts: Mapping[str, str], *, key: bool) -> FieldDescription:
        kind = facts.get("Type", "")
        return FieldDescription(
            name=name,
            type=kind.removeprefix("Edm."),
            label=facts.get(_CUSTOM_LABEL) or name,
            required=key or facts.get("Nullable") == _NO,
            readonly=facts.get("creatable") == _NO and facts.get("updatable") == _NO,
            codes=declared_codes((one, None) for one in self.enums.get(_local(kind), ())),
        )


def parse_metadata(document: bytes) -> Metadata:
    """Raises `UnusableMetadataError` with the reason."""
    if len(document) > MOST_BYTES:
        raise UnusableMetadataError(f"it has more than {MOST_BYTES} bytes")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(document, True)  # noqa: FBT003  expat takes no names
    except expat.ExpatError as error:
        raise UnusableMetadataError(f"it is no XML: {error}") from error
    if not reader.sets:
        raise UnusableMetadataError("it names no entity set")
    return Metadata(reader.sets, reader.types, reader.enums)


def _refuse(*_: Any) -> None:
    raise UnusableMetadataError("it declares a document type, which no service needs")


class _Reader:
    def __init__(self) -> None:
        self.sets: dict[str, dict[str, str]] = {}
        self.types: dict[str, EntityType] = {}
        self.enums: dict[str, list[str]] = {}
        self._path: list[str] = []
        self._type: EntityType | None = None
        self._property: dict[str, str] | None = None
        self._members: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rsplit(":", 1)[-1]
        facts = {key.rsplit(":", 1)[-1]: value for key, value in attributes.items() if "xmlns" not in key}
        self._path.append(name)
        if len(self._path) > DEEPEST:
            raise UnusableMetadataError(f"it is nested deeper than {DEEPEST}")
        self._take(name, facts)

    def end(self, tag: str) -> None:
        self._path.pop()
        name = tag.rsplit(":", 1)[-1]
        if name == "EntityType":
            self._type = None
        elif name == "Property":
            self._property = None

    def _take(self, name: str, facts: dict[str, str]) -> None:
        match name:
            case "EntityType" if "Name" in facts:
                self._type = EntityType(base=facts.get("BaseType"))
                self.types[facts["Name"]] = self._type
            case "EnumType" if "Name" in facts:
                self._members = self.enums.setdefault(facts["Name"], [])
            case "Member" if "Name" in facts:
                self._members.append(facts["Name"])
            case "EntitySet" if {"Name", "EntityType"} <= facts.keys():
                self.sets[facts["Name"]] = facts
            case "PropertyRef" if self._type is not None and "Key" in self._path and "Name" in facts:
                self._type.keys.append(facts["Name"])
            case "Property" if self._type is not None and "Name" in facts:
                self._property = facts
                self._type.properties[facts["Name"]] = facts
            case "NavigationProperty" if self._type is not None and "Name" in facts:
                self._type.navigation[facts["Name"]] = _local(facts.get("Type", facts.get("ToRole", "")))
            case "Annotation" if self._property is not None:
                if _local(facts.get("Term", "")) == "Label" and "String" in facts:
                    self._property.setdefault(_CUSTOM_LABEL, facts["String"])
            case _:
                pass


def _local(name: str) -> str:
    return name.removeprefix("Collection(").removesuffix(")").rsplit(".", 1)[-1]
