"""Compiles a definition once per version, so that a record costs a few function calls."""

from copy import copy
from datetime import datetime
from typing import Any, NamedTuple, Self

from lineshaft.common.mapping.checks import custom_kind, require_valid
from lineshaft.common.mapping.cleaning import clean
from lineshaft.common.mapping.coercion import Coercers
from lineshaft.common.mapping.context import MappingContext
from lineshaft.common.mapping.definition import MappingDefinition
from lineshaft.common.mapping.expressions import begin_record
from lineshaft.common.mapping.fields import FieldCompiler, MappedField, empty_document, mapped_fields
from lineshaft.common.mapping.generation import Document, Fill
from lineshaft.common.mapping.moments import zone
from lineshaft.common.mapping.plain import iso
from lineshaft.common.mapping.result import Mapped, canonical, encode, hash_of
from lineshaft.common.mapping.values import Run
from lineshaft.common.unified import CUSTOM_PREFIX, entity_id, fields_of, is_custom

DISPLAY_FIELDS = ("name", "title", "number")
"""What an unmapped or empty `display` is taken from, first come first served; else it is the source id."""

_ENVELOPE = (
    "connection_id",
    "source_id",
    "number",
    "display",
    "source_url",
    "created_at",
    "updated_at",
    "deleted_at",
    "deletion_kind",
    "custom_fields",
)


class _Fills(NamedTuple):
    fields: Fill
    empty: Document
    custom_fields: Fill
    empty_custom: Document


class CompiledMapping:
    """One definition, ready to map records. Records leave no trace in it, and threads may share it."""

    def __init__(self, entity: str, fills: _Fills, context: MappingContext) -> None:
        self.entity = entity
        self.mapping_version = context.mapping_version
        self._fill = fills.fields
        self._fill_custom = fills.custom_fields
        self._empty = _in_order(_envelope(entity) | fills.empty)
        self._empty_custom = _in_order(fills.empty_custom)

    def for_version(self, mapping_version: int) -> Self:
        """The same mapping under another version; both share all that was compiled."""
        other = copy(self)
        other.mapping_version = mapping_version
        return other

    def apply(
        self,
        connection_id: str,
        source_id: str,
        raw: dict[str, Any],
        observed_at: datetime | str,
        record_id: str | None = None,
    ) -> Mapped:
        """Maps one record; a value that does not fit leaves its field null and is told in `errors`.

        An empty `display` is taken from `DISPLAY_FIELDS`, an empty `updated_at` from `created_at`.

        Args:
            connection_id: the connection that the record was read with.
            source_id: its key in the source, see `unified.join_source_key`.
            raw: the record as the source gave it, decoded from JSON.
            observed_at: when it was read; as a string it is taken as it is, which is cheaper for a batch.
            record_id: its `unified.entity_id`, where that is known already.
        """
        begin_record()
        run = Run(connection_id)
        document = self._empty.copy()
        document["id"] = record_id or entity_id(connection_id, self.entity, source_id)
        document["connection_id"] = connection_id
        document["source_id"] = source_id
        self._fill(raw, document, run)
        custom = document["custom_fields"] = self._empty_custom.copy()
        if custom:
            self._fill_custom(raw, custom, run)
        if document["display"] is None:
            document["display"] = _display(document)
        if document["updated_at"] is None:
            document["updated_at"] = document["created_at"]
        if document["deleted_at"] is not None:
            document["deletion_kind"] = "native"
        content = encode(document)
        if content is None:
            document = clean(document)
            content = canonical(document)
        document["mapping_version"] = self.mapping_version
        document["observed_at"] = observed_at if isinstance(observed_at, str) else iso(observed_at)
        return Mapped(document, run.errors, hash_of(content), content)


def compile_mapping(
    entity: str, definition: MappingDefinition, context: MappingContext | None = None
) -> CompiledMapping:
    """Makes a definition ready to map records of `entity`, or of `custom:<object>`.

    Raises:
        MappingDefinitionError: with all that is wrong.
    """
    require_valid(entity, definition)
    context = context or MappingContext()
    compiler = FieldCompiler(Coercers(zone(definition.timezone or "UTC")), definition.value_maps)
    fields = mapped_fields(fields_of(entity), definition.fields)
    customs = [MappedField(name, custom_kind(spec), spec) for name, spec in definition.custom_fields.items()]
    fills = _Fills(
        compiler.compile(fields),
        empty_document(fields),
        compiler.compile(customs, "custom_fields."),
        empty_document(customs),
    )
    return CompiledMapping(entity, fills, context)


def _in_order(document: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(document.items()))


def _envelope(entity: str) -> dict[str, Any]:
    names: dict[str, Any] = {"id": None, "entity": entity}
    if is_custom(entity):
        names |= {"entity": "custom", "object": entity.removeprefix(CUSTOM_PREFIX)}
    return names | dict.fromkeys(_ENVELOPE)


def _display(document: dict[str, Any]) -> str:
    for name in DISPLAY_FIELDS:
        if value := document.get(name):
            return str(value)
    return str(document["source_id"])
