"""Value types that the fields of unified entities share."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Multiline:
    """Marks a string that may hold several lines."""


@dataclass(frozen=True, slots=True)
class RefersTo:
    """Names the entity that a reference points to."""

    entity: str


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Code(Value):
    """A code of the source system and the label it shows for it."""

    code: str
    label: str | None = None


class Money(Value):
    amount: Decimal
    """A decimal string, never a binary float."""
    currency: str | None = None
    """ISO 4217; null where the source does not say."""


class Quantity(Value):
    value: Decimal
    uom: str | None = None
    """The unit as the source writes it."""


class Reference(Value):
    """Points to another entity of the same connection, which need not have been read yet."""

    id: str
    source_id: str
    display: str | None = None


class AnyReference(Reference):
    """A reference whose target differs from record to record."""

    entity: str


Text = Annotated[str, Multiline()]
Timestamp = AwareDatetime

SiteReference = Annotated[Reference, RefersTo("site")]
LocationReference = Annotated[Reference, RefersTo("location")]
AssetReference = Annotated[Reference, RefersTo("asset")]
MeterReference = Annotated[Reference, RefersTo("meter")]
WorkRequestReference = Annotated[Reference, RefersTo("work_request")]
WorkOrderReference = Annotated[Reference, RefersTo("work_order")]
WorkTaskReference = Annotated[Reference, RefersTo("work_task")]
PersonReference = Annotated[Reference, RefersTo("person")]
ItemReference = Annotated[Reference, RefersTo("item")]
VendorReference = Annotated[Reference, RefersTo("vendor")]
MaintenancePlanReference = Annotated[Reference, RefersTo("maintenance_plan")]
FailureReportReference = Annotated[Reference, RefersTo("failure_report")]
PurchaseOrderReference = Annotated[Reference, RefersTo("purchase_order")]
