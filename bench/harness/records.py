"""The records that every subject handles: 27 fields and about 1 kB of JSON, 20 of the fields mapped.

`map_record` is the mapping as one would write it by hand, for the subjects that are not ours.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

FIRST_ID = 10_000_000
"""All ids have eight digits, so that all records of a template have one length."""

_START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
_TYPES = {"fault": "corrective", "service": "preventive", "check": "inspection"}
_STATUSES = {"new": "draft", "planned": "scheduled", "running": "in_progress", "done": "completed"}
_PRIORITIES = {"1": "low", "2": "medium", "3": "high"}
_TEXT = (
    "bearing seal pump conveyor gearbox vibration inspection lubrication coupling pressure valve filter "
    "alignment noise leakage replaced cleaned tightened measured"
)
_WORDS = _TEXT.split()


def records(first: int, count: int, *, version: int = 1) -> Iterator[dict[str, Any]]:
    """`count` records from the number `first` on; another version differs in a mapped field."""
    return (a_record(number, version=version) for number in range(first, first + count))


def a_record(number: int, *, version: int = 1) -> dict[str, Any]:
    planned = _START + timedelta(minutes=number % 500_000)
    changed = planned + timedelta(days=2)
    return {
        "id": FIRST_ID + number,
        "code": f"WO-{number:08}",
        "name": f"Repair of {_text(number, 4)}",
        "description": _text(number, 30),
        "kind": tuple(_TYPES)[number % 3],
        "state": tuple(_STATUSES)[number % 4],
        "priority": str(number % 3 + 1),
        "asset": 4_000 + number % 900,
        "asset_name": f"Pump {number % 900}",
        "location": 70 + number % 40,
        "location_name": f"Hall {number % 40}, bay {number % 7}",
        "planner": 20 + number % 9,
        "planner_name": f"Planner {number % 9}",
        "due": _moment(planned + timedelta(days=5)),
        "planned_start": _moment(planned),
        "planned_end": _moment(planned + timedelta(hours=6)),
        "started": _moment(planned + timedelta(minutes=40)),
        "hours_estimated": f"{number % 80 / 4 + version:.2f}",
        "downtime": number % 300,
        "cost": f"{number % 9_000 + 12.5:.2f}",
        "currency": "EUR",
        "cost_center": f"CC-{number % 60:04}",
        "note": _text(number + 3, 12),
        "created": _moment(planned - timedelta(days=9)),
        "updated": _moment(changed),
        "company": 1,
        "active": True,
    }


def tagged(moment: datetime) -> dict[str, Any]:
    """A moment as Tryton's JSON has it."""
    return {
        "__class__": "datetime",
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "hour": moment.hour,
        "minute": moment.minute,
        "second": moment.second,
        "microsecond": 0,
    }


def map_record(record: dict[str, Any]) -> dict[str, Any]:
    """The 20 fields, without what Lineshaft adds: ids of references, envelope, hash, revision, errors."""
    return {
        "number": record["code"],
        "title": record["name"],
        "description": record["description"],
        "type": _TYPES[record["kind"]],
        "status": _STATUSES[record["state"]],
        "priority": _PRIORITIES[record["priority"]],
        "asset": {"source_id": str(record["asset"]), "display": record["asset_name"]},
        "location": {"source_id": str(record["location"]), "display": record["location_name"]},
        "planner": {"source_id": str(record["planner"]), "display": record["planner_name"]},
        "due_at": _utc(record["due"]),
        "planned_start": _utc(record["planned_start"]),
        "planned_end": _utc(record["planned_end"]),
        "actual_start": _utc(record["started"]),
        "estimated_hours": str(Decimal(record["hours_estimated"])),
        "downtime_minutes": int(record["downtime"]),
        "planned_cost": {"amount": str(Decimal(record["cost"])), "currency": record["currency"]},
        "cost_center": record["cost_center"],
        "completion_note": record["note"],
        "created_at": _utc(record["created"]),
        "updated_at": _utc(record["updated"]),
    }


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def _moment(moment: datetime) -> str:
    return moment.isoformat()


def _text(seed: int, words: int) -> str:
    return " ".join(_WORDS[(seed * 7 + place * place) % len(_WORDS)] for place in range(words))
