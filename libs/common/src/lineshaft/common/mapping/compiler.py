"""Compiles a definition once per version, so that a record costs a few function calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xxhash import xxh3_128_hexdigest

from lineshaft.common.mapping.checks import custom_kind, require_valid
from lineshaft.common.mapping.cleaning import clean
from lineshaft.common.mapping.coercion import Coercers
from lineshaft.common.mapping.context import MappingContext
from lineshaft.common.mapping.definition import MappingDefinition
from lineshaft.common.mapping.fields import FieldCompiler, Fill, document_keys
from lineshaft.common.mapping.moments import zone
from lineshaft.common.mapping.plain import iso
from lineshaft.common.mapping.result import Mapped, canonical, encode, hash_of
from lineshaft.common.mapping.values import Run
from lineshaft.common.unified import CUSTOM_PREFIX, fields_of, is_custom

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


class CompiledMapping:
    """One definition, ready to map records. Records leave no trace in it, and threads may share it."""

    def __init__(self, entity: str, parts: "_Parts", context: MappingContext) -> None:
        self.entity = entity
        self.mapping_version = context.mapping_version
        self._fills = tuple(parts.fills)
        self._custom_fills = tuple(parts.custom_fills)
        self._empty = _envelope(entity) | dict.fromkeys(parts.keys)
        self._empty_custom: dict[str, Any] = dict.fromkeys(parts.custom_keys)

    def apply(
        self, connection_id: str, source_id: str, raw: dict[str, Any], observed_at: datetime | str
    ) -> Mapped:
        """Maps one record; a value that does not fit leaves its field null and is told in `errors`.

        An empty `display` is taken from `DISPLAY_FIELDS`, an empty `updated_at` from `created_at`.

        Args:
            connection_id: the connection that the record was read with.
            source_id: its key in the source, see `unified.join_source_key`.
            raw: the record as the source gave it, decoded from JSON.
            observed_at: when it was read; as a string it is taken as it is, which is cheaper for a batch.
        """
        run = Run(connection_id)
        document = self._empty.copy()
        document["id"] = xxh3_128_hexdigest(f"{connection_id}\0{self.entity}\0{source_id}".encode())
        document["connection_id"] = connection_id
        document["source_id"] = source_id
        for fill in self._fills:
            fill(raw, document, run)
        custom = self._empty_custom.copy()
        for fill in self._custom_fills:
            fill(raw, custom, run)
        document["custom_fields"] = custom
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


@dataclass(frozen=True, slots=True)
class _Parts:
    fills: Sequence[Fill]
    keys: Sequence[str]
    custom_fills: Sequence[Fill]
    custom_keys: Sequence[str]


def compile_mapping(
    entity: str, definition: MappingDefinition, context: MappingContext | None = None
) -> CompiledMapping:
    """Makes a definition ready to map records of `entity`, or of `custom:<object>`.

    Raises:
        MappingDefinitionError: with all that is wrong.
        ValueError: the context has an unknown time zone.
    """
    require_valid(entity, definition)
    context = context or MappingContext()
    compiler = FieldCompiler(Coercers(zone(context.timezone)), definition.value_maps)
    mapped = [
        (field, definition.fields[name])
        for name, field in fields_of(entity).items()
        if name in definition.fields
    ]
    customs = definition.custom_fields.items()
    parts = _Parts(
        fills=[compiler.compile(field.name, field.kind, spec) for field, spec in mapped],
        keys=[key for field, _ in mapped for key in document_keys(field.name, field.kind)],
        custom_fills=[
            compiler.compile(name, custom_kind(spec), spec, "custom_fields.") for name, spec in customs
        ],
        custom_keys=[name for name, _ in customs],
    )
    return CompiledMapping(entity, parts, context)


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
