"""Dates and timestamps, from every form that sources send.

| form | read as |
|---|---|
| ISO 8601 with an offset or `Z` | that moment |
| ISO 8601 without one | that time in the connection's zone |
| `/Date(1795381200000+0060)/` (OData V2) | that moment; the offset only tells how to show it |
| `/Date(1795381200000)/` | an Edm.DateTime, which has no zone: that time in the connection's zone |
| `{"__class__": "datetime", ...}` (Tryton) | that time in UTC |
| a date where a timestamp is wanted | its midnight in the connection's zone |
| a timestamp where a date is wanted | its day in the connection's zone; at midnight the day as written |
| `0000-00-00`, `00000000`, with a time of noughts too | no date: null, without an error |

A bare number is refused, because seconds and milliseconds look alike: see the transforms `epoch_seconds`
and `epoch_milliseconds`.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from lineshaft.common.mapping.errors import CoercionError, sample
from lineshaft.common.mapping.plain import iso, untag

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIDNIGHT = time()

_ODATA = re.compile(r"/Date\((-?[0-9]{1,15})([+-][0-9]{1,4})?\)/").fullmatch
_LONGEST = 40
_DATE_LENGTH = 10
_USUAL_MARKS = "--T::"
"""Every third character from the first dash on."""
_NO_DATE = re.compile(r"0000-?00-?00(?:[T ]00:?00(?::?00(?:\.0+)?)?)?").fullmatch
"""What MySQL and SAP store where there is none."""
_HOURS = 24
_HOUR = tuple(f"{hour:02}" for hour in range(_HOURS))
_WHOLE_HOURS = re.compile(r".{19}(([+-](?:0[0-9]|1[0-4])):00)", re.ASCII).fullmatch


def zone(name: str) -> tzinfo:
    """The zone of an IANA name.

    Raises:
        ValueError: there is no such zone.
    """
    if name in {"UTC", "Etc/UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError) as error:
        raise ValueError(f"{name!r} is no IANA time zone") from error


def timestamp_coercer(local: tzinfo) -> Callable[[Any], str | None]:
    """A function from a source value to a moment in UTC, e.g. `2026-03-01T06:30:00Z`."""
    hours_ahead = {"Z": 0, "+00:00": 0}

    def to_timestamp(value: Any) -> str | None:
        # The two forms of nearly all sources go a shorter way, which gives the same result.
        if type(value) is str and value[4:17:3] == _USUAL_MARKS:
            ahead = hours_ahead.get(value[19:])
            if ahead == 0:
                datetime.fromisoformat(value)
                return value[:19] + "Z"
            if ahead is not None:
                hour = datetime.fromisoformat(value[:19]).hour - ahead
                if 0 <= hour < _HOURS:
                    return value[:11] + _HOUR[hour] + value[13:19] + "Z"
            elif match := _WHOLE_HOURS(value):
                hours_ahead[match[1]] = int(match[2])
        if _is_no_date(value):
            return None
        return iso(_aware(parse_moment(value), local))

    return to_timestamp


def _aware(moment: datetime | date, local: tzinfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, MIDNIGHT)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=local)


def shown_in(local: tzinfo, moment: str | None) -> str | None:
    """A moment in UTC with the clock of a zone, for sources that keep its time and not its offset."""
    if moment is None or local is UTC:
        return moment
    return datetime.fromisoformat(moment).astimezone(local).isoformat()


def date_coercer(local: tzinfo) -> Callable[[Any], str | None]:
    """A function from a source value to a day, e.g. `2026-03-01`."""

    def to_date(value: Any) -> str | None:
        if _is_no_date(value):
            return None
        if type(value) is str and len(value) == _DATE_LENGTH:
            return date.fromisoformat(value).isoformat()
        moment = parse_moment(value)
        if isinstance(moment, datetime):
            if moment.tzinfo is not None and moment.time() != MIDNIGHT:
                moment = moment.astimezone(local)
            return moment.date().isoformat()
        return moment.isoformat()

    return to_date


def _is_no_date(value: Any) -> bool:
    return type(value) is str and value[:4] == "0000" and _NO_DATE(value.strip()) is not None


def parse_moment(value: Any) -> datetime | date:
    """A date, or a datetime that has a zone only where the source gave one.

    Raises:
        CoercionError: not one of the forms above.
        ValueError: one of them, but no day or time that exists.
    """
    if isinstance(value, dict):
        value = untag(value)
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise CoercionError(
                "a bare number is no time: add the transform epoch_seconds or epoch_milliseconds"
            )
        raise CoercionError("not a date or time")
    text = value.strip()
    if len(text) > _LONGEST:
        raise CoercionError(f"{sample(value)!r} is not a date or time")
    if match := _ODATA(text):
        milliseconds, offset = match.groups()
        moment = EPOCH + timedelta(milliseconds=int(milliseconds))
        return moment if offset else moment.replace(tzinfo=None)
    return _parse_iso(text)


def _parse_iso(text: str) -> datetime | date:
    try:
        if len(text) <= _DATE_LENGTH and ":" not in text:
            return date.fromisoformat(text)
        return datetime.fromisoformat(text)
    except ValueError:
        raise CoercionError(f"{text!r} is not an ISO 8601 date or time") from None
