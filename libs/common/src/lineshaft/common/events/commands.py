"""`commands.*` and `command.results`: what `api` asks of the other services, and their answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event
from lineshaft.common.outcomes import Operation, Outcome, Rung


class Command(EventData):
    command_id: str
    connection_id: str


@event("authorization.requested", topics.COMMANDS_CONNECTOR.name)
class AuthorizationRequested(Command):
    """Verify the candidate credentials and, if they belong to the same account, put them in force."""

    topic_name = topics.COMMANDS_CONNECTOR.name

    system: str
    settings: dict[str, Any]
    credential_id: str = Field(description="A row that `api` has inserted; the secret itself never travels.")
    expected_account_id: str | None = Field(default=None, description="Set when reauthorizing.")


@event("write.requested", topics.COMMANDS_CONNECTOR.name)
class WriteRequested(Command):
    """Write these source values."""

    object: str
    operation: str = Field(description="create, update or delete.")
    source_id: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)


@event("probe.requested", topics.COMMANDS_CONNECTOR.name)
class ProbeRequested(Command):
    """Make the cheapest call that proves the credentials."""

    object: str | None = None
    despite_rejection: bool = Field(
        default=False,
        description="One login with credentials that were refused; what it comes to is believed.",
    )


@event("access_check.requested", topics.COMMANDS_CONNECTOR.name)
class AccessCheckRequested(Command):
    """Compare what mappings and schedule need with what the source grants, and ask when credentials end."""

    topic_name = topics.COMMANDS_CONNECTOR.name


@event("description.requested", topics.COMMANDS_CONNECTOR.name)
class DescriptionRequested(Command):
    """Look at these objects of the source: which fields they have, in this very instance."""

    topic_name = topics.COMMANDS_CONNECTOR.name

    objects: list[str]


@event("sample.requested", topics.COMMANDS_CONNECTOR.name)
class SampleRequested(Command):
    """Read a few records of each object, for the customer who is about to choose among them."""

    topic_name = topics.COMMANDS_CONNECTOR.name

    objects: list[str]
    records: int = Field(default=3, ge=1, le=10, description="Of each object, at most.")


class SampledObject(BaseModel):
    """One object in the answer to `SampleRequested`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    object: str
    records: list[dict[str, Any]] = Field(default_factory=list, description="As the source gave them.")
    problem: "CommandProblem | None" = Field(default=None, description="Why there are none.")


