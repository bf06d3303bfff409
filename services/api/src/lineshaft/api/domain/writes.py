"""Writes through the unified model: to the source's fields, and the source's answer back."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import orjson

from lineshaft.api.domain.problems import (
    FieldProblem,
    ProblemCode,
    ProblemError,
    problem,
)
from lineshaft.api.domain.usability import pause
from lineshaft.common import exact_json
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.integrations import System
from lineshaft.common.mapping import (
    MappingDefinition,
    NotWritableError,
    WriteContext,
    to_source,
)
from lineshaft.common.outcomes import Outcome

Operation = Literal["create", "update", "delete"]
CUSTOM = "custom_fields"


def write_context(system: System, entity: str) -> WriteContext:
    source = system.object(system.object_of(entity))
    return WriteContext(
        key_types=system.key_types(),
        read_only=frozenset(source.write.read_only),
        found_by=frozenset((*source.write.found_by, *source.write.names)),
    )


def source_values(
    system: System,
    entity: str,
    definition: MappingDefinition,
    values: Mapping[str, Any],
    *,
    operation: Operation,
    connection_id: str,
) -> tuple[dict[str, Any], dict[str, str]]:
    """The source's fields, and which unified field each of them comes from.

    Raises:
        ProblemError: the system does not take such writes, or a field has no way to the source.
    """
    write = system.object(system.object_of(entity)).write
    if not getattr(write, operation):
        raise problem(
            ProblemCode.NOT_SUPPORTED,
            f"{system.manifest.label} lets no {entity.replace('_', ' ')} be {operation}d from outside.",
            connection_id=connection_id,
        )
    if operation == "delete":
        return {}, {}
    context = write_context(system, entity)
    try:
        written = to_source(entity, definition, values, context)
        origins = {
            source_field: name
            for name, alone in _one_by_one(values)
            for source_field in to_source(entity, definition, alone, context)
        }
    except NotWritableError as error:
        raise problem(
            ProblemCode.VALIDATION_FAILED,
            "; ".join(str(issue) for issue in error.issues[:3]),
            connection_id=connection_id,
            errors=[FieldProblem(issue.field, issue.message, issue.code) for issue in error.issues],
        ) from None
    if not written:
        raise problem(
            ProblemCode.VALIDATION_FAILED, "Give at least one field to write.", connection_id=connection_id
        )
    return written, origins


def _one_by_one(values: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each field by its name, and as a write of it alone."""
    for name, value in values.items():
        if name == CUSTOM:
            yield from ((f"{CUSTOM}.{one}", {CUSTOM: {one: it}}) for one, it in (value or {}).items())
        else:
            yield name, {name: value}


def request_hash(*parts: object) -> str:
    """Tells whether an idempotency key is used for the same request again."""
    return hashlib.sha256(exact_json.encode(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


_SOURCE_REFUSED = {Outcome.PERMISSION_DENIED, Outcome.CONFIGURATION_ERROR, Outcome.INVALID_REQUEST}
_SOURCE_AWAY = {Outcome.UNREACHABLE, Outcome.SOURCE_ERROR}
_KNOWN_CODES = {code.value for code in ProblemCode}


def refusal(
    told: CommandProblem, *, connection_id: str | None, origins: Mapping[str, str], now: datetime
) -> ProblemError:
    """The source's own reason, with its field named as in the unified model."""
    outcome = told.outcome or next((one for one in Outcome if one == told.code), None)
    errors = []
    if told.field is not None:
        errors = [FieldProblem(origins.get(told.field, told.field), told.message, source_field=told.field)]
    retry = {"Retry-After": str(pause(told.retry_at, now))}
    if outcome in {Outcome.CREDENTIALS_REJECTED, Outcome.ACCOUNT_MISMATCH}:
        return problem(ProblemCode.REAUTHORIZATION_REQUIRED, told.message, connection_id=connection_id)
    if outcome is Outcome.RATE_LIMITED:
        return problem(ProblemCode.RATE_LIMITED, told.message, connection_id=connection_id, headers=retry)
    if outcome in _SOURCE_AWAY:
        return problem(
            ProblemCode.CONNECTION_UNAVAILABLE, told.message, connection_id=connection_id, headers=retry
        )
    if outcome in _SOURCE_REFUSED or told.code not in _KNOWN_CODES:
        return problem(ProblemCode.SOURCE_REJECTED, told.message, connection_id=connection_id, errors=errors)
    code = ProblemCode(told.code)
    headers = retry if code is ProblemCode.CONNECTION_UNAVAILABLE else None
    return problem(code, told.message, connection_id=connection_id, errors=errors, headers=headers)
