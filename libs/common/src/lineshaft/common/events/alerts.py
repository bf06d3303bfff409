"""`alert-channels`, and what became of alerts: people are told beside the webhooks."""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event
from lineshaft.common.events.webhooks import WEBHOOK_EVENT_TYPES

CONNECTION_WARNINGS = ("connection.credentials_expiring", "connection.permissions_missing")
ALERT_EVENT_TYPES = (
    *WEBHOOK_EVENT_TYPES,
    *CONNECTION_WARNINGS,
    "webhook_endpoint.failing",
    "webhook_endpoint.disabled",
)
ALERT_TEST = "alert.test"
ALERT_TITLES = {
    ALERT_TEST: "A test of this alert channel",
    "connection.reauthorization_required": "A connection has to be authorized again",
    "connection.recovered": "A connection works again",
    "connection.status_changed": "The state of a connection has changed",
    "connection.created": "A connection was made",
    "connection.disconnected": "A connection was ended",
    "connection.credentials_expiring": "Credentials of a connection will end",
    "connection.permissions_missing": "A connection lacks rights that it needs",
    "sync.completed": "A sync has ended",
    "sync.failed": "A sync has failed",
    "mapping.drifted": "Data no longer fits its mapping",
    "system.outage": "A system is out of reach for many connections",
    "system.recovered": "A system is within reach again",
    "webhook_endpoint.failing": "A webhook endpoint takes nothing",
    "webhook_endpoint.disabled": "A webhook endpoint was disabled",
}
"""What people read of each."""

CHANNEL_KINDS = {
    "discord": "Discord",
    "gchat": "Google Chat",
    "gotify": "Gotify over http",
    "gotifys": "Gotify",
    "json": "JSON over http",
    "jsons": "JSON over https",
    "mailto": "e-mail",
    "mailtos": "e-mail over TLS",
    "mmost": "Mattermost over http",
    "mmosts": "Mattermost",
    "ntfy": "ntfy over http",
    "ntfys": "ntfy",
    "opsgenie": "Opsgenie",
    "pagerduty": "PagerDuty",
    "rocket": "Rocket.Chat over http",
    "rockets": "Rocket.Chat",
    "signl4": "SIGNL4",
    "slack": "Slack",
    "splunk": "Splunk On-Call",
    "tgram": "Telegram",
    "workflows": "Microsoft Teams",
    "wxteams": "Webex",
    "zulip": "Zulip",
}
"""Schemes of apprise that call a network address and nothing of the machine they run on."""

LOCAL_OPTIONS = frozenset({"template", "pgp", "pgpkey", "attach"})
"""Options of apprise that read files of the machine."""


class QuietHours(BaseModel):
    """Each day from `begin` to `end`, which may be the next morning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begin: time = Field(examples=["22:00"])
    end: time = Field(examples=["06:00"])
    timezone: str = Field(max_length=100, examples=["Europe/Berlin"])

    @field_validator("begin", "end", mode="before")
    @classmethod
    def _written(cls, moment: object) -> object:
        if not isinstance(moment, str | time):
            raise ValueError("write a time of day such as 22:00")  # noqa: TRY004  pydantic gathers these
        return moment

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"there is no time zone {name!r}; write one such as Europe/Berlin") from None
        return name

    @model_validator(mode="after")
    def _lasts(self) -> "QuietHours":
        if self.begin.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("`begin` and `end` are local times of `timezone`, such as 22:00")
        if self.begin == self.end:
            raise ValueError("`begin` and `end` must differ")
        return self


@event("alert_channel.described", topics.ALERT_CHANNELS.name)
class ChannelDescribed(EventData):
    """The whole description; where it leads to is in a table that only `notifier` reads."""

    channel_id: str
    name: str = ""
    event_types: list[str] = Field(description="At least one.")
    urgent_event_types: list[str] = Field(
        default_factory=list, description="Those that are told in quiet hours too."
    )
    systems: list[str] = Field(default_factory=list, description="Empty: all.")
    connection_ids: list[str] = Field(default_factory=list, description="Empty: all.")
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="What a connection's metadata has to hold. Empty: anything."
    )
    quiet_hours: QuietHours | None = None
    group_seconds: float = Field(
        default=30.0, description="Events of one type within this time come as one message; 0: each alone."
    )
    enabled: bool = True
    deleted: bool = False
    revision: int
    changed_at: datetime


class AlertEnded(EventData):
    topic_name = topics.NOTIFICATION_EVENTS.name

    message_id: str
    channel_id: str
    alerts: int = Field(description="So many events are in the message.")
    attempts: int
    at: datetime


@event("alert.delivered", topics.NOTIFICATION_EVENTS.name)
class AlertDelivered(AlertEnded):
    pass


@event("alert.given_up", topics.NOTIFICATION_EVENTS.name)
class AlertGivenUp(AlertEnded):
    reason: str
