"""`connections`: what a connection is, as `api` knows it. Never a secret."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event


class Lifecycle(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    DISCONNECTED = "disconnected"
    DELETED = "deleted"


@event("connection.described", topics.CONNECTIONS.name)
class ConnectionDescribed(EventData):
    """The whole description; a later one replaces it. Of a deleted connection it says only that it was."""

    outlives_connection = True

    connection_id: str
    system: str
    label: str = ""
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    settings: dict[str, Any] = Field(default_factory=dict, description="Addresses and names, never secrets.")
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="The vendor's own; comes back in webhooks."
    )
    objects: list[str] | None = Field(
        default=None, description="Of what the system offers, the objects that are read; null: all."
    )
    account_id: str = ""
    credential_version: int = Field(description="Version of the credentials in force.")
    revision: int = Field(description="Grows with each change; an older one is ignored.")
    created_at: datetime
    changed_at: datetime
    changed_by: str = ""
    reason: str = Field(description="created, reauthorized, paused, resumed, changed, disconnected, deleted.")
