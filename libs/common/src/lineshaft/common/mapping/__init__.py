"""The mapping engine: from source records to unified entities and back, without any I/O."""

from lineshaft.common.mapping.checks import check, require_valid
from lineshaft.common.mapping.compiler import CompiledMapping, compile_mapping
from lineshaft.common.mapping.context import MappingContext
from lineshaft.common.mapping.definition import (
    CustomFieldSpec,
    FieldSpec,
    MappingDefinition,
    MappingOverlay,
    overlay,
)
from lineshaft.common.mapping.errors import (
    DefinitionIssue,
    FieldError,
    MappingDefinitionError,
    NotWritableError,
    WriteIssue,
)
from lineshaft.common.mapping.lineage import Origin, lineage
from lineshaft.common.mapping.preview import Change, Preview, RecordPreview, preview, preview_record
from lineshaft.common.mapping.result import Mapped, content_hash
from lineshaft.common.mapping.reverse import WriteContext, source_keys, source_kinds, to_source, writability
from lineshaft.common.mapping.sources import field_sources, source_paths

__all__ = [
    "Change",
    "CompiledMapping",
    "CustomFieldSpec",
    "DefinitionIssue",
    "FieldError",
    "FieldSpec",
    "Mapped",
    "MappingContext",
    "MappingDefinition",
    "MappingDefinitionError",
    "MappingOverlay",
    "NotWritableError",
    "Origin",
    "Preview",
    "RecordPreview",
    "WriteContext",
    "WriteIssue",
    "check",
    "compile_mapping",
    "content_hash",
    "field_sources",
    "lineage",
    "overlay",
    "preview",
    "preview_record",
    "require_valid",
    "source_keys",
    "source_kinds",
    "source_paths",
    "to_source",
    "writability",
]
