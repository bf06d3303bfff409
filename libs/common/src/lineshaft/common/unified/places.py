"""Where things are: sites and functional locations."""

from datetime import date
from typing import Literal

from pydantic import JsonValue

from lineshaft.common.unified.entity import Entity
from lineshaft.common.unified.values import (
    AssetReference,
    Code,
    LocationReference,
    SiteReference,
    Text,
    Value,
)

SiteKind = Literal["enterprise", "site", "area", "business_unit"]
LocationKind = Literal["area", "unit", "section", "system", "position", "storeroom", "building", "room"]
LocationStatus = Literal["active", "inactive", "planned", "decommissioned"]
LocationCriticality = Literal["a", "b", "c", "none"]


class Site(Entity):
    """A plant or another level of the company's hierarchy (ISA-95 HierarchyScope, CCOM Site)."""

    entity: Literal["site"] = "site"
    name: str | None = None
    code: str | None = None
    kind: SiteKind | None = None
    kind_source: Code | None = None
    parent: SiteReference | None = None
    address: JsonValue = None
    """street, city, region, postal_code, country"""
    geo: JsonValue = None
    """latitude and longitude in degrees"""
    timezone: str | None = None
    """IANA name"""
    currency: str | None = None
    active: bool | None = None


class InstalledAsset(Value):
    """Which asset sat at a location, and when (B2MML EquipmentAssetMapping)."""

    asset: AssetReference | None = None
    installed_on: date | None = None
    removed_on: date | None = None


class Location(Entity):
    """A functional location: the place in the plant where an asset does its work (CCOM Segment)."""

    entity: Literal["location"] = "location"
    name: str | None = None
    description: Text | None = None
    code: str | None = None
    kind: LocationKind | None = None
    kind_source: Code | None = None
    taxonomy_level: int | None = None
    """ISO 14224 level, 1 to 9"""
    site: SiteReference | None = None
    parent: LocationReference | None = None
    path: list[str] | None = None
    """The names of all ancestors, outermost first."""
    criticality: LocationCriticality | None = None
    criticality_source: Code | None = None
    status: LocationStatus | None = None
    status_source: Code | None = None
    barcode: str | None = None
    installed_assets: list[InstalledAsset] | None = None
    geo: JsonValue = None
    active: bool | None = None
