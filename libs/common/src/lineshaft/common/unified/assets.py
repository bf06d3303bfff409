"""Equipment and what is measured on it."""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import JsonValue

from lineshaft.common.unified.entity import Entity
from lineshaft.common.unified.values import (
    AssetReference,
    Code,
    ItemReference,
    LocationReference,
    MeterReference,
    Money,
    PersonReference,
    SiteReference,
    Text,
    Timestamp,
    VendorReference,
)

AssetStatus = Literal["in_service", "standby", "out_of_service", "in_repair", "decommissioned"]
AssetCriticality = Literal["low", "medium", "high", "safety"]
MeterKind = Literal["counter", "gauge", "characteristic"]
MeterSourceKind = Literal["manual", "sensor", "iot"]
ReadingQuality = Literal["good", "suspect", "bad"]


class Asset(Entity):
    """A physical piece of equipment (ISO 14224 equipment unit and below, CCOM Asset)."""

    entity: Literal["asset"] = "asset"
    name: str | None = None
    description: Text | None = None
    asset_class: str | None = None
    taxonomy_level: int | None = None
    """ISO 14224: 6 equipment unit, 7 subunit, 8 maintainable item, 9 part"""
    parent: AssetReference | None = None
    location: LocationReference | None = None
    site: SiteReference | None = None
    item: ItemReference | None = None
    """The item of which this asset is one piece."""
    manufacturer: str | None = None
    model: str | None = None
    model_number: str | None = None
    serial_number: str | None = None
    tag: str | None = None
    """Tag, barcode or NFC id"""
    fixed_asset_id: str | None = None
    """Key in the financial books"""
    status: AssetStatus | None = None
    status_source: Code | None = None
    criticality: AssetCriticality | None = None
    criticality_source: Code | None = None
    commissioned_on: date | None = None
    installed_on: date | None = None
    warranty_until: date | None = None
    acquisition_cost: Money | None = None
    replacement_cost: Money | None = None
    expected_life_months: int | None = None
    vendor: VendorReference | None = None
    owner_team: PersonReference | None = None
    health_score: Decimal | None = None
    """0 (failed) to 1 (as new)"""
    attributes: JsonValue = None
    """Nameplate values that depend on the class"""


class Meter(Entity):
    """A point of measurement on an asset or at a location (CCOM MeasurementLocation)."""

    entity: Literal["meter"] = "meter"
    name: str | None = None
    asset: AssetReference | None = None
    location: LocationReference | None = None
    kind: MeterKind | None = None
    kind_source: Code | None = None
    unit: str | None = None
    """UCUM code where the source has one"""
    source_kind: MeterSourceKind | None = None
    source_kind_source: Code | None = None
    expected_interval_s: int | None = None
    rollover_value: Decimal | None = None
    lower_limit: Decimal | None = None
    upper_limit: Decimal | None = None
    last_reading: Decimal | None = None
    last_reading_at: Timestamp | None = None


class MeterReading(Entity):
    entity: Literal["meter_reading"] = "meter_reading"
    meter: MeterReference | None = None
    value: Decimal | None = None
    delta: Decimal | None = None
    """Difference to the reading before"""
    read_at: Timestamp | None = None
    recorded_at: Timestamp | None = None
    read_by: PersonReference | None = None
    quality: ReadingQuality | None = None
    quality_source: Code | None = None
    note: Text | None = None
