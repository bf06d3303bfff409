"""Values as Tryton's JSON-RPC takes them, by the type of each field (trytond 8.2, protocols/jsonrpc.py)."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

FieldsOf = Callable[[str], Awaitable[Mapping[str, Mapping[str, Any]]]]
"""The answer of `fields_get` for a model."""
Find = Callable[[str, str, Any], Awaitable[int]]
"""The one record of a model that holds this value in this field."""


async def to_tryton(model: str, values: Mapping[str, Any], fields_of: FieldsOf, find: Find) -> dict[str, Any]:
    """`values` with moments, days, numbers, lines and look-ups in Tryton's form.

    `unit.symbol` sets `unit` to the record with that symbol. Of a list, an object with an id is changed and
    one without is added; what is not named stays.
    """
    fields = await fields_of(model)
    written: dict[str, Any] = {}
    for name, value in values.items():
        own, _, beyond = name.partition(".")
        facts = fields.get(own, {})
        if beyond:
            written[own] = None if value is None else await find(str(facts["relation"]), beyond, value)
        elif facts.get("type") == "one2many" and isinstance(value, list):
            written[own] = await _lines(str(facts["relation"]), value, fields_of, find)
        else:
            written[own] = _plain(facts.get("type"), value)
    return written


async def _lines(model: str, lines: list[dict[str, Any]], fields_of: FieldsOf, find: Find) -> list[list[Any]]:
    new, changes = [], []
    for line in lines:
        values = await to_tryton(model, {k: v for k, v in line.items() if k != "id"}, fields_of, find)
        if line.get("id") is None:
            new.append(values)
        else:
            changes += [[int(line["id"])], values]
    return [*([["create", new]] if new else []), *([["write", *changes]] if changes else [])]


def _plain(kind: Any, value: Any) -> Any:
    convert = _CONVERSIONS.get(kind)
    return value if value is None or isinstance(value, bool) or convert is None else convert(value)


def _day(value: Any) -> dict[str, Any]:
    day = date.fromisoformat(str(value)[:10])
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def _moment(value: Any) -> dict[str, Any]:
    """Tryton keeps moments in UTC without saying so."""
    moment = datetime.fromisoformat(str(value))
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(moment, name) for name in names}}


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "numeric": lambda value: {"__class__": "Decimal", "decimal": str(value)},
    "float": float,
    "integer": int,
    "many2one": int,
    "date": _day,
    "datetime": _moment,
    "timestamp": _moment,
    "boolean": lambda value: value in {"true", "1", 1},
}
