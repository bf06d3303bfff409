"""`webhook-endpoints` and `notification.events`."""

from datetime import datetime

from pydantic import Field

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event

WEBHOOK_EVENT_TYPES = (
    "connection.reauthorization_required",
    "connection.recovered",
    "connection.status_changed",
    "connection.created",
    "connection.disconnected",
    "sync.completed",
    "sync.failed",
    "mapping.drifted",
    "system.outage",
    "system.recovered",
)


@event("webhook_endpoint.described", topics.WEBHOOK_ENDPOINTS.name)
class EndpointDescribed(EventData):
    """The whole description; its signing secret is in a table that only `notifier` reads."""

    endpoint_id: str
    url: str
    description: str = ""
    event_types: list[str] = Field(default_factory=list, description="Empty: all.")
    connection_ids: list[str] = Field(default_factory=list, description="Empty: all.")
    enabled: bool = True
    deleted: bool = False
    revision: int
    changed_at: datetime


class DeliveryEnded(EventData):
    topic_name = topics.NOTIFICATION_EVENTS.name

    delivery_id: str
    endpoint_id: str
    connection_id: str | None
    event_type_name: str
    attempts: int
    at: datetime
    seconds_since_event: float


@event("notification.delivered", topics.NOTIFICATION_EVENTS.name)
class NotificationDelivered(DeliveryEnded):
    pass


@event("notification.given_up", topics.NOTIFICATION_EVENTS.name)
class NotificationGivenUp(DeliveryEnded):
    reason: str
