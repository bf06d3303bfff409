"""Why and how often work is done: plans, failures and downtime."""

from datetime import date
from decimal import Decimal
from typing import Literal

from lineshaft.common.unified.entity import Entity
from lineshaft.common.unified.values import (
    AssetReference,
    Code,
    LocationReference,
    MeterReference,
    Text,
    Timestamp,
    WorkOrderReference,
    WorkRequestReference,
)

PlanStrategy = Literal["time", "meter", "condition", "mixed"]
IntervalUnit = Literal["day", "week", "month", "year", "hour", "count"]
PlanBasis = Literal["scheduled_date", "completed_date"]
DetectionMethod = Literal["periodic_pm", "inspection", "monitoring", "on_demand", "casual", "other"]
FailureEffect = Literal["none", "degraded", "stopped", "safety", "environment"]
DowntimeKind = Literal["planned", "unplanned", "standby"]


class MaintenancePlan(Entity):
    entity: Literal["maintenance_plan"] = "maintenance_plan"
    name: str | None = None
    description: Text | None = None
    asset: AssetReference | None = None
    location: LocationReference | None = None
    asset_list: list[AssetReference] | None = None
    strategy: PlanStrategy | None = None
    strategy_source: Code | None = None
    interval_value: Decimal | None = None
    interval_unit: IntervalUnit | None = None
    interval_unit_source: Code | None = None
    meter: MeterReference | None = None
    meter_interval: Decimal | None = None
    basis: PlanBasis | None = None
    """Whether the next due date follows the schedule or the last completion"""
    basis_source: Code | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    next_due_at: Timestamp | None = None
    last_done_at: Timestamp | None = None
    lead_days: int | None = None
    tolerance_days: int | None = None
    job_template: str | None = None
    tasks: list[str] | None = None
    active: bool | None = None


class FailureReport(Entity):
    """One failure in the terms of ISO 14224, which keeps mode, mechanism and cause apart."""

    entity: Literal["failure_report"] = "failure_report"
    asset: AssetReference | None = None
    failed_component: AssetReference | None = None
    """The maintainable item (ISO 14224 level 8)"""
    work_order: WorkOrderReference | None = None
    request: WorkRequestReference | None = None
    detected_at: Timestamp | None = None
    detection_method: DetectionMethod | None = None
    detection_method_source: Code | None = None
    failure_mode: Code | None = None
    failure_mechanism: Code | None = None
    failure_cause: Code | None = None
    effect: FailureEffect | None = None
    effect_source: Code | None = None
    remedy: Code | None = None
    repair_minutes: int | None = None
    """Active maintenance time"""
    waiting_minutes: int | None = None
    """Logistic delay"""


class DowntimeEvent(Entity):
    entity: Literal["downtime_event"] = "downtime_event"
    asset: AssetReference | None = None
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    minutes: int | None = None
    kind: DowntimeKind | None = None
    kind_source: Code | None = None
    reason: Code | None = None
    work_order: WorkOrderReference | None = None
