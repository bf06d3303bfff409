"""The unified model: one shape for the records of every CMMS, ERP and WMS."""

from lineshaft.common.unified.entity import CustomObject, DeletionKind, Entity
from lineshaft.common.unified.identity import CUSTOM_PREFIX, entity_id, join_source_key, split_source_key
from lineshaft.common.unified.kinds import FieldKind, Kind, UnifiedField
from lineshaft.common.unified.registry import (
    ENTITIES,
    ENTITY_BY_ROUTE,
    ROUTES,
    fields_of,
    is_custom,
    model_of,
)
from lineshaft.common.unified.values import AnyReference, Code, Money, Quantity, Reference

__all__ = [
    "CUSTOM_PREFIX",
    "ENTITIES",
    "ENTITY_BY_ROUTE",
    "ROUTES",
    "AnyReference",
    "Code",
    "CustomObject",
    "DeletionKind",
    "Entity",
    "FieldKind",
    "Kind",
    "Money",
    "Quantity",
    "Reference",
    "UnifiedField",
    "entity_id",
    "fields_of",
    "is_custom",
    "join_source_key",
    "model_of",
    "split_source_key",
]
