"""Source systems as data: one folder each, with a manifest and a default mapping."""

from lineshaft.common.integrations.catalog import Catalog, UnknownSystemError
from lineshaft.common.integrations.errors import Fault, IntegrationError
from lineshaft.common.integrations.manifest import Manifest
from lineshaft.common.integrations.system import EntityMapping, System

__all__ = [
    "Catalog",
    "EntityMapping",
    "Fault",
    "IntegrationError",
    "Manifest",
    "System",
    "UnknownSystemError",
]
