"""What the plant makes: its people, production orders with their operations, quality and stock movements."""  # noqa: INP001 - a script of another environment

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import plant

ORDERS = 13
REQUESTS = 8
DELIVERIES = 20


def create_employees(pool: Any) -> None:
    (company,) = pool.get("company.company").search([])
    parties = pool.get("party.party").create(
        [
            {
                "name": name,
                "code": f"E-{number:03}",
                "contact_mechanisms": [("create", [{"type": "email", "value": plant.email_of(name)}])],
            }
            for number, name in enumerate(plant.EMPLOYEES, 1)
        ]
    )
    pool.get("company.employee").create([{"party": party.id, "company": company.id} for party in parties])


def create_production(pool: Any, today: date) -> None:
    """Orders in each state, each with the operations of its routing."""
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    (warehouse,) = pool.get("stock.location").search([("type", "=", "warehouse")], limit=1)
    (template,) = pool.get("product.template").create(
        [
            {
                "name": "Guard plate",
                "code": "GP-100",
                "type": "goods",
                "default_uom": unit,
                "list_price": Decimal("48.00"),
                "cost_price_method": "fixed",
                "producible": True,
                "products": [("create", [{"cost_price": Decimal("21.50")}])],
            }
        ]
    )
    operations = pool.get("production.routing.operation").create([{"name": one} for one in plant.OPERATIONS])
    centers = pool.get("production.work.center").create(
        [
            {"name": name, "cost_price": Decimal("60.00"), "cost_method": "hour", "warehouse": warehouse.id}
            for name in plant.OPERATIONS.values()
        ]
    )
    works = [
        {"operation": operation.id, "work_center": center.id, "sequence": 10 * number}
        for number, (operation, center) in enumerate(zip(operations, centers, strict=True), 1)
    ]
    model = pool.get("production")
    orders = model.create(
        [
            {
                "warehouse": warehouse.id,
                "location": warehouse.production_location.id,
                "product": template.products[0].id,
                "unit": unit.id,
                "quantity": float(5 * (number + 1)),
                "planned_date": today + timedelta(days=number),
                "planned_start_date": today + timedelta(days=number - 1),
                "works": [("create", works)],
            }
            for number in range(ORDERS)
        ]
    )
    model.wait(orders[3:])
    model.assign(orders[6:])
    model.run(orders[8:])
    model.cancel(orders[3:4])
    finish(pool, orders[-1])


def finish(pool: Any, order: Any) -> None:
    """Tryton ends an order when all of its works are finished, and a work when its cycles are done."""
    cycles = pool.get("production.work.cycle")
    made = cycles.create([{"work": work.id, "duration": timedelta(minutes=30)} for work in order.works])
    cycles.run(made)
    cycles.do(made)
    pool.get("production").do([order])


def create_quality(pool: Any) -> None:
    (control,) = pool.get("quality.control").create(
        [
            {
                "name": "Flatness",
                "operations": ["production:run"],
                "points": [
                    (
                        "create",
                        [
                            {
                                "name": "flatness",
                                "string": "Flatness (mm)",
                                "type_": "float",
                                "digits": 2,
                                "tolerance_lower": 0.0,
                                "tolerance_upper": 0.3,
                            }
                        ],
                    )
                ],
            }
        ]
    )
    orders = pool.get("production").search([("state", "=", "running")], order=[("id", "ASC")])
    inspections = pool.get("quality.inspection").create(
        [
            {"control": control.id, "origin": str(order), "points": {"flatness": 0.4}}
            for order in orders[: len(plant.ALERTS)]
        ]
    )
    model = pool.get("quality.alert")
    alerts = model.create(
        [
            {"title": title, "description": description, "origin": str(inspection)}
            for (title, description), inspection in zip(plant.ALERTS, inspections, strict=True)
        ]
    )
    model.process(alerts[1:])
    model.resolve(alerts[2:3])
    model.defer(alerts[3:])


def create_requests(pool: Any, parts: list[int], vendors: list[int], today: date) -> None:
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    (warehouse,) = pool.get("stock.location").search([("type", "=", "warehouse")], limit=1)
    pool.get("purchase.request").create(
        [
            {
                "product": parts[number],
                "party": vendors[number],
                "description": f"Below its minimum, week {number + 1}",
                "quantity": float(number + 1),
                "unit": unit.id,
                "warehouse": warehouse.id,
                "purchase_date": today,
                "supply_date": today + timedelta(days=7 + number),
            }
            for number in range(REQUESTS)
        ]
    )


def create_movements(pool: Any, parts: list[int], today: date) -> None:
    """Parts that came from a supplier, of which some were put into another place."""
    locations, model = pool.get("stock.location"), pool.get("stock.move")
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    (currency,) = pool.get("currency.currency").search([("code", "=", "EUR")])
    (supplier,) = locations.search([("type", "=", "supplier")], limit=1)
    (store,) = locations.search([("code", "=", "NG-H1-03")])
    (other,) = locations.search([("code", "=", "NG-H2-01")])
    received = [
        {
            "product": part,
            "unit": unit.id,
            "quantity": 10.0,
            "from_location": supplier.id,
            "to_location": store.id,
            "effective_date": today - timedelta(days=number),
            "unit_price": Decimal("2.50"),
            "currency": currency.id,
        }
        for number, part in enumerate(parts[:DELIVERIES])
    ]
    model.do(model.create(received))
    moved = {
        "unit": unit.id,
        "quantity": 2.0,
        "from_location": store.id,
        "to_location": other.id,
        "effective_date": today,
    }
    model.do(model.create([{"product": part, **moved} for part in parts[:DELIVERIES:4]]))
