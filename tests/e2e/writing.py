"""A record of a customer's system, written through the unified model."""

from typing import Any

from lineshaft.tools.demo.vendor import Vendor


def made_changed_and_read_back(
    vendor: Vendor, connection_id: str, route: str, new: dict[str, Any], change: dict[str, Any]
) -> dict[str, Any]:
    """As it was read at last."""
    of = f"?connection_id={connection_id}"
    made = vendor.call("POST", f"/{route}{of}", new)
    assert made.status_code == 201, made.text
    assert_has(made.json(), new)
    path = f"/{route}/{made.json()['id']}{of}"
    changed = vendor.call("PATCH", path, change)
    assert changed.status_code == 200, changed.text
    read: dict[str, Any] = vendor.get(path)
    assert_has(read, new | change)
    assert read["source_id"] == made.json()["source_id"]
    return read


def assert_has(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A reference has a label besides."""
    for name, value in wanted.items():
        shown = {part: found[name][part] for part in value} if isinstance(value, dict) else found[name]
        assert shown == value, name


def a_vendor_and_its_purchase_order(
    vendor: Vendor,
    connection_id: str,
    of_vendor: dict[str, Any],
    order: dict[str, Any],
    change: dict[str, Any],
) -> dict[str, dict[str, Any]]:
    """Both as they were read at last, by their routes."""
    bolts = made_changed_and_read_back(
        vendor, connection_id, "vendors", {"name": "Bolts & Co", **of_vendor}, {"name": "Bolts & Nuts"}
    )
    order = {"title": "Bolts", "vendor": {"id": bolts["id"]}, **order}
    ordered = made_changed_and_read_back(vendor, connection_id, "purchase-orders", order, change)
    return {"vendors": bolts, "purchase-orders": ordered}
