"""From source values to the JSON form of each kind of single value.

Null, an empty text and `false` mean "no value" everywhere but in booleans and in enumerations that map
the code `false`. What does not fit raises `CoercionError` (or another of `UNFIT_VALUE`).
"""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any, assert_never

from lineshaft.common.mapping.decimals import to_decimal, to_integer
from lineshaft.common.mapping.errors import CoercionError
from lineshaft.common.mapping.moments import date_coercer, timestamp_coercer
from lineshaft.common.mapping.plain import to_json
from lineshaft.common.mapping.scalars import to_boolean, to_string
from lineshaft.common.unified import Kind

Coerce = Callable[[Any], Any]


class Coercers:
    """The coercions of one connection, whose zone is that of times without one."""

    def __init__(self, local: tzinfo = UTC) -> None:
        self._to_date = date_coercer(local)
        self._to_timestamp = timestamp_coercer(local)

    def scalar(self, kind: Kind) -> Coerce:  # noqa: PLR0911  one return for each kind
        """The coercion for a kind that is one value, or the code of one."""
        match kind:
            case Kind.STRING | Kind.TEXT | Kind.ENUMERATION | Kind.CODE | Kind.REFERENCE:
                return to_string
            case Kind.INTEGER:
                return to_integer
            case Kind.DECIMAL | Kind.MONEY | Kind.QUANTITY:
                return to_decimal
            case Kind.BOOLEAN:
                return to_boolean
            case Kind.DATE:
                return self._to_date
            case Kind.TIMESTAMP:
                return self._to_timestamp
            case Kind.JSON:
                return to_json
            case Kind.LIST | Kind.OBJECT:
                return _no_scalar
        assert_never(kind)


def _no_scalar(_value: Any) -> Any:
    raise CoercionError("not a single value")


def is_empty(value: Any) -> bool:
    """Whether a source value means that there is none. Zero is a value."""
    return value is None or value is False or value == ""
