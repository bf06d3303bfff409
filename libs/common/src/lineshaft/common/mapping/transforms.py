"""The named transforms of a field, applied in order before the value is fitted to its kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from lineshaft.common.mapping.decimals import EXACT, parse_decimal, rounded
from lineshaft.common.mapping.errors import CoercionError
from lineshaft.common.mapping.moments import EPOCH, parse_moment
from lineshaft.common.mapping.plain import iso
from lineshaft.common.mapping.scalars import to_boolean, to_string

PLACES = 12
"""Decimal places that a division keeps."""

MICROSECOND = timedelta(microseconds=1)

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Transform:
    meaning: str
    apply: Convert
    inverse: Convert | None = None
    """From the unified value back to the source's, where there is exactly one way."""


def _same(value: Any) -> Any:
    return value


def _times(factor: int) -> Convert:
    return lambda value: EXACT.multiply(parse_decimal(value), factor)


def _divided_by(factor: int) -> Convert:
    def divide(value: Any) -> Decimal:
        quotient = rounded(EXACT.divide(parse_decimal(value), factor), PLACES)
        whole = quotient.to_integral_value()
        return whole if quotient == whole else EXACT.normalize(quotient)

    return divide


def _from_epoch(microseconds: int) -> Convert:
    def convert(value: Any) -> str:
        return iso(EPOCH + int(EXACT.multiply(parse_decimal(value), microseconds)) * MICROSECOND)

    return convert


def _to_epoch(microseconds: int) -> Convert:
    def convert(value: Any) -> int:
        moment = parse_moment(value)
        if not isinstance(moment, datetime):
            raise CoercionError("a date, where a moment is needed")
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - EPOCH) // MICROSECOND // microseconds

    return convert


def _item(index: int) -> Convert:
    def pick(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return value[index] if value else None

    return pick


def _comma_to_point(value: Any) -> str:
    text = to_string(value)
    # A number has no thousands: its point is the decimal one.
    return "".join(text.replace(".", "").split()).replace(",", ".") if isinstance(value, str) else text


def _point_to_comma(value: Any) -> str:
    return to_string(value).replace(".", ",")


def _split(value: Any) -> list[str]:
    return [part for piece in to_string(value).split(",") if (part := piece.strip())]


def _join(value: Any) -> str:
    return ", ".join(to_string(item) for item in value) if isinstance(value, list) else to_string(value)


TRANSFORMS: Mapping[str, Transform] = MappingProxyType(
    {
        "trim": Transform("without spaces at both ends", lambda value: to_string(value).strip(), _same),
        "collapse_spaces": Transform(
            "with single spaces only", lambda value: " ".join(to_string(value).split())
        ),
        "lower": Transform("in small letters", lambda value: to_string(value).lower()),
        "upper": Transform("in capitals", lambda value: to_string(value).upper()),
        "strip_leading_zeros": Transform(
            "without zeros at the front", lambda value: to_string(value).lstrip("0") or "0"
        ),
        "digits_only": Transform(
            "its digits", lambda value: "".join(sign for sign in to_string(value) if sign in "0123456789")
        ),
        "first_line": Transform(
            "up to the first line break", lambda value: to_string(value).split("\n", 1)[0]
        ),
        "decimal_comma": Transform("`1.234,5` as 1234.5", _comma_to_point, _point_to_comma),
        "epoch_seconds": Transform("seconds since 1970", _from_epoch(1_000_000), _to_epoch(1_000_000)),
        "epoch_milliseconds": Transform("milliseconds since 1970", _from_epoch(1_000), _to_epoch(1_000)),
        "negate": Transform("with the other sign", _times(-1), _times(-1)),
        "not": Transform(
            "the opposite", lambda value: not to_boolean(value), lambda value: not to_boolean(value)
        ),
        "percent_to_fraction": Transform("divided by 100", _divided_by(100), _times(100)),
        "cents": Transform("an amount in hundredths, such as cents", _divided_by(100), _times(100)),
        "minutes_to_hours": Transform("divided by 60", _divided_by(60), _times(60)),
        "seconds_to_hours": Transform("divided by 3600", _divided_by(3600), _times(3600)),
        "seconds_to_minutes": Transform("divided by 60", _divided_by(60), _times(60)),
        "hours_to_minutes": Transform("times 60", _times(60), _divided_by(60)),
        "days_to_hours": Transform("times 24", _times(24), _divided_by(24)),
        "first": Transform("the first item of a list", _item(0)),
        "last": Transform("the last item of a list", _item(-1)),
        "split_comma": Transform("a list, cut at commas", _split, _join),
        "join_comma": Transform("a text, joined with commas", _join, _split),
    }
)
