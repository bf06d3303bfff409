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
    ordered: bool = Field(
        default=False,
        description="Of one connection the next delivery is made only after the one before it has ended.",
    )
    max_per_second: float = Field(default=0, description="Requests of all replicas together; 0: any number.")
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


@event("notification.superseded", topics.NOTIFICATION_EVENTS.name)
class NotificationSuperseded(DeliveryEnded):
    """A call for reconnecting that could not be delivered, and whose connection has recovered since."""

    superseded_by: str = Field(description="The event that tells of the recovery.")


class EndpointEvent(EventData):
    topic_name = topics.NOTIFICATION_EVENTS.name

    endpoint_id: str
    at: datetime
    failing_since: datetime | None = None
    reason: str


@event("webhook_endpoint.failing", topics.NOTIFICATION_EVENTS.name)
class EndpointFailing(EndpointEvent):
    """Nothing was taken for so long that the endpoint will be disabled."""

    percent: int = Field(description="Of the time after which it is disabled.")
    disabled_at: datetime = Field(description="When it will be disabled.")


@event("webhook_endpoint.disabled", topics.NOTIFICATION_EVENTS.name)
class EndpointDisabled(EndpointEvent):
    """Nothing more is sent until its owner changes the endpoint; what is due waits."""


@event("replay.completed", topics.NOTIFICATION_EVENTS.name)
class ReplayCompleted(EventData):
    replay_id: str
    endpoint_id: str
    since: datetime
    until: datetime
    queued: int
    delivered: int
    given_up: int
    at: datetime
