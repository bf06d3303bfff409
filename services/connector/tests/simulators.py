"""The systems that cannot be started here, each by its simulator, with records in it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from .erpnext_source import ErpNext
from .fiix_source import FiixSource
from .maintainx_source import MaintainX
from .maximo_source import MaximoSource
from .odoo_json2_source import OdooJson2Source
from .recorded_odata_source import RecordedOData
from .simulated import Simulated

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
COUNT = 230


def maintainx() -> MaintainX:
    source = MaintainX()
    for number in range(1, COUNT + 1):
        source.put(number, assetId=5)
    return source


def maximo() -> MaximoSource:
    source = MaximoSource()
    for number in range(COUNT):
        source.put("BEDFORD", str(1000 + number), assetnum="11430")
    return source


def erpnext() -> ErpNext:
    source = ErpNext(zone="Asia/Kolkata")
    for number in range(COUNT):
        source.put("Asset Repair", f"ASR-{number:03d}", START, repair_status="Pending", asset="ASSET-1")
    return source


def odoo_json2() -> OdooJson2Source:
    source = OdooJson2Source()
    for number in range(1, COUNT + 1):
        source.put("purchase.order.line", number, name=f"Line {number}", product_qty=2)
        source.put("purchase.order", number, name=f"P{number}", order_line=[number])
    return source


def fiix() -> FiixSource:
    source = FiixSource()
    for number in range(1, COUNT + 1):
        source.put(number, number)
    return source


def sap_s4hana() -> RecordedOData:
    return RecordedOData(system="sap_s4hana")


def business_central() -> RecordedOData:
    return RecordedOData(system="business_central")


def business_central_online() -> RecordedOData:
    return RecordedOData(system="business_central_online")


SIMULATORS: Mapping[str, Callable[[], Simulated]] = {
    one.__name__: one
    for one in (
        maintainx,
        maximo,
        erpnext,
        odoo_json2,
        fiix,
        sap_s4hana,
        business_central,
        business_central_online,
    )
}
READ: Mapping[str, str] = {
    "maintainx": "work_order",
    "maximo": "work_order",
    "erpnext": "work_order",
    "odoo_json2": "purchase_order",
    "fiix": "asset",
    "sap_s4hana": "work_order",
    "business_central": "vendor",
    "business_central_online": "vendor",
}
"""The entity that each has records of."""
