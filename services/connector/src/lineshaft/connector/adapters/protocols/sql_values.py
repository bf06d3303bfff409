"""Values between databases and JSON: times with their zone, exact numbers as strings."""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import orjson

from lineshaft.common import exact_json
from lineshaft.connector.adapters.protocols.sql_dialect import Column, Family, Row
from lineshaft.connector.adapters.protocols.wall_clock import earliest_from


def records(
    names: Sequence[str], rows: Sequence[Row], columns: Mapping[str, Column], zone: tzinfo
) -> list[bytes]:
    """One JSON object a row."""
    readings = [_reading(columns.get(name), zone) for name in names]
    parts = list(zip(names, readings, strict=True))
    return [
        orjson.dumps(
            {
                name: value if reading is None or value is None else reading(value)
                for (name, reading), value in zip(parts, row, strict=True)
            },
            default=_other,
        )
        for row in rows
    ]


def plain(value: Any) -> Any:
    """One value as it would stand in a record."""
    return orjson.loads(orjson.dumps(value, default=_other))


def _reading(column: Column | None, zone: tzinfo) -> Callable[[Any], Any] | None:
    if column is None:
        return None
    match column.family:
        case Family.TIMESTAMP if column.clock != "zoned":
            moments = UTC if column.clock == "utc" else zone
            return lambda value: _moment(value, moments)
        case Family.DATE:
            return lambda value: value if isinstance(value, date) else None
        case Family.BOOLEAN:
            return _boolean
        case Family.JSON:
            return lambda value: orjson.Fragment(value) if isinstance(value, str | bytes) else value
        case _:
            return None


def _moment(value: Any, zone: tzinfo) -> datetime | None:
    """A date of zeros, which is no date, comes as text."""
    return value.replace(tzinfo=zone) if isinstance(value, datetime) else None


def _boolean(value: Any) -> bool:
    return any(value) if isinstance(value, bytes) else bool(value)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def in_terms_of(moment: datetime, column: Column, zone: tzinfo) -> datetime:
    """An aware moment as the column would hold it."""
    match column.clock:
        case "zoned":
            return moment.astimezone(UTC)
        case "utc":
            return moment.astimezone(UTC).replace(tzinfo=None)
        case "local":
            return moment.astimezone(zone).replace(tzinfo=None)


def beginning(moment: datetime, column: Column, zone: tzinfo) -> datetime:
    """All that is changed from this moment on has this time or a later one in the column."""
    return earliest_from(moment, zone) if column.clock == "local" else in_terms_of(moment, column, zone)


def to_write(value: Any, column: Column | None, zone: tzinfo) -> Any:
    """A JSON value as a plain one that the dialect can pass on."""
    if isinstance(value, dict | list):
        return exact_json.encode(value).decode()
    if column is not None and column.family is Family.TIMESTAMP and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return text_of(in_terms_of(moment, column, zone) if moment.tzinfo else moment)
    return value


def text_of(value: Any) -> Any:
    """For cursors: texts and whole numbers stay what they are."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value if isinstance(value, int | str) and not isinstance(value, bool) else str(value)
