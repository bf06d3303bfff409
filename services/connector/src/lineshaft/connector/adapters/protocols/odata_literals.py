"""Values in an OData address (V2: OData 2.0 Overview; V4: ABNF, 5.1.1.6.1), and moments in answers."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

V2 = 2
_TICKS = re.compile(r"/Date\((-?\d+)([+-]\d+)?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BARE = frozenset(
    {"Edm.Int16", "Edm.Int32", "Edm.Byte", "Edm.SByte", "Edm.Boolean", "Edm.Int64", "Edm.Decimal"}
)
_SUFFIXES = {"Edm.Int64": "L", "Edm.Decimal": "M"}


def literal(value: Any, edm_type: str, version: int) -> str:
    """Raises `ValueError` where the value is none of that type."""
    if edm_type in ("Edm.DateTime", "Edm.DateTimeOffset"):
        return _moment_literal(value, edm_type, version)
    if edm_type in _BARE:
        return _bare(value, edm_type, version)
    text = str(value)
    if edm_type == "Edm.Guid":
        if not re.fullmatch(r"[0-9A-Fa-f-]{36}", text):
            raise ValueError(f"{text!r} is no id of the source")
        return f"guid'{text}'" if version == V2 else text
    if edm_type == "Edm.Date" and version != V2:
        return text
    return "'" + text.replace("'", "''") + "'"


def moment_of(value: Any) -> datetime | None:
    """A time in an answer, `/Date(ms+minutes)/` or ISO 8601; None where there is none that can be read."""
    if not isinstance(value, str):
        return None
    if ticks := _TICKS.fullmatch(value):
        try:
            # the offset only says in which zone to show it
            return _EPOCH + timedelta(milliseconds=int(ticks[1]))
        except OverflowError:
            return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment_literal(value: Any, edm_type: str, version: int) -> str:
    moment = value if isinstance(value, datetime) else moment_of(value)
    if moment is None:
        raise ValueError(f"{value!r} is no time")
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds").removesuffix(".000")
    if version != V2:
        return f"{text}Z"
    return f"datetime'{text}'" if edm_type == "Edm.DateTime" else f"datetimeoffset'{text}Z'"


def _bare(value: Any, edm_type: str, version: int) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not re.fullmatch(r"-?\d+(\.\d+)?|true|false", text):
        raise ValueError(f"{text!r} is no {edm_type}")
    return text + (_SUFFIXES.get(edm_type, "") if version == V2 else "")
