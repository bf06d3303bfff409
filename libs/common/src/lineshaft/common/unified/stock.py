"""Spare parts and materials, where they lie and how they move."""

from datetime import date
from decimal import Decimal
from typing import Literal

from lineshaft.common.unified.entity import Entity
from lineshaft.common.unified.values import (
    AssetReference,
    Code,
    ItemReference,
    LocationReference,
    Money,
    PersonReference,
    PurchaseOrderReference,
    Text,
    Timestamp,
    VendorReference,
    WorkOrderReference,
)

ItemType = Literal["stock", "non_stock", "service", "tool", "rotable"]
ItemCriticality = Literal["low", "medium", "high", "critical"]
ItemStatus = Literal["active", "archived"]
MovementKind = Literal["receipt", "issue", "return", "transfer", "adjust", "count"]


class Item(Entity):
    """A spare part, material or service that can be bought, stored or used."""

    entity: Literal["item"] = "item"
    name: str | None = None
    description: Text | None = None
    part_number: str | None = None
    manufacturer_part_number: str | None = None
    barcode: str | None = None
    item_type: ItemType | None = None
    item_type_source: Code | None = None
    uom: str | None = None
    unit_cost: Money | None = None
    last_price: Money | None = None
    criticality: ItemCriticality | None = None
    criticality_source: Code | None = None
    lead_time_days: int | None = None
    fits_assets: list[AssetReference] | None = None
    preferred_vendor: VendorReference | None = None
    status: ItemStatus | None = None
    status_source: Code | None = None


class StockLevel(Entity):
    """How much of an item lies at one location."""

    entity: Literal["stock_level"] = "stock_level"
    item: ItemReference | None = None
    location: LocationReference | None = None
    bin: str | None = None
    uom: str | None = None
    on_hand: Decimal | None = None
    available: Decimal | None = None
    reserved: Decimal | None = None
    on_order: Decimal | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    reorder_qty: Decimal | None = None
    lot: str | None = None
    serial: str | None = None
    expiry: date | None = None


class StockMovement(Entity):
    entity: Literal["stock_movement"] = "stock_movement"
    kind: MovementKind | None = None
    kind_source: Code | None = None
    item: ItemReference | None = None
    from_location: LocationReference | None = None
    to_location: LocationReference | None = None
    quantity: Decimal | None = None
    uom: str | None = None
    at: Timestamp | None = None
    by: PersonReference | None = None
    work_order: WorkOrderReference | None = None
    purchase_order: PurchaseOrderReference | None = None
    purchase_order_line: int | None = None
    cost: Money | None = None
