"""Odoo's records and fields in the form that mappings read.

A related record comes as `[5, "ACME"]`. It becomes `5` under its own name, so that it is written as it is
read, and `{"id": 5, "display_name": "ACME"}` under the name with a dot, where a path like
`partner_id.display_name` finds it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lineshaft.common import exact_json
from lineshaft.connector.domain.codes import listed_codes
from lineshaft.connector.domain.protocol import FieldDescription, ObjectDescription

_NEVER_PLAIN = frozenset({"binary", "one2many", "many2many", "html"})
_PAIR = 2


def records_of(rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    return [exact_json.encode(plain(row)) for row in rows]


def to_odoo(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values to write: null is `false`, and lines take the place of those that are there."""
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    if value is None:
        return False
    if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        return [[5], *([0, 0, to_odoo(item)] for item in value)]
    return value


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """With related records in the form that mappings read."""
    record: dict[str, Any] = {}
    for name, value in row.items():
        if _is_related(value):
            record[name] = value[0]
            record[f"{name}."] = {"id": value[0], "display_name": value[1]}
        else:
            record[name] = value
    return record


def _is_related(value: Any) -> bool:
    """Lists of keys hold numbers only."""
    return isinstance(value, list) and len(value) == _PAIR and isinstance(value[1], str)


def described(name: str, fields: Mapping[str, Mapping[str, Any]]) -> ObjectDescription:
    """From the answer of `fields_get`, which leaves out what the account may not see."""
    return ObjectDescription(
        name=name,
        label=name,
        fields=tuple(
            FieldDescription(
                name=field,
                type=str(facts.get("type", "")),
                label=str(facts.get("string") or field),
                required=bool(facts.get("required")),
                readonly=bool(facts.get("readonly")),
                relation=facts.get("relation") or None,
                stored=bool(facts.get("store")) and facts.get("type") not in _NEVER_PLAIN,
                codes=listed_codes(facts.get("selection")) if facts.get("type") == "selection" else {},
                custom=bool(facts.get("manual")),
            )
            for field, facts in fields.items()
        ),
    )
