"""Work that is asked for, planned and done."""

from decimal import Decimal
from typing import Literal

from lineshaft.common.unified.entity import Entity
from lineshaft.common.unified.values import (
    AssetReference,
    Code,
    FailureReportReference,
    LocationReference,
    MaintenancePlanReference,
    Money,
    PersonReference,
    SiteReference,
    Text,
    Timestamp,
    VendorReference,
    WorkOrderReference,
    WorkRequestReference,
    WorkTaskReference,
)

Priority = Literal["none", "low", "medium", "high", "critical"]
WorkRequestKind = Literal["malfunction", "maintenance_request", "activity_report", "other"]
WorkRequestStatus = Literal["new", "approved", "rejected", "in_process", "completed", "cancelled"]
WorkOrderType = Literal[
    "corrective", "preventive", "predictive", "inspection", "calibration", "project", "cycle_count", "other"
]
WorkOrderStatus = Literal[
    "draft",
    "waiting_approval",
    "approved",
    "scheduled",
    "in_progress",
    "on_hold",
    "completed",
    "closed",
    "cancelled",
    "skipped",
]
PartsStatus = Literal["none", "reserved", "staged", "issued", "short"]
WorkTaskKind = Literal["step", "inspection", "measurement", "approval"]
WorkTaskStatus = Literal["open", "done", "skipped", "failed"]
LaborCategory = Literal["work", "travel", "wait", "overtime"]


class WorkRequest(Entity):
    """A notification that something is wrong or wanted (CCOM WorkRequest, SAP notification)."""

    entity: Literal["work_request"] = "work_request"
    title: str | None = None
    description: Text | None = None
    kind: WorkRequestKind | None = None
    kind_source: Code | None = None
    status: WorkRequestStatus | None = None
    status_source: Code | None = None
    priority: Priority | None = None
    priority_source: Code | None = None
    asset: AssetReference | None = None
    location: LocationReference | None = None
    requested_by: PersonReference | None = None
    contact: str | None = None
    """Who asked, where it is no person of the source system"""
    required_start: Timestamp | None = None
    required_end: Timestamp | None = None
    malfunction_start: Timestamp | None = None
    malfunction_end: Timestamp | None = None
    breakdown: bool | None = None
    """The asset is down"""
    work_order: WorkOrderReference | None = None
    rejection_reason: str | None = None
    reported_at: Timestamp | None = None
    completed_at: Timestamp | None = None


class WorkOrder(Entity):
    entity: Literal["work_order"] = "work_order"
    title: str | None = None
    description: Text | None = None
    type: WorkOrderType | None = None
    type_source: Code | None = None
    status: WorkOrderStatus | None = None
    status_source: Code | None = None
    status_changed_at: Timestamp | None = None
    priority: Priority | None = None
    priority_source: Code | None = None
    asset: AssetReference | None = None
    location: LocationReference | None = None
    site: SiteReference | None = None
    parent: WorkOrderReference | None = None
    request: WorkRequestReference | None = None
    plan: MaintenancePlanReference | None = None
    assigned_people: list[PersonReference] | None = None
    assigned_teams: list[PersonReference] | None = None
    work_center: PersonReference | None = None
    planner: PersonReference | None = None
    vendor: VendorReference | None = None
    """The contractor who does it"""
    requested_at: Timestamp | None = None
    due_at: Timestamp | None = None
    planned_start: Timestamp | None = None
    planned_end: Timestamp | None = None
    actual_start: Timestamp | None = None
    actual_end: Timestamp | None = None
    estimated_hours: Decimal | None = None
    actual_hours: Decimal | None = None
    downtime_minutes: int | None = None
    planned_cost: Money | None = None
    actual_cost: Money | None = None
    cost_center: str | None = None
    gl_account: str | None = None
    completion_note: Text | None = None
    completed_by: PersonReference | None = None
    failure: FailureReportReference | None = None
    safety_permits: list[str] | None = None
    parts_status: PartsStatus | None = None
    parts_status_source: Code | None = None


class WorkTask(Entity):
    """One operation or step of a work order (CCOM WorkStep)."""

    entity: Literal["work_task"] = "work_task"
    work_order: WorkOrderReference | None = None
    sequence: int | None = None
    title: str | None = None
    instruction: Text | None = None
    kind: WorkTaskKind | None = None
    kind_source: Code | None = None
    status: WorkTaskStatus | None = None
    status_source: Code | None = None
    work_center: str | None = None
    craft: str | None = None
    skill: str | None = None
    planned_hours: Decimal | None = None
    actual_hours: Decimal | None = None
    headcount: int | None = None
    planned_start: Timestamp | None = None
    planned_end: Timestamp | None = None
    actual_end: Timestamp | None = None
    result_value: Decimal | None = None
    result_unit: str | None = None
    result_ok: bool | None = None
    purchase_requisition: str | None = None
    """Number of the requisition for an external service"""


class LaborEntry(Entity):
    entity: Literal["labor_entry"] = "labor_entry"
    work_order: WorkOrderReference | None = None
    task: WorkTaskReference | None = None
    person: PersonReference | None = None
    team: PersonReference | None = None
    craft: str | None = None
    category: LaborCategory | None = None
    category_source: Code | None = None
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    hours: Decimal | None = None
    rate: Money | None = None
    """Per hour"""
    cost: Money | None = None
    approved: bool | None = None
