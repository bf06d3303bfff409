"""Custom objects: any object of the source as an entity whose values are all custom fields."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lineshaft.api.domain.mappings import ActiveMapping
from lineshaft.api.domain.problems import invalid
from lineshaft.api.domain.source_types import custom_type
from lineshaft.common.integrations import System
from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.unified import CUSTOM_PREFIX, is_custom

OBJECT_NAME = r"^[a-z][a-z0-9_]{0,62}$"
MOST_FIELDS = 200

_JSON_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": ["integer", "null"]},
    "decimal": {"type": ["string", "null"], "format": "decimal"},
    "boolean": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "timestamp": {"type": ["string", "null"], "format": "date-time"},
    "json": {},
}
_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch


def entity_of(name: str) -> str:
    return f"{CUSTOM_PREFIX}{name}"


def name_of(entity: str) -> str:
    return entity.removeprefix(CUSTOM_PREFIX)


def source_object(
    system: System,
    name: str,
    others: Mapping[str, MappingDefinition],
    *,
    key: Sequence[str] | None,
    cursor: str | None,
) -> SourceObject:
    """What tells records of the object apart and finds changed ones, which is one thing for all its entities.

    Args:
        system: whose object it is.
        name: the object.
        others: custom objects that are made from it already.
        key: what is asked for; None takes what there is.
        cursor: likewise.

    Raises:
        ProblemError: another key or cursor than that of the listed object or of the others.
    """
    known = system.object(name, others.values())
    if name in system.manifest.objects:
        whose = f"{system.manifest.label}'s integration"
    elif others:
        whose = " and ".join(name_of(entity) for entity in others)
    else:
        definition = MappingDefinition(key=list(key or []), cursor=cursor)
        return system.object(name, [definition])
    if key is not None and list(key) != known.key:
        raise invalid(
            "key", f"{whose} already tells records of {name} apart by {', '.join(known.key)}; leave it out"
        )
    field = known.cursor.field if known.cursor else None
    if cursor is not None and cursor != field:
        how = f"by {field}" if field else "without a cursor"
        raise invalid("cursor", f"{whose} already reads {name} {how}; leave it out")
    return known


def kept(active: ActiveMapping, system: System, body: Mapping[str, Any]) -> dict[str, Any]:
    """The changes to a custom object's mapping, with the key and the cursor that it was requested with.

    Raises:
        ProblemError: others are given, which would make other records of those that there are.
    """
    if not is_custom(active.entity):
        return dict(body)
    known = system.object(active.object, [active.effective])
    held = {"key": known.key, "cursor": known.cursor.field if known.cursor else None}
    for name, value in held.items():
        if body.get(name) and body[name] != value:
            raise invalid(name, f"stays {value!r}; to change it, remove the object and request it anew")
    return {**body, **active.effective.model_dump(include={*held}, exclude_defaults=True)}


def definition_body(
    described: Sequence[Mapping[str, Any]],
    *,
    chosen: Sequence[str] | None,
    source: SourceObject | None,
    comment: str,
) -> dict[str, Any]:
    """The overlay that makes an entity of an object: its plain fields, or those that were chosen.

    Args:
        described: the fields that the object has.
        chosen: those to take.
        source: how its records are told apart and read; None where the manifest says it.
        comment: of the version.

    Raises:
        ProblemError: a field that the object does not have, by name.
    """
    readable = {one["name"]: one for one in described if one.get("readable", True)}
    key = source.key if source else []
    cursor = source.cursor.field if source and source.cursor else None
    _require(readable, "key", key)
    _require(readable, "cursor", [cursor] if cursor else [])
    _require(readable, "fields", chosen or [])
    wanted = chosen or [name for name, one in readable.items() if one.get("stored", True)]
    body: dict[str, Any] = {
        "custom_fields": {
            _field_name(name): {
                "path": _path(name),
                "type": custom_type(str(readable[name].get("type", ""))),
                "label": str(readable[name].get("label") or name),
            }
            for name in wanted[:MOST_FIELDS]
        },
        "comment": comment,
    }
    if key and key != ["id"]:
        body["key"] = key
    if cursor:
        body["cursor"] = cursor
    return body


def json_schema(name: str, effective: MappingDefinition) -> dict[str, Any]:
    """Of one record's custom fields."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "type": "object",
        "properties": {
            field: {**_JSON_TYPES.get(spec.type, _TEXT), "title": spec.label or field}
            for field, spec in effective.custom_fields.items()
        },
    }


def _require(known: Iterable[str], field: str, names: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise invalid(field, f"there is no {name!r}; there are {', '.join(sorted(known))}")


def _field_name(name: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", name)[:60]
    return cleaned if cleaned[:1].isalpha() else f"f_{cleaned}"


def _path(name: str) -> str:
    return name if _PLAIN(name) else "'" + name.replace("'", "''") + "'"
