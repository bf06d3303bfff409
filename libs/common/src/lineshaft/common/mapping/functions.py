"""The functions that expressions have beyond those of JMESPath, and bounds on the ones they share.

Numbers may come as numbers or as decimal strings, and results are exact.
"""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from jmespath.functions import Functions, signature

from lineshaft.common.mapping.decimals import EXACT, parse_decimal, rounded
from lineshaft.common.mapping.errors import CoercionError
from lineshaft.common.mapping.moments import date_coercer, parse_moment, timestamp_coercer, zone
from lineshaft.common.mapping.plain import to_json
from lineshaft.common.mapping.scalars import to_boolean, to_string
from lineshaft.common.mapping.transforms import PLACES
from lineshaft.common.unified.identity import join_source_key

MAX_TEXT = 100_000
"""Characters that a function takes or gives."""
MAX_ITEMS = 10_000
"""Items that a function takes or gives."""
MAX_PLACES = 15

ANY: Any = {"types": []}
ANY_NUMBER_OF: Any = {"types": [], "variadic": True}
ARRAY: Any = {"types": ["array"]}
STRING: Any = {"types": ["string"]}
ARRAY_OF_STRINGS: Any = {"types": ["array-string"]}


class ExpressionLimitError(CoercionError):
    """An expression that would take too long or make something too large."""


def _text(value: Any) -> str:
    text = "" if value is None else to_string(value)
    if len(text) > MAX_TEXT:
        raise ExpressionLimitError(f"a text of more than {MAX_TEXT} characters")
    return text


def _items(value: list[Any]) -> list[Any]:
    if len(value) > MAX_ITEMS:
        raise ExpressionLimitError(f"a list of more than {MAX_ITEMS} items")
    return value


def _count(value: Any, most: int) -> int:
    number = int(parse_decimal(value))
    if not 0 <= number <= most:
        raise CoercionError(f"{number} is not between 0 and {most}")
    return number


def _sum(numbers: list[Decimal]) -> Decimal:
    return reduce(EXACT.add, numbers, Decimal(0))


def _quotient(number: Decimal, divisor: Decimal) -> Decimal:
    return EXACT.normalize(rounded(EXACT.divide(number, divisor), PLACES))


def _day(value: Any) -> date:
    moment = parse_moment(value)
    return moment.date() if isinstance(moment, datetime) else moment


