"""A write and what is known of it: whether it may have been made, and how its record is found again."""

import re
from collections.abc import Mapping
from typing import Any

from lineshaft.common import exact_json
from lineshaft.common.events.commands import WriteRequested
from lineshaft.common.ids import derived_id
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.common.unified import join_source_key, split_source_key
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.protocol import ObjectDescription, WriteOperation

_SERVER_FAULT = 500
_SILENT = {Rung.TIMEOUT, Rung.HTTP}


def may_have_been_made(evidence: Evidence) -> bool:
    """Whether the source may have changed although it did not say so."""
    if evidence.operation is Operation.LOGIN:
        return False
    if evidence.outcome is Outcome.UNREACHABLE:
        return evidence.rung in _SILENT
    if evidence.outcome is Outcome.SOURCE_ERROR:
        return evidence.code == "unusable_answer" or (evidence.http_status or 0) >= _SERVER_FAULT
    return False


def with_reference(command: WriteRequested, listed: SourceObject) -> dict[str, Any]:
    """The values to write; a new record bears our reference where the customer gave none."""
    values = dict(command.values)
    reference = listed.write.reference
    if command.operation == WriteOperation.CREATE and reference and not values.get(reference):
        values[reference] = command.command_id
    return values


def identity(command: WriteRequested, listed: SourceObject) -> dict[str, Any] | None:
    """What finds the record of a write, whose creation got no answer too; None where nothing does."""
    if command.source_id:
        return key_of(listed, command.source_id)
    values = with_reference(command, listed)
    if all(values.get(name) is not None for name in listed.key):
        return {name: values[name] for name in listed.key}
    names = [*([listed.write.reference] if listed.write.reference else []), *listed.write.unique]
    return next(({name: values[name]} for name in names if values.get(name)), None)


def record_of(command: WriteRequested) -> str:
    """Names the record of a write; a creation sent again is of the same one."""
    return command.source_id or derived_id("new", *sorted(map(str, command.values.items())))


def key_of(listed: SourceObject, source_id: str) -> dict[str, Any]:
    return dict(zip(listed.key, split_source_key(source_id, len(listed.key)), strict=True))


def source_id_of(listed: SourceObject, record: bytes) -> str:
    found = exact_json.decode(record)
    return join_source_key([found[name] for name in listed.key])


_NAMES = re.compile(r"""["'“«`](.+?)["'”»`]|\(([^()]+)\)=""")


def named_field(message: str, description: ObjectDescription) -> str | None:
    """The field whose name or label the source's message quotes."""
    quoted = [first or second for first, second in _NAMES.findall(message)]
    by_name = {field.name: field.name for field in description.fields}
    by_label = {field.label: field.name for field in description.fields}
    return next((found for name in quoted if (found := by_name.get(name) or by_label.get(name))), None)


def holds(record: bytes, values: Mapping[str, Any]) -> bool:
    """Whether a found record can be the one that was written; texts and whole numbers tell."""
    found = exact_json.decode(record)
    return all(
        str(found.get(name)) == str(value)
        for name, value in values.items()
        if name in found
        and isinstance(value, str | int)
        and not isinstance(value, bool)
        # a number or a moment as text is one thing written in many ways
        and isinstance(found[name], type(value))
    )