class Frequency(BaseModel):
    """How often objects are read by themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every_minutes: int | None = Field(
        ge=15, le=1440, description="What changed since the last read; null: only on request."
    )
    full_every_hours: int | None = Field(
        default=None,
        ge=24,
        le=8760,
        description="Every record, which is also how deletions are found; null: only on request.",
    )


@event("schedule.requested", topics.COMMANDS_CONNECTOR.name)
class ScheduleRequested(Command):
    """Read this connection so often from now on; what was set before is replaced."""

    topic_name = topics.COMMANDS_CONNECTOR.name

    frequency: Frequency = Field(description="Of every object that has none of its own.")
    objects: dict[str, Frequency] = Field(default_factory=dict, description="Of single objects.")
    actor: str


@event("diagnosis.requested", topics.COMMANDS_CONNECTOR.name)
class DiagnosisRequested(Command):
    """Find out rung by rung how far a call to the source gets."""

    object: str | None = Field(default=None, description="None: one that fails, else the first one.")
    may_call: bool = Field(
        default=True, description="False: the network alone is looked at, nobody logs in and nothing is read."
    )
    asked_by: str = ""


@event("breaker.forced", topics.COMMANDS_HEALTH.name)
class BreakerForced(Command):
    """An operator stops the calls of a connection or of one object, or lets them go on."""

    topic_name = topics.COMMANDS_HEALTH.name

    state: Literal["open", "closed"] = Field(
        description="open: nothing is called until `until`. closed: the breakers are closed now."
    )
    object: str | None = Field(default=None, description="None: the whole connection.")
    until: datetime | None = Field(default=None, description="None: for a day.")
    actor: str
    reason: str


@event("trial.requested", topics.COMMANDS_HEALTH.name)
class TrialRequested(Command):
    """Somebody waits for these objects: an open breaker lets one call try before its time. Not answered."""

    topic_name = topics.COMMANDS_HEALTH.name

    objects: list[str]
    asked_by: str = ""


@event("issue.muted", topics.COMMANDS_HEALTH.name)
class IssueMuted(Command):
    """Nothing about this fault of this connection is to be announced for a while."""

    topic_name = topics.COMMANDS_HEALTH.name

    issue_id: str
    until: datetime | None = Field(description="None: it is no longer muted.")
    actor: str
    reason: str = ""


class PurgeRequested(Command):
    """Delete all that is held of this connection, for good; the answer is the receipt."""

    outlives_connection = True


@event("connector_purge.requested", topics.COMMANDS_CONNECTOR.name)
class ConnectorPurgeRequested(PurgeRequested):
    """Delete credentials, cursors, syncs and descriptions of this connection, for good."""

    topic_name = topics.COMMANDS_CONNECTOR.name


@event("mapping_purge.requested", topics.COMMANDS_MAPPING.name)
class MappingPurgeRequested(PurgeRequested):
    """Delete the records of this connection, in the store and on `entities.*`, for good."""

    topic_name = topics.COMMANDS_MAPPING.name


@event("health_purge.requested", topics.COMMANDS_HEALTH.name)
class HealthPurgeRequested(PurgeRequested):
    """Delete issues, timeline and errors of this connection, for good."""

    topic_name = topics.COMMANDS_HEALTH.name


@event("notifier_purge.requested", topics.COMMANDS_NOTIFIER.name)
class NotifierPurgeRequested(PurgeRequested):
    """Delete events, deliveries and alerts of this connection, for good."""

    topic_name = topics.COMMANDS_NOTIFIER.name


@event("deletions.approved", topics.COMMANDS_MAPPING.name)
class DeletionsApproved(Command):
    """What the next complete read of an object does not find is gone, however much it is."""

    topic_name = topics.COMMANDS_MAPPING.name

    object: str
    actor: str


@event("redelivery.requested", topics.COMMANDS_NOTIFIER.name)
class RedeliveryRequested(EventData):
    command_id: str
    delivery_id: str


@event("endpoint_test.requested", topics.COMMANDS_NOTIFIER.name)
class EndpointTestRequested(EventData):
    command_id: str
    endpoint_id: str


@event("alert_test.requested", topics.COMMANDS_NOTIFIER.name)
class AlertTestRequested(EventData):
    command_id: str
    channel_id: str


@event("replay.requested", topics.COMMANDS_NOTIFIER.name)
class ReplayRequested(EventData):
    """Make the deliveries of a time once more, with the same `webhook-id`s, in the order of the events."""

    command_id: str
    endpoint_id: str
    since: datetime
    until: datetime | None = Field(default=None, description="None: until now.")
    event_types: list[str] = Field(default_factory=list, description="Empty: those that the endpoint chose.")
    connection_ids: list[str] = Field(default_factory=list, description="Empty: those that it chose.")
    only: Literal["all", "undelivered"] = "all"
    per_second: float = Field(default=20.0, gt=0, description="So many at most.")


@event("replay_cancel.requested", topics.COMMANDS_NOTIFIER.name)
class ReplayCancelRequested(EventData):
    """What has been queued still goes out; nothing more is."""

    command_id: str
    replay_id: str


class CommandProblem(BaseModel):
    """Why a command did not succeed, in words for the person who asked."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str = Field(description="A problem code of the HTTP API, or an outcome.")
    message: str
    outcome: Outcome | None = None
    operation: Operation | None = None
    rung: Rung | None = None
    retry_at: datetime | None = None
    field: str | None = None


@event("command.completed", topics.COMMAND_RESULTS.name)
class CommandCompleted(EventData):
    outlives_connection = True

    command_id: str
    connection_id: str | None = None
    at: datetime
    result: dict[str, Any] | None = None
    problem: CommandProblem | None = None
