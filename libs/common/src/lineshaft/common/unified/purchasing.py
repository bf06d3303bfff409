"""What is bought, and from whom."""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import JsonValue

from lineshaft.common.unified.entity import Entity
from lineshaft.common.unified.values import (
    Code,
    ItemReference,
    LocationReference,
    Money,
    PersonReference,
    PurchaseOrderReference,
    Timestamp,
    Value,
    VendorReference,
    WorkOrderReference,
)

VendorKind = Literal["supplier", "manufacturer", "contractor"]
PurchaseOrderStatus = Literal[
    "draft",
    "pending_approval",
    "approved",
    "sent",
    "partially_received",
    "received",
    "invoiced",
    "closed",
    "cancelled",
    "rejected",
]
PurchaseOrderLineStatus = Literal["open", "partially_received", "received", "closed", "cancelled"]
PurchaseRequisitionStatus = Literal["draft", "pending", "approved", "rejected", "ordered", "cancelled"]


class Vendor(Entity):
    entity: Literal["vendor"] = "vendor"
    name: str | None = None
    kind: VendorKind | None = None
    kind_source: Code | None = None
    tax_id: str | None = None
    currency: str | None = None
    payment_terms: str | None = None
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    addresses: JsonValue = None
    contacts: JsonValue = None
    rating: Decimal | None = None
    active: bool | None = None
    blocked: bool | None = None


class PurchaseOrderLine(Value):
    line_no: int | None = None
    source_id: str | None = None
    item: ItemReference | None = None
    description: str | None = None
    quantity: Decimal | None = None
    uom: str | None = None
    unit_price: Money | None = None
    total: Money | None = None
    tax: Money | None = None
    received_quantity: Decimal | None = None
    required_on: date | None = None
    status: PurchaseOrderLineStatus | None = None
    status_source: Code | None = None
    account: str | None = None
    tracking_categories: list[str] | None = None


class PurchaseReceipt(Value):
    received_at: Timestamp | None = None
    line_no: int | None = None
    location: LocationReference | None = None
    quantity: Decimal | None = None
    lot: str | None = None


class PurchaseOrder(Entity):
    entity: Literal["purchase_order"] = "purchase_order"
    title: str | None = None
    status: PurchaseOrderStatus | None = None
    status_source: Code | None = None
    vendor: VendorReference | None = None
    vendor_reference: str | None = None
    """The number the vendor gave it"""
    buyer: PersonReference | None = None
    approver: PersonReference | None = None
    ordered_on: date | None = None
    required_on: date | None = None
    delivery_on: date | None = None
    approved_on: date | None = None
    currency: str | None = None
    subtotal: Money | None = None
    """Without tax"""
    tax: Money | None = None
    shipping: Money | None = None
    total: Money | None = None
    ship_to: JsonValue = None
    bill_to: JsonValue = None
    payment_terms: str | None = None
    incoterms: str | None = None
    memo: str | None = None
    company: str | None = None
    cost_center: str | None = None
    work_order: WorkOrderReference | None = None
    lines: list[PurchaseOrderLine] | None = None
    receipts: list[PurchaseReceipt] | None = None


class PurchaseRequisition(Entity):
    """A wish to buy; it becomes part of a purchase order."""

    entity: Literal["purchase_requisition"] = "purchase_requisition"
    title: str | None = None
    status: PurchaseRequisitionStatus | None = None
    status_source: Code | None = None
    purchase_order: PurchaseOrderReference | None = None
    vendor: VendorReference | None = None
    requested_by: PersonReference | None = None
    approver: PersonReference | None = None
    requested_on: date | None = None
    required_on: date | None = None
    approved_on: date | None = None
    currency: str | None = None
    total: Money | None = None
    memo: str | None = None
    company: str | None = None
    cost_center: str | None = None
    work_order: WorkOrderReference | None = None
    lines: list[PurchaseOrderLine] | None = None
