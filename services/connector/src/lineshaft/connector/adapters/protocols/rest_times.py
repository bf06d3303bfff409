"""Times that name no zone, from and to the clock on the wall at the source."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from lineshaft.common import exact_json
from lineshaft.connector.adapters.protocols.wall_clock import earliest_from

_ON_THE_WALL = "%Y-%m-%d %H:%M:%S"
"""To the second, as such sources write and compare it."""


def local(moment: datetime, zone: tzinfo) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(zone).strftime(_ON_THE_WALL)


def local_from(moment: datetime, zone: tzinfo) -> str:
    """What to ask from, so that nothing is left out that changes from this moment on."""
    return earliest_from(moment, zone).strftime(_ON_THE_WALL)


def zoned(record: bytes | msgspec.Raw, fields: Sequence[str], zone: tzinfo) -> bytes:
    """The record with these times in UTC; what is no time stays as it is."""
    values: dict[str, Any] = exact_json.decode(record)
    for name in fields:
        value = values.get(name)
        if isinstance(value, str) and value:
            values[name] = _in_utc(value, zone)
    return exact_json.encode(values)


def _in_utc(text: str, zone: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def tagged(moment: datetime) -> dict[str, Any]:
    """In the form of Tryton, which keeps times in UTC."""
    utc = moment.astimezone(UTC)
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(utc, name) for name in names}}
