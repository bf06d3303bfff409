"""An invented plant in a new Odoo database, and the integration's user."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from lineshaft.tools.stack.odoo_rpc import OdooSession

LOGIN = "lineshaft"
GROUPS = (
    "base.group_user",
    "base.group_partner_manager",
    "maintenance.group_equipment_manager",
    "stock.group_stock_manager",
    "purchase.group_purchase_manager",
)
_DAY_ONE = date(2026, 1, 5)
_KINDS = ("Centrifugal pump", "Belt conveyor", "Screw compressor", "Hydraulic press", "Extraction fan")
_PARTS = ("Ball bearing", "Shaft seal", "V-belt", "Filter cartridge", "Proximity sensor", "Gear oil")
_TRADES = ("Hydraulics", "Bearings", "Automation", "Seals", "Drives")
_HALLS = ("Hall 1", "Hall 2", "Hall 3", "Spare parts store")


@dataclass(frozen=True)
class OdooPlantSize:
    vendors: int = 30
    products: int = 60
    equipment: int = 60
    requests: int = 40
    orders: int = 15


def fill(admin: OdooSession, size: OdooPlantSize, password: str) -> None:
    """Through Odoo's own interface, so that the records are what its users would make."""
    groups = [_reference(admin, name) for name in GROUPS]
    admin.call(
        "res.users",
        "create",
        {
            "name": "Lineshaft",
            "login": LOGIN,
            # Odoo refuses to note a change by somebody who has no address.
            "email": "lineshaft@plant.example",
            "password": password,
            "groups_id": [[6, 0, groups]],
        },
    )
    halls = _create(admin, "stock.location", ({"name": name, "usage": "internal"} for name in _HALLS))
    vendors = _create(admin, "res.partner", (_vendor(number) for number in range(size.vendors)))
    products = _create(admin, "product.product", (_product(number) for number in range(size.products)))
    category = admin.call("maintenance.equipment.category", "create", {"name": "Rotating equipment"})
    equipment = _create(
        admin,
        "maintenance.equipment",
        (_equipment(number, category, vendors) for number in range(size.equipment)),
    )
    _create(admin, "maintenance.request", (_request(number, equipment) for number in range(size.requests)))
    for number, product in enumerate(products):
        if not _is_stored(number):
            continue
        admin.call(
            "stock.quant",
            "create",
            {"product_id": product, "location_id": halls[number % len(halls)], "quantity": 5 + number},
        )
    unit = admin.call("product.product", "read", [products[0]], ["uom_id"])[0]["uom_id"][0]
    _create(
        admin,
        "purchase.order",
        (_order(number, vendors, products, unit) for number in range(size.orders)),
    )


def _reference(admin: OdooSession, name: str) -> int:
    module, _, key = name.partition(".")
    where = [["module", "=", module], ["name", "=", key]]
    (found,) = admin.call("ir.model.data", "search_read", where, ["res_id"])
    return int(found["res_id"])


def _create(admin: OdooSession, model: str, records: Iterable[dict[str, Any]]) -> list[int]:
    return [int(admin.call(model, "create", record)) for record in records]


def _vendor(number: int) -> dict[str, Any]:
    name = f"{_TRADES[number % len(_TRADES)]} {number + 1} GmbH"
    return {
        "name": name,
        "ref": f"V{1000 + number}",
        "supplier": True,
        "customer": False,
        "is_company": True,
        "email": f"sales{number}@vendor.example",
        "phone": f"+49 421 {5000 + number}",
        "city": "Bremen",
    }


def _is_stored(number: int) -> bool:
    """Odoo keeps no stock of consumables."""
    return number % 5 != 0


def _product(number: int) -> dict[str, Any]:
    return {
        "name": f"{_PARTS[number % len(_PARTS)]} {10 + number}",
        "default_code": f"SP-{1000 + number}",
        "type": "product" if _is_stored(number) else "consu",
        "standard_price": 4.5 + number,
    }


def _equipment(number: int, category: int, vendors: list[int]) -> dict[str, Any]:
    return {
        "name": f"{_KINDS[number % len(_KINDS)]} {number + 1}",
        "serial_no": f"EQ-{1000 + number}",
        "model": f"M{number % 7}",
        "category_id": category,
        "partner_id": vendors[number % len(vendors)],
        "location": _HALLS[number % len(_HALLS)],
        "cost": 1000.0 + number,
        "warranty": str(_DAY_ONE + timedelta(days=30 * number)),
    }


def _request(number: int, equipment: list[int]) -> dict[str, Any]:
    return {
        "name": f"Check bearing temperature {number + 1}",
        "description": "Reported by the operator of the line.",
        "equipment_id": equipment[number % len(equipment)],
        "maintenance_type": "preventive" if number % 3 == 0 else "corrective",
        "priority": str(number % 4),
        "stage_id": number % 3 + 1,
        "request_date": str(_DAY_ONE + timedelta(days=number)),
        "schedule_date": f"{_DAY_ONE + timedelta(days=number + 2)} 06:30:00",
        "duration": 1.5,
    }


def _order(number: int, vendors: list[int], products: list[int], unit: int) -> dict[str, Any]:
    day = f"{_DAY_ONE + timedelta(days=number)} 09:00:00"
    lines = [
        {
            "product_id": products[(number + line) % len(products)],
            "name": f"Spare part {line + 1}",
            "product_qty": 2 + line,
            "price_unit": 12.5,
            "date_planned": day,
            "product_uom": unit,
        }
        for line in range(2)
    ]
    return {
        "partner_id": vendors[number % len(vendors)],
        "date_order": day,
        "partner_ref": f"Q-{number + 1}",
        "order_line": [[0, 0, line] for line in lines],
    }
