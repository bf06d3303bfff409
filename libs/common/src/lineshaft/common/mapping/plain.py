"""Tagged values, which some sources send for what JSON lacks, as plain ones.

Tryton tags them as `{"__class__": "Decimal", "decimal": "0.01"}` (trytond/protocols/jsonrpc.py).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from lineshaft.common.mapping.errors import CoercionError

TAG = "__class__"
MAX_DEPTH = 60


def _datetime(value: dict[str, Any]) -> datetime:
    # Tryton keeps its moments in UTC and sends them without a zone.
    return datetime(
        value["year"],
        value["month"],
        value["day"],
        value.get("hour", 0),
        value.get("minute", 0),
        value.get("second", 0),
        value.get("microsecond", 0),
        tzinfo=UTC,
    )


def _time(value: dict[str, Any]) -> time:
    # A time of day has no zone.
    return time(value["hour"], value["minute"], value.get("second", 0), value.get("microsecond", 0))


_UNTAG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "datetime": _datetime,
    "date": lambda value: date(value["year"], value["month"], value["day"]),
    "time": _time,
    "timedelta": lambda value: Decimal(repr(value["seconds"])),
    "Decimal": lambda value: Decimal(value["decimal"]),
    "bytes": lambda value: value["base64"],
}


def untag(value: dict[str, Any]) -> Any:
    """The value inside a tagged object; an object without a known tag comes back as it is.

    A duration becomes its seconds, bytes become base64 text.

    Raises:
        CoercionError: the tag is known and the rest does not fit it.
    """
    convert = _UNTAG.get(value.get(TAG, ""))
    if convert is None:
        return value
    try:
        return convert(value)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise CoercionError(f"not a valid {value[TAG]}: {error}") from error


def iso(moment: datetime) -> str:
    """An aware moment in UTC, e.g. `2026-03-01T06:30:00Z`; microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat()[:-6] + "Z"


def to_json(value: Any, depth: int = 0) -> Any:
    """`value` without tags and with JSON types only: exact decimals and moments become strings.

    Keys come out in alphabetical order, so that equal values have equal JSON.

    Raises:
        CoercionError: nested deeper than `MAX_DEPTH`.
    """
    if value is None or isinstance(value, (str, int, float)):
        return value
    if depth > MAX_DEPTH:
        raise CoercionError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        if TAG in value:
            value = untag(value)
            if not isinstance(value, dict):
                return to_json(value, depth + 1)
        return {str(key): to_json(value[key], depth + 1) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [to_json(item, depth + 1) for item in value]
    return _scalar_to_json(value)


def _scalar_to_json(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value) if value.tzinfo else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)


def to_expression_value(value: Any, depth: int = 0) -> Any:
    """`value` as expressions see it: like `to_json`, but decimals stay exact numbers."""
    if value is None or isinstance(value, (str, int, float, Decimal)):
        return value
    if depth > MAX_DEPTH:
        raise CoercionError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        if TAG in value:
            value = untag(value)
            if not isinstance(value, dict):
                return to_expression_value(value, depth + 1)
        return {str(key): to_expression_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_expression_value(item, depth + 1) for item in value]
    return _scalar_to_json(value)
