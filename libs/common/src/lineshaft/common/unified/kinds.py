"""What kind of value a unified field holds, read off the entity models."""

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, JsonValue
from pydantic.fields import FieldInfo

from lineshaft.common.unified.entity import ASSIGNED_FIELDS
from lineshaft.common.unified.values import (
    AnyReference,
    Code,
    Money,
    Multiline,
    Quantity,
    Reference,
    RefersTo,
)


class Kind(StrEnum):
    STRING = "string"
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    ENUMERATION = "enumeration"
    CODE = "code"
    MONEY = "money"
    QUANTITY = "quantity"
    REFERENCE = "reference"
    LIST = "list"
    OBJECT = "object"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class FieldKind:
    """A kind with what it needs to be complete: values, target entity, items or fields."""

    kind: Kind
    values: tuple[str, ...] = ()
    """The allowed values of an enumeration."""
    entity: str | None = None
    """The target of a reference; null where each mapping names it."""
    item: "FieldKind | None" = None
    """The kind of a list's items."""
    fields: "Mapping[str, UnifiedField]" = field(default_factory=dict)
    """The fields of an object."""

    def __str__(self) -> str:
        if self.kind is Kind.REFERENCE:
            return f"reference to {self.entity or 'any entity'}"
        if self.kind is Kind.LIST and self.item is not None:
            return f"list of {self.item}"
        return self.kind.value


@dataclass(frozen=True, slots=True)
class UnifiedField:
    name: str
    kind: FieldKind
    description: str = ""
    assigned: bool = False
    """Filled by Lineshaft, so a mapping cannot set it."""
    source_of: str | None = None
    """The enumeration whose raw code this field keeps; it is filled together with that one."""

    @property
    def mappable(self) -> bool:
        return not self.assigned and self.source_of is None


_SIMPLE: Mapping[object, Kind] = {
    str: Kind.STRING,
    int: Kind.INTEGER,
    Decimal: Kind.DECIMAL,
    bool: Kind.BOOLEAN,
    date: Kind.DATE,
    datetime: Kind.TIMESTAMP,
    AwareDatetime: Kind.TIMESTAMP,
    Code: Kind.CODE,
    Money: Kind.MONEY,
    Quantity: Kind.QUANTITY,
    AnyReference: Kind.REFERENCE,
    Reference: Kind.REFERENCE,
}


def fields_of_model(model: type[BaseModel]) -> dict[str, UnifiedField]:
    """The fields of an entity or of an object inside one, in their order."""
    described = {
        name: UnifiedField(
            name=name,
            kind=_kind_of_field(info),
            description=info.description or "",
            assigned=name in ASSIGNED_FIELDS and _is_entity(model),
        )
        for name, info in model.model_fields.items()
    }
    for name, one in described.items():
        sibling = described.get(f"{name}_source")
        if sibling is not None and one.kind.kind is Kind.ENUMERATION:
            described[sibling.name] = UnifiedField(
                sibling.name, sibling.kind, sibling.description, source_of=name
            )
    return described


def _is_entity(model: type[BaseModel]) -> bool:
    return "connection_id" in model.model_fields


def _kind_of_field(info: FieldInfo) -> FieldKind:
    annotation: Any = info.annotation
    for extra in info.metadata:
        annotation = Annotated[annotation, extra]
    return _kind_of(annotation)


def _kind_of(annotation: Any) -> FieldKind:
    # JsonValue is a recursive alias: it is known by identity and never taken apart.
    if annotation is JsonValue:
        return FieldKind(Kind.JSON)
    if annotation in _SIMPLE:
        return FieldKind(_SIMPLE[annotation])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind_of_annotated(arguments[0], arguments[1:])
    if origin is Union or origin is types.UnionType:
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _kind_of(inner)
    return _kind_of_generic(annotation, origin, arguments)


def _kind_of_generic(annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> FieldKind:
    if origin is Literal:
        return FieldKind(Kind.ENUMERATION, values=arguments)
    if origin is list:
        return FieldKind(Kind.LIST, item=_kind_of(arguments[0]))
    if origin is dict:
        return FieldKind(Kind.JSON)
    return FieldKind(Kind.OBJECT, fields=fields_of_model(annotation))


def _kind_of_annotated(inner: Any, extras: tuple[Any, ...]) -> FieldKind:
    for extra in extras:
        if isinstance(extra, RefersTo):
            return FieldKind(Kind.REFERENCE, entity=extra.entity)
        if isinstance(extra, Multiline):
            return FieldKind(Kind.TEXT)
    return _kind_of(inner)
