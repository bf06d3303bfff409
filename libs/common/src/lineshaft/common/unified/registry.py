"""All unified entities by name, with their routes and fields."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from lineshaft.common.unified.assets import Asset, Meter, MeterReading
from lineshaft.common.unified.documents import Document
from lineshaft.common.unified.entity import CustomObject, Entity
from lineshaft.common.unified.identity import CUSTOM_PREFIX
from lineshaft.common.unified.kinds import UnifiedField, fields_of_model
from lineshaft.common.unified.maintenance import DowntimeEvent, FailureReport, MaintenancePlan
from lineshaft.common.unified.people import Person
from lineshaft.common.unified.places import Location, Site
from lineshaft.common.unified.purchasing import PurchaseOrder, PurchaseRequisition, Vendor
from lineshaft.common.unified.stock import Item, StockLevel, StockMovement
from lineshaft.common.unified.work import LaborEntry, WorkOrder, WorkRequest, WorkTask

ENTITIES: Mapping[str, type[Entity]] = MappingProxyType(
    {
        "site": Site,
        "location": Location,
        "asset": Asset,
        "meter": Meter,
        "meter_reading": MeterReading,
        "work_request": WorkRequest,
        "work_order": WorkOrder,
        "work_task": WorkTask,
        "labor_entry": LaborEntry,
        "person": Person,
        "item": Item,
        "stock_level": StockLevel,
        "stock_movement": StockMovement,
        "maintenance_plan": MaintenancePlan,
        "failure_report": FailureReport,
        "downtime_event": DowntimeEvent,
        "vendor": Vendor,
        "purchase_order": PurchaseOrder,
        "purchase_requisition": PurchaseRequisition,
        "document": Document,
    }
)

_IRREGULAR = {"person": "people", "labor_entry": "labor-entries"}

ROUTES: Mapping[str, str] = MappingProxyType(
    {name: _IRREGULAR.get(name, name.replace("_", "-") + "s") for name in ENTITIES}
)
"""Entity name to the segment of its URL: `work_order` -> `work-orders`."""

ENTITY_BY_ROUTE: Mapping[str, str] = MappingProxyType({route: name for name, route in ROUTES.items()})


def is_custom(entity: str) -> bool:
    """Whether the name stands for a custom object: `custom:<object>`."""
    return entity.startswith(CUSTOM_PREFIX) and len(entity) > len(CUSTOM_PREFIX)


def model_of(entity: str) -> type[Entity]:
    """The model of an entity or of `custom:<object>`.

    Raises:
        KeyError: there is no such entity.
    """
    return CustomObject if is_custom(entity) else ENTITIES[entity]


@cache
def _fields_of_model(model: type[Entity]) -> Mapping[str, UnifiedField]:
    return MappingProxyType(fields_of_model(model))


def fields_of(entity: str) -> Mapping[str, UnifiedField]:
    """The fields of an entity or of `custom:<object>` by name, envelope first.

    Raises:
        KeyError: there is no such entity.
    """
    return _fields_of_model(model_of(entity))
