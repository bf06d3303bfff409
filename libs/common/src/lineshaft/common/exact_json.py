"""JSON whose numbers keep all of their digits, however many a source wrote."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial
from math import isinf
from typing import Any

import msgspec
import orjson

SHORT = 16
"""So many characters hold at most the 15 digits that any float gives back."""
LONG = 16_000
"""More digits, with the noughts of the smallest exponent, and Postgres holds no such number."""
_LARGEST = 2**63 - 1
"""What orjson encodes at least, with either sign."""


def number(digits: str) -> float | Decimal:
    """The float whose own digits are this number; a `Decimal` where there is none.

    Raises:
        ValueError: no number, or one beyond the range of a float or of Postgres.
    """
    value = float(digits)
    if len(digits) <= SHORT and "e" not in digits and "E" not in digits:
        return value
    try:
        exact = Decimal(digits)
    except InvalidOperation:
        raise ValueError(f"number out of range: {digits[:SHORT]}") from None
    if isinf(value) or len(digits) > LONG or (value == 0 and (exact != 0 or exact.adjusted() < -LONG)):
        raise ValueError(f"number out of range: {digits[:SHORT]}")
    return value if Decimal(repr(value)) == exact else exact


_decode = msgspec.json.Decoder(float_hook=number).decode


def decode(content: bytes | str | msgspec.Raw) -> Any:
    """A whole number comes as an `int` of any length, another as `number` gives it.

    Raises:
        ValueError: no JSON, or a number out of range.
    """
    try:
        return _decode(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def encode(value: Any, *, default: Callable[[Any], Any] | None = None, option: int | None = None) -> bytes:
    """As orjson encodes it; numbers that it has no form for stand there with all of their digits.

    Raises:
        TypeError: JSON has no form for a value, nor has `default`.
    """
    other = partial(_other, default)
    try:
        return orjson.dumps(value, other, option)
    except TypeError:
        return orjson.dumps(_spelled(value), other, option)


def _other(default: Callable[[Any], Any] | None, value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    if default is None:
        raise TypeError(f"{type(value).__name__} is not JSON")
    return default(value)


def _spelled(value: Any) -> Any:
    """For whole numbers of more than 64 bits nothing else is asked."""
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    if isinstance(value, int) and abs(value) > _LARGEST:
        return orjson.Fragment(str(value))
    return value
