"""Strings, codes and booleans."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lineshaft.common.mapping.errors import CoercionError, sample
from lineshaft.common.mapping.plain import TAG, to_json

_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "x", "on"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "off"), False),
}


def to_string(value: Any) -> str:
    """Text as it is, leading zeros included; a number as it is written, a boolean as `true` or `false`."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict) and TAG in value:
        return to_string(to_json(value))
    if isinstance(value, dict):
        raise CoercionError("an object, not a text: give the path of a value inside it")
    if isinstance(value, list):
        raise CoercionError("a list, not a text: give a position, or an expression that joins it")
    return str(value)


def to_boolean(value: Any) -> bool:
    """True and false, 1 and 0, and the usual words; an ABAP `X` is true."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        known = _BOOLEANS.get(value.strip().lower())
        if known is not None:
            return known
    raise CoercionError(f"{sample(value)!r} is neither true nor false")
