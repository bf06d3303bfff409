"""The mapping of one entity of one connection: the default, the customer's changes, and the two together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.domain.problems import FieldProblem, ProblemCode, ProblemError, problem
from lineshaft.common.mapping import (
    DefinitionIssue,
    MappingDefinition,
    MappingDefinitionError,
    MappingOverlay,
    overlay,
    require_valid,
)

DEFAULT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ActiveMapping:
    """Version 1 is the system's default, which nobody wrote."""

    connection_id: str
    system: str
    entity: str
    object: str
    version: int
    default: MappingDefinition
    overlay: dict[str, Any]
    effective: MappingDefinition
    comment: str
    updated_at: datetime | None
    updated_by: str

    def shown(self) -> dict[str, Any]:
        return {
            "entity": self.entity,
            "object": self.object,
            "version": self.version,
            "default": self.default.dump(),
            "overlay": self.overlay,
            "effective": self.effective.dump(),
            "comment": self.comment,
            "updated_at": self.updated_at,
            "updated_by": self.updated_by,
        }


def changed(
    entity: str, default: MappingDefinition, body: dict[str, Any]
) -> tuple[MappingOverlay, MappingDefinition]:
    """The changes and the effective definition.

    Raises:
        ProblemError: naming each field that is wrong, and how to mend it.
    """
    try:
        changes = MappingOverlay.parse(body)
        effective = overlay(default, changes)
        require_valid(entity, effective)
    except MappingDefinitionError as error:
        raise refused(error.issues) from None
    return changes, effective


def difference(before: MappingDefinition, after: MappingDefinition) -> dict[str, dict[str, Any]]:
    """What of a definition differs, as `fields.name`, `custom_fields.x` or `value_maps.m.code`."""
    old, new = _parts(before), _parts(after)
    return {
        name: {"before": old.get(name), "after": new.get(name)}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    }


def _parts(definition: MappingDefinition) -> dict[str, Any]:
    body = definition.dump()
    parts = {
        f"{kind}.{name}": spec
        for kind in ("fields", "custom_fields")
        for name, spec in body.get(kind, {}).items()
    }
    for name, codes in body.get("value_maps", {}).items():
        parts |= {f"value_maps.{name}.{code}": value for code, value in codes.items()}
    return parts


def refused(issues: tuple[DefinitionIssue, ...]) -> ProblemError:
    errors = [FieldProblem(issue.field, issue.message, issue.code) for issue in issues]
    return problem(
        ProblemCode.VALIDATION_FAILED, "; ".join(str(issue) for issue in issues[:3]), errors=errors
    )
