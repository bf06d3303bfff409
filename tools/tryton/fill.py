"""Fills an initialised Tryton database with a plant. Runs in Tryton's environment, not in ours.

TRYTOND_CONFIG=trytond.conf python fill.py --database plant --credentials credentials.json --products 300
"""  # noqa: INP001 - a script of another environment

import argparse
import json
import os
import random
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import bulk
import plant
import workshop
from trytond.pool import Pool
from trytond.transaction import Transaction

# More nested records in one call exceed Tryton's recursion limit.
BATCH = 50
CREATED_ONE_BY_ONE = 1_000
INTEGRATION_LOGIN = "lineshaft"
READABLE = [
    "party.party",
    "party.address",
    "party.contact_mechanism",
    "product.template",
    "product.product",
    "stock.location",
    "stock.lot",
    "purchase.purchase",
    "purchase.line",
    "purchase.request",
    "company.employee",
    "stock.move",
    "production",
    "production.work",
    "production.work.center",
    "production.routing.operation",
    "quality.alert",
    "quality.inspection",
]
WRITABLE = ["party.party", "purchase.purchase", "purchase.line"]


def main() -> None:
    options = parse_arguments()
    Pool.start()
    pool = Pool(options.database)
    with Transaction().start(options.database, 0):
        pool.init()
    with Transaction().start(options.database, 1):
        company = create_company(pool)
    context = {"company": company, "companies": [company], "_skip_warnings": True}
    fill(options, context, workshop.create_employees)
    vendors = fill(options, context, create_vendors, options.vendors)
    fill(options, context, create_locations)
    parts = fill(options, context, create_parts, options.products)
    fill(options, context, create_equipment, options.lots)
    fill(options, context, create_purchases, options.purchases, vendors, parts)
    today = datetime.now(UTC).date()
    fill(options, context, workshop.create_production, today)
    fill(options, context, workshop.create_quality)
    fill(options, context, workshop.create_requests, parts, vendors, today)
    fill(options, context, workshop.create_movements, parts, today)
    password = secrets.token_urlsafe(18)
    fill(options, context, create_integration_user, password, user=0)
    fill(options, context, copy_parts, options.products, parts[0])
    credentials = {"username": INTEGRATION_LOGIN, "password": password}
    descriptor = os.open(options.credentials, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(credentials, file)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--credentials", required=True, type=Path)
    parser.add_argument("--vendors", type=int, default=60)
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--lots", type=int, default=120)
    parser.add_argument("--purchases", type=int, default=40)
    return parser.parse_args()


def fill(
    options: argparse.Namespace, context: dict[str, Any], create: Any, *arguments: Any, user: int = 1
) -> Any:
    """One transaction per step, so that a big plant does not grow one transaction without end."""
    with Transaction().start(options.database, user, context=context):
        return create(Pool(), *arguments)


def create_company(pool: Any) -> int:
    currencies, parties, companies, users = (
        pool.get(name) for name in ("currency.currency", "party.party", "company.company", "res.user")
    )
    (euro,) = currencies.create(
        [
            {
                "name": "Euro",
                "symbol": "€",
                "code": "EUR",
                "numeric_code": "978",
                "rounding": Decimal("0.01"),
                "digits": 2,
            }
        ]
    )
    (party,) = parties.create([{"name": "Northgate Works", "code": "NORTHGATE"}])
    (company,) = companies.create([{"party": party.id, "currency": euro.id}])
    users.write([users(1)], {"companies": [("add", [company.id])], "company": company.id})
    return int(company.id)


def create_vendors(pool: Any, count: int) -> list[int]:
    parties = pool.get("party.party")
    created = []
    for numbers in batches(count):
        rows = [plant.vendor(number) for number in numbers]
        created += parties.create(
            [
                {
                    "code": row["code"],
                    "name": row["name"],
                    "addresses": [
                        (
                            "create",
                            [
                                {key: row[key] for key in ("street", "city", "postal_code")}
                                | {"invoice": True}
                            ],
                        )
                    ],
                    "contact_mechanisms": [("create", [{"type": "email", "value": row["email"]}])],
                }
                for row in rows
            ]
        )
    return [party.id for party in created]


def create_locations(pool: Any) -> None:
    locations = pool.get("stock.location")
    (works,) = locations.create([{"name": "Northgate Works", "code": "NG", "type": "view"}])
    for hall_number, (hall, areas) in enumerate(plant.HALLS.items(), 1):
        (view,) = locations.create(
            [{"name": hall, "code": f"NG-H{hall_number}", "type": "view", "parent": works.id}]
        )
        locations.create(
            [
                {"name": area, "code": f"NG-H{hall_number}-{number:02}", "type": "storage", "parent": view.id}
                for number, area in enumerate(areas, 1)
            ]
        )


def create_parts(pool: Any, count: int) -> list[int]:
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    created = []
    for numbers in batches(min(count, CREATED_ONE_BY_ONE)):
        created += create_products(pool, [plant.part(number) for number in numbers], unit.id)
    return created


def copy_parts(pool: Any, count: int, part: int) -> None:
    if count > CREATED_ONE_BY_ONE:
        pattern = pool.get("product.product")(part)
        bulk.copy_product(pattern.template.id, pattern.id, range(CREATED_ONE_BY_ONE, count))


def create_equipment(pool: Any, count: int) -> None:
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    rows = [
        {"code": f"EQ-{prefix}", "name": name, "description": name, "cost": "0.00", "price": "0.00"}
        for prefix, name in plant.EQUIPMENT
    ]
    products = create_products(pool, rows, unit.id)
    kinds = len(plant.EQUIPMENT)
    for numbers in batches(count):
        pool.get("stock.lot").create(
            [
                {
                    "number": f"{plant.EQUIPMENT[number % kinds][0]}-{number // kinds + 1}",
                    "product": products[number % kinds],
                }
                for number in numbers
            ]
        )


def create_products(pool: Any, rows: list[dict[str, str]], unit: int) -> list[int]:
    templates = pool.get("product.template").create(
        [
            {
                "name": row["name"],
                "code": row["code"],
                "type": "goods",
                "default_uom": unit,
                "list_price": Decimal(row["price"]),
                "cost_price_method": "fixed",
                "purchasable": True,
                "purchase_uom": unit,
                "products": [
                    ("create", [{"description": row["description"], "cost_price": Decimal(row["cost"])}])
                ],
            }
            for row in rows
        ]
    )
    return [product.id for template in templates for product in template.products]


def create_purchases(pool: Any, count: int, vendors: list[int], parts: list[int]) -> None:
    purchase_orders, parties, products = (
        pool.get(name) for name in ("purchase.purchase", "party.party", "product.product")
    )
    (warehouse,) = pool.get("stock.location").search([("type", "=", "warehouse")], limit=1)
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    today = datetime.now(UTC).date()
    chance = random.Random("purchases")  # noqa: S311 - the same plant every time
    purchases = []
    for number in range(count):
        vendor = parties(chance.choice(vendors))
        lines = [
            {
                "type": "line",
                "product": part.id,
                "quantity": float(chance.randint(1, 20)),
                "unit": unit.id,
                "unit_price": part.cost_price or Decimal("1.00"),
            }
            for part in products.browse(chance.sample(parts, chance.randint(1, 5)))
        ]
        purchases += purchase_orders.create(
            [
                {
                    "party": vendor.id,
                    "invoice_address": vendor.addresses[0].id,
                    "warehouse": warehouse.id,
                    "reference": f"REQ-{number + 1:05}",
                    "description": f"Spare parts, week {number % 52 + 1}",
                    "purchase_date": today - timedelta(days=chance.randint(0, 180)),
                    "lines": [("create", lines)],
                }
            ]
        )
    purchase_orders.quote([purchase for index, purchase in enumerate(purchases) if index % 4])
    purchase_orders.confirm([purchase for index, purchase in enumerate(purchases) if index % 4 > 1])
    purchase_orders.cancel([purchase for index, purchase in enumerate(purchases) if index % 16 == 1])


def create_integration_user(pool: Any, password: str) -> None:
    """An ordinary account: what it may do comes from one group."""
    groups, access, users = (pool.get(name) for name in ("res.group", "ir.model.access", "res.user"))
    (group,) = groups.create([{"name": "Integration"}])
    access.create(
        [
            {
                "model": model,
                "group": group.id,
                "perm_read": True,
                "perm_write": model in WRITABLE,
                "perm_create": model in WRITABLE,
                "perm_delete": model in WRITABLE,
            }
            for model in READABLE
        ]
    )
    # The base configuration lets everybody read some of these. Here the right comes from the group alone, so
    # that it can be taken away: the rows of the base configuration cannot be changed while the server runs.
    access.write(
        access.search([("model", "in", READABLE), ("group", "=", None)]),
        {"perm_read": False},
    )
    (company,) = pool.get("company.company").search([])
    users.create(
        [
            {
                "name": "Lineshaft",
                "login": INTEGRATION_LOGIN,
                "password": password,
                "groups": [("add", [group.id])],
                "companies": [("add", [company.id])],
                "company": company.id,
            }
        ]
    )


def batches(count: int) -> Iterator[range]:
    for start in range(0, count, BATCH):
        yield range(start, min(start + BATCH, count))


if __name__ == "__main__":
    main()
