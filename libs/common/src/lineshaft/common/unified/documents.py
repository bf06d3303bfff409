"""Files that belong to other entities."""

from typing import Literal

from lineshaft.common.unified.entity import Entity
from lineshaft.common.unified.values import AnyReference, PersonReference, Timestamp


class Document(Entity):
    """A manual, drawing, photo or certificate; the bytes stay in the source system."""

    entity: Literal["document"] = "document"
    name: str | None = None
    kind: str | None = None
    mime: str | None = None
    size: int | None = None
    """Bytes"""
    sha256: str | None = None
    attached_to: list[AnyReference] | None = None
    url: str | None = None
    expires_at: Timestamp | None = None
    """When `url` stops working"""
    uploaded_by: PersonReference | None = None
    uploaded_at: Timestamp | None = None