class MappingFunctions(Functions):
    """Every `_func_x` is callable as `x` in an expression; null goes in and out of most of them."""

    def _type_check_single(self, current: Any, types: Any, name: str) -> None:
        # An exact decimal is a number; the base class goes by the names of Python's own types.
        number = float(current) if isinstance(current, Decimal) else current
        super()._type_check_single(number, types, name)  # type: ignore[misc]  # missing in the stubs

    @signature(ANY)
    def _func_lower(self, value: Any) -> str | None:
        return None if value is None else _text(value).lower()

    @signature(ANY)
    def _func_upper(self, value: Any) -> str | None:
        return None if value is None else _text(value).upper()

    @signature(ANY)
    def _func_trim(self, value: Any) -> str | None:
        return None if value is None else _text(value).strip()

    @signature(ANY_NUMBER_OF)
    def _func_concat(self, *values: Any) -> str:
        """All texts in one; null counts as an empty one."""
        return _text("".join(_text(value) for value in values))

    @signature(ANY_NUMBER_OF)
    def _func_source_key(self, *parts: Any) -> str | None:
        """The source id of a record whose key has several parts; null where one is missing."""
        if any(part is None or part == "" for part in parts):
            return None
        return _text(join_source_key([_text(part) for part in parts]))

    @signature(ANY, STRING, STRING)
    def _func_replace(self, value: Any, old: str, new: str) -> str | None:
        if value is None:
            return None
        text = _text(value)
        if len(text) + text.count(old) * len(new) > MAX_TEXT:
            raise ExpressionLimitError(f"a text of more than {MAX_TEXT} characters")
        return text.replace(old, new)

    @signature(ANY, STRING)
    def _func_split(self, value: Any, separator: str) -> list[str] | None:
        if value is None:
            return None
        if not separator:
            raise CoercionError("split needs a separator")
        return _items(_text(value).split(separator, MAX_ITEMS))

    @signature(ANY, ANY, ANY)
    def _func_substring(self, value: Any, start: Any, length: Any) -> str | None:
        """`length` characters from position `start`, counted from 0."""
        if value is None:
            return None
        begin = _count(start, MAX_TEXT)
        return _text(value)[begin : begin + _count(length, MAX_TEXT)]

    @signature(ANY, ANY, STRING)
    def _func_pad_left(self, value: Any, width: Any, sign: str) -> str | None:
        if value is None:
            return None
        if len(sign) != 1:
            raise CoercionError("pad_left fills with one character")
        return _text(value).rjust(_count(width, 1_000), sign)

    @signature(ANY)
    def _func_strip_zeros(self, value: Any) -> str | None:
        """Without zeros at the front."""
        return None if value is None else _text(value).lstrip("0") or "0"

    @signature(ANY_NUMBER_OF)
    def _func_coalesce(self, *values: Any) -> Any:
        """The first value that is neither null nor an empty text."""
        return next((value for value in values if value is not None and value != ""), None)

    @signature(ANY, ANY, ANY)
    def _func_if_else(self, condition: Any, then: Any, otherwise: Any) -> Any:
        return then if condition not in (None, False, "", [], {}) else otherwise

    @signature(ANY)
    def _func_boolean(self, value: Any) -> bool | None:
        return None if value is None else to_boolean(value)

    @signature(ANY)
    def _func_number(self, value: Any) -> Decimal | None:
        return None if value in (None, "") else parse_decimal(value)

    @signature(ANY, ANY)
    def _func_round(self, value: Any, places: Any) -> Decimal | None:
        return None if value is None else rounded(parse_decimal(value), _count(places, MAX_PLACES))

    @signature(ANY, ANY)
    def _func_add(self, left: Any, right: Any) -> Decimal | None:
        if left is None or right is None:
            return None
        return EXACT.add(parse_decimal(left), parse_decimal(right))

    @signature(ANY, ANY)
    def _func_subtract(self, left: Any, right: Any) -> Decimal | None:
        if left is None or right is None:
            return None
        return EXACT.subtract(parse_decimal(left), parse_decimal(right))

    @signature(ANY, ANY)
    def _func_multiply(self, left: Any, right: Any) -> Decimal | None:
        if left is None or right is None:
            return None
        return EXACT.multiply(parse_decimal(left), parse_decimal(right))

    @signature(ANY, ANY)
    def _func_divide(self, left: Any, right: Any) -> Decimal | None:
        """Null where the divisor is zero."""
        if left is None or right is None:
            return None
        divisor = parse_decimal(right)
        return _quotient(parse_decimal(left), divisor) if divisor else None

    @signature(ANY)
    def _func_date(self, value: Any) -> str | None:
        """The day as written."""
        return None if value is None else _day(value).isoformat()

    @signature(ANY, STRING)
    def _func_timestamp(self, value: Any, zone_name: str) -> str | None:
        """The moment in UTC; a time without a zone is one of `zone_name`."""
        return None if value is None else timestamp_coercer(zone(zone_name))(value)

    @signature(ANY, STRING)
    def _func_date_in(self, value: Any, zone_name: str) -> str | None:
        """The day on which the moment falls in a zone."""
        return None if value is None else date_coercer(zone(zone_name))(value)

    @signature(ANY, ANY)
    def _func_add_days(self, value: Any, days: Any) -> str | None:
        if value is None or days is None:
            return None
        return (_day(value) + timedelta(days=int(parse_decimal(days)))).isoformat()

    @signature(ANY, ANY)
    def _func_days_between(self, start: Any, end: Any) -> int | None:
        return None if start is None or end is None else (_day(end) - _day(start)).days

    @signature(STRING, ARRAY_OF_STRINGS)
    def _func_join(self, separator: str, values: list[str]) -> str:
        room = sum(map(len, values)) + len(separator) * len(values)
        if room > MAX_TEXT:
            raise ExpressionLimitError(f"a text of more than {MAX_TEXT} characters")
        return separator.join(values)

    @signature(ANY)
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, (dict, list)):
            return _text(json.dumps(to_json(value), separators=(",", ":"), ensure_ascii=False))
        return _text(value)

    @signature(ARRAY)
    def _func_sum(self, values: list[Any]) -> Decimal:
        return _sum([parse_decimal(value) for value in _items(values) if value is not None])

    @signature(ARRAY)
    def _func_avg(self, values: list[Any]) -> Decimal | None:
        numbers = [parse_decimal(value) for value in _items(values) if value is not None]
        return _quotient(_sum(numbers), Decimal(len(numbers))) if numbers else None
