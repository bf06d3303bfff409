"""Numbers, exactly: nothing passes through a binary float that the source did not send as one."""

import re
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from lineshaft.common.mapping.errors import CoercionError, sample
from lineshaft.common.mapping.plain import untag

MAX_DIGITS = 40
"""Before the point."""
MAX_PLACES = 60
"""Behind the point."""
EXACT = Context(prec=2 * (MAX_DIGITS + MAX_PLACES + 1))
"""Calculates with every digit of two such numbers; Python's own context keeps 28."""
MAX_INTEGER = 2**63 - 1

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,27})(?:\.[0-9]{1,15})?").fullmatch
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,19}\s*").fullmatch


def parse_decimal(value: Any) -> Decimal:
    """A finite decimal with at most `MAX_DIGITS` before and `MAX_PLACES` behind the point.

    A JSON number with a fraction counts as the digits it is written with.

    Raises:
        CoercionError: not such a number; booleans are none.
    """
    if isinstance(value, dict):
        value = untag(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise CoercionError("not a number")
    try:
        number = value if isinstance(value, Decimal) else Decimal(_digits(value))
    except InvalidOperation:
        raise CoercionError(f"{sample(value)!r} is not a number") from None
    if not number.is_finite():
        raise CoercionError("not a finite number")
    exponent = number.as_tuple().exponent
    if number.adjusted() >= MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_PLACES):
        raise CoercionError(f"more than {MAX_DIGITS} digits before or {MAX_PLACES} behind the point")
    return number


def _digits(value: str | float) -> str:
    if isinstance(value, str):
        if len(value) > MAX_DIGITS + MAX_PLACES + 8 or "_" in value:
            raise CoercionError(f"{sample(value)!r} is not a number")
        return value.strip()
    return repr(value)


def to_decimal(value: Any) -> str:
    """The decimal as a string without an exponent, with the scale that the source wrote."""
    if type(value) is str and _PLAIN(value):
        return value
    if type(value) is dict:
        tagged = value.get("decimal")
        if type(tagged) is str and _PLAIN(tagged):
            return tagged
    if type(value) is float and _PLAIN(digits := repr(value)):
        return digits
    return format(parse_decimal(value), "f")


def rounded(number: Decimal, places: int) -> Decimal:
    return EXACT.quantize(number, Decimal(1).scaleb(-places))


def to_integer(value: Any) -> int:
    """A whole number that fits into 64 bits; `10.0` is one, `10.5` is none."""
    if type(value) is int:
        number = value
    elif type(value) is str and _WHOLE(value):
        number = int(value)
    else:
        exact = parse_decimal(value)
        if exact != exact.to_integral_value():
            raise CoercionError(f"{sample(value)!r} is not a whole number")
        number = int(exact)
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise CoercionError("does not fit into 64 bits")
    return number
