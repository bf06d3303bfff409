"""A mapping definition: how the fields of one entity come from a source record.

```yaml
fields:
  name: rec_name                                    # short for {path: rec_name}
  status: {path: state, value_map: asset_status, label_path: state.rec_name}
  criticality: {expr: "x_abc || 'none'"}
  vendor: {path: party, label_path: party.rec_name}  # a reference: the path gives the key of its target
  total: {path: total_amount, currency_path: currency.code}
  lines: {path: lines, items: {description: summary, quantity: quantity}}
custom_fields:
  sap_class: {path: x_class, type: string, label: Class}
value_maps:
  asset_status: {"30": in_service, "*": out_of_service}   # * takes every code that has no line
```
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
)

from lineshaft.common.mapping.errors import DefinitionIssue, MappingDefinitionError
from lineshaft.common.mapping.moments import zone

OTHER_CODES = "*"

CustomFieldType = Literal[
    "string", "text", "integer", "decimal", "boolean", "date", "timestamp", "money", "quantity", "json"
]

MAX_FIELDS = 300
MAX_CODES = 2_000
CUSTOM_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}").fullmatch


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class FieldSpec(_Part):
    """Where one unified field comes from; exactly one of `path`, `const` and `expr` is given."""

    path: str | None = None
    """A place in the source record."""
    const: JsonValue = None
    """The same value for each record."""
    expr: str | None = None
    """A JMESPath expression over the source record."""
    transform: list[str] = []
    """Named transforms, applied in order."""
    value_map: str | None = None
    """The value map that turns the source's codes into unified values."""
    default: JsonValue = None
    """Stands in where the source has no value; never for a value that does not fit."""
    label_path: str | None = None
    """The human label: of the code of an enumeration, or of the target of a reference."""
    currency: str | None = None
    currency_path: str | None = None
    uom: str | None = None
    uom_path: str | None = None
    entity: str | None = None
    """The target of a reference that may point to any entity."""
    items: "dict[str, FieldMapping] | None" = None
    """The fields of each object of a list, with paths from that object."""

    @property
    def has_const(self) -> bool:
        return "const" in self.model_fields_set


class CustomFieldSpec(FieldSpec):
    """Where a custom field comes from, and what it is."""

    type: CustomFieldType = "string"
    label: str | None = None


def _expand(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


def _code(value: Any) -> Any:
    # YAML reads bare codes such as 30 or yes as numbers and booleans.
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def _expand_codes(value: Any) -> Any:
    return {_code(key): item for key, item in value.items()} if isinstance(value, Mapping) else value


FieldMapping = Annotated[FieldSpec, BeforeValidator(_expand, json_schema_input_type=str | FieldSpec)]
CustomFieldMapping = Annotated[
    CustomFieldSpec, BeforeValidator(_expand, json_schema_input_type=str | CustomFieldSpec)
]
ValueMap = Annotated[dict[str, JsonValue], BeforeValidator(_expand_codes)]


class _Body(_Part):
    comment: str | None = Field(default=None, max_length=2_000)
    timezone: str | None = Field(default=None, max_length=100)
    """IANA name of the zone of times that the source sends without one; UTC where none is given."""
    key: list[str] = Field(default=[], max_length=10)
    """Of a custom object: the source fields that identify a record; `id` where none is given."""
    cursor: str | None = None
    """Of a custom object: the source field that tells when a record was changed."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None:
            zone(name)
        return name

    @classmethod
    def parse(cls, body: object) -> Self:
        """From the JSON or YAML form.

        Raises:
            MappingDefinitionError: with one issue for each wrong part.
        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise MappingDefinitionError(_issues(error)) from error

    def dump(self) -> dict[str, Any]:
        """The JSON form, without what was not given."""
        return self.model_dump(mode="json", exclude_unset=True)


class MappingDefinition(_Body):
    """A complete mapping of one entity."""

    fields: dict[str, FieldMapping] = Field(default={}, max_length=MAX_FIELDS)
    custom_fields: dict[str, CustomFieldMapping] = Field(default={}, max_length=MAX_FIELDS)
    value_maps: dict[str, ValueMap] = {}


class MappingOverlay(_Body):
    """Changes to a definition; null removes a field, a custom field, a value map or a code."""

    fields: dict[str, FieldMapping | None] = Field(default={}, max_length=MAX_FIELDS)
    custom_fields: dict[str, CustomFieldMapping | None] = Field(default={}, max_length=MAX_FIELDS)
    value_maps: dict[str, ValueMap | None] = {}


def overlay(default: MappingDefinition, changes: MappingOverlay) -> MappingDefinition:
    """`default` with `changes` laid over it: fields are replaced one by one, value maps code by code.

    Raises:
        MappingDefinitionError: together they are too many fields.
    """
    value_maps = dict(default.value_maps)
    for name, codes in changes.value_maps.items():
        if codes is None:
            value_maps.pop(name, None)
            continue
        merged = {**value_maps.get(name, {}), **codes}
        value_maps[name] = {code: value for code, value in merged.items() if value is not None}
    return MappingDefinition.parse(
        {
            "fields": _laid_over(default.fields, changes.fields),
            "custom_fields": _laid_over(default.custom_fields, changes.custom_fields),
            "value_maps": value_maps,
            "comment": changes.comment,
            **_zone(changes.timezone or default.timezone),
            **_of_custom_object(default) | _of_custom_object(changes),
        }
    )


def _zone(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"timezone": name}


def _of_custom_object(body: _Body) -> dict[str, Any]:
    return body.model_dump(include={"key", "cursor"}, exclude_defaults=True)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    return {name: spec for name, spec in {**below, **above}.items() if spec is not None}


def _issues(error: ValidationError) -> list[DefinitionIssue]:
    issues = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in one["loc"]) or "definition"
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            allowed = ", ".join(
                CustomFieldSpec.model_fields if "custom_fields" in place else FieldSpec.model_fields
            )
            message = f"is not known here; a field takes {allowed}"
        issues.append(DefinitionIssue(place, "invalid", message))
    return issues
