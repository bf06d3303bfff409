"""The records of a plant that makes packaging: the same ones for the same size, on any machine."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]
Plant: TypeAlias = dict[str, list[Record]]

OBJECTS = ("locations", "vendors", "parts", "assets", "purchase_orders", "work_orders")
"""What others refer to comes first."""

OPENED = datetime(2024, 3, 4, 6, 0, tzinfo=UTC)

_LAST_LINE = 3
_AREAS = ("Extrusion", "Printing", "Slitting", "Converting", "Utilities", "Shipping")
_VENDORS = (
    ("Nordlager GmbH", "DE", "EUR"),
    ("Pumpen Keller KG", "DE", "EUR"),
    ("Atlas Drive Components Ltd", "GB", "GBP"),
    ("Riviera Automazione Srl", "IT", "EUR"),
    ("Midwest Bearing Supply Inc", "US", "USD"),
    ("Helvetic Seals AG", "CH", "CHF"),
)
_MACHINES = (
    ("pump", "Feed pump", "KSB", "Etanorm 065-200"),
    ("motor", "Main drive", "Siemens", "1LE1503"),
    ("compressor", "Compressor", "Atlas Copco", "GA 37"),
    ("conveyor", "Conveyor", "Interroll", "EC5000"),
    ("extruder", "Extruder", "Reifenhäuser", "Evo Ultra"),
    ("gearbox", "Gearbox", "SEW", "R107"),
)
_PARTS = (
    ("Deep groove ball bearing", "pcs", "38.40"),
    ("Mechanical seal", "pcs", "214.00"),
    ("V-belt", "pcs", "17.90"),
    ("Hydraulic oil HLP 46", "l", "4.35"),
    ("Inductive sensor M12", "pcs", "61.25"),
    ("Filter cartridge", "pcs", "29.80"),
    ("Contactor 25 A", "pcs", "44.10"),
    ("Grease EP2", "kg", "11.60"),
)
_WORK = (
    ("corrective", "{asset} leaks at the shaft seal"),
    ("corrective", "{asset} runs hot"),
    ("preventive", "Lubricate {asset}"),
    ("preventive", "Yearly service of {asset}"),
    ("inspection", "Inspect {asset}"),
)


@dataclass(frozen=True)
class PlantSize:
    vendors: int = 24
    parts: int = 240
    assets: int = 90
    purchase_orders: int = 60
    work_orders: int = 320


def plant(size: PlantSize | None = None) -> Plant:
    """Objects by name, each a list of records whose key is `id`; times are aware, amounts are decimals."""
    size = size or PlantSize()
    chance = random.Random(7)  # noqa: S311  the same plant each time
    records: Plant = {"locations": list(_locations())}
    places = len(records["locations"])
    records["vendors"] = [_vendor(number, chance) for number in range(1, size.vendors + 1)]
    records["parts"] = [_part(number, chance, size) for number in range(1, size.parts + 1)]
    records["assets"] = [_asset(number, chance, places) for number in range(1, size.assets + 1)]
    records["purchase_orders"] = [
        _purchase_order(number, chance, size) for number in range(1, size.purchase_orders + 1)
    ]
    records["work_orders"] = [
        _work_order(number, chance, records["assets"]) for number in range(1, size.work_orders + 1)
    ]
    return records


def _stamps(chance: random.Random) -> Record:
    created = OPENED + timedelta(minutes=chance.randrange(800_000))
    return {"created_at": created, "updated_at": created + timedelta(seconds=chance.randrange(8_000_000))}


def _locations() -> Iterator[Record]:
    stamps = {"created_at": OPENED, "updated_at": OPENED}
    yield {
        "id": 1,
        "code": "PLANT7",
        "name": "Plant 7",
        "kind": "building",
        "parent_id": None,
        "active": True,
        **stamps,
    }
    for number, area in enumerate(_AREAS):
        hall = 2 + number * 4
        code = area[:3].upper()
        yield {
            "id": hall,
            "code": code,
            "name": f"{area} hall",
            "kind": "area",
            "parent_id": 1,
            "active": True,
            **stamps,
        }
        for line in range(1, _LAST_LINE + 1):
            yield {
                "id": hall + line,
                "code": f"{code}-{line}",
                "name": f"{area} line {line}",
                "kind": "line",
                "parent_id": hall,
                "active": line < _LAST_LINE or number % 2 == 0,
                **stamps,
            }


def _vendor(number: int, chance: random.Random) -> Record:
    name, country, currency = _VENDORS[number % len(_VENDORS)]
    domain = name.split()[0].lower()
    return {
        "id": number,
        "code": f"V-{number:04d}",
        "name": name if number <= len(_VENDORS) else f"{name} ({number})",
        "email": f"orders{number}@{domain}.example",
        "phone": f"+49 30 {chance.randrange(1_000_000, 9_999_999)}",
        "tax_id": f"{country}{chance.randrange(10**8, 10**9)}",
        "currency": currency,
        "active": number % 11 != 0,
        **_stamps(chance),
    }


def _part(number: int, chance: random.Random, size: PlantSize) -> Record:
    name, unit, cost = _PARTS[number % len(_PARTS)]
    return {
        "id": number,
        "number": f"P-{number:05d}",
        "name": f"{name} {6000 + number}",
        "description": None if number % 3 == 0 else f"{name}, store-room shelf {number % 40 + 1}",
        "manufacturer_number": f"MN-{chance.randrange(100_000, 999_999)}",
        "kind": "stock" if number % 9 else "tool",
        "unit": unit,
        "unit_cost": (Decimal(cost) * chance.randrange(80, 140) / 100).quantize(Decimal("0.01")),
        "currency": "EUR",
        "lead_time_days": chance.choice((2, 5, 10, 21, 60)),
        "vendor_id": number % size.vendors + 1,
        "active": number % 17 != 0,
        **_stamps(chance),
    }


def _asset(number: int, chance: random.Random, places: int) -> Record:
    kind, name, maker, model = _MACHINES[number % len(_MACHINES)]
    return {
        "id": number,
        "number": f"{kind.upper()}-{number:03d}",
        "name": f"{name} {number}",
        "class": kind,
        "manufacturer": maker,
        "model": model,
        "serial_number": f"{maker[:2].upper()}{chance.randrange(10**7, 10**8)}",
        "status": chance.choices(("running", "standby", "repair", "scrapped"), (80, 10, 7, 3))[0],
        "criticality": chance.choice("ABC"),
        "location_id": chance.randrange(2, places + 1),
        "parent_id": None if number <= len(_MACHINES) or number % 3 else number - chance.randrange(1, 6),
        "commissioned_on": date(2012, 1, 1) + timedelta(days=chance.randrange(4_000)),
        **_stamps(chance),
    }


def _purchase_order(number: int, chance: random.Random, size: PlantSize) -> Record:
    stamps = _stamps(chance)
    ordered = stamps["created_at"].date()
    return {
        "id": number,
        "number": f"PO-{number:05d}",
        "title": f"Spare parts, week {ordered.isocalendar().week}",
        "status": chance.choice(("draft", "approved", "sent", "received", "closed", "cancelled")),
        "vendor_id": chance.randrange(1, size.vendors + 1),
        "ordered_on": ordered,
        "delivery_on": ordered + timedelta(days=chance.randrange(3, 60)),
        "currency": "EUR",
        "total": Decimal(chance.randrange(5_000, 900_000)) / 100,
        **stamps,
    }


def _work_order(number: int, chance: random.Random, assets: list[Record]) -> Record:
    asset = chance.choice(assets)
    kind, title = chance.choice(_WORK)
    stamps = _stamps(chance)
    status = chance.choice(("open", "planned", "working", "waiting", "done", "closed", "cancelled"))
    start = stamps["created_at"] + timedelta(hours=chance.randrange(4, 400))
    finished = status in {"done", "closed"}
    return {
        "id": number,
        "number": f"WO-{number:06d}",
        "title": title.format(asset=asset["name"]),
        "description": None if number % 2 else "Seen on the morning round. Lock out before work.",
        "kind": kind,
        "status": status,
        "priority": chance.randrange(1, 5),
        "asset_id": asset["id"],
        "location_id": asset["location_id"],
        "planned_start": start,
        "planned_end": start + timedelta(hours=chance.randrange(1, 16)),
        "completed_at": start + timedelta(hours=chance.randrange(1, 30)) if finished else None,
        **stamps,
    }
