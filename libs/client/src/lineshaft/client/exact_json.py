"""JSON whose numbers keep all of their digits, however many a source wrote."""

from decimal import Decimal
from typing import Any

import msgspec


def _number(digits: str) -> float | Decimal:
    """The float whose own digits are this number; a `Decimal` where there is none."""
    value, exact = float(digits), Decimal(digits)
    return value if Decimal(repr(value)) == exact else exact


_decode = msgspec.json.Decoder(float_hook=_number).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def decode(content: bytes | str) -> Any:
    """Raises ValueError for what is no JSON."""
    return _decode(content)


def encode(value: Any, *, indent: int | None = None) -> bytes:
    """With times in ISO 8601; raises TypeError for what JSON has no form for."""
    content = _encode(value)
    return content if indent is None else msgspec.json.format(content, indent=indent)
