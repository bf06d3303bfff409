"""What a network ladder found: how far a call to the source gets, rung by rung."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event
from lineshaft.common.outcomes import LadderRung, RungStatus


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Certificate(_Part):
    subject: str
    issuer: str
    names: list[str] = Field(default_factory=list, description="Hosts that it is for.")
    not_before: datetime
    not_after: datetime


class RungResult(_Part):
    rung: LadderRung
    status: RungStatus
    duration_ms: float = 0.0
    address: str | None = Field(default=None, description="`address:port` that was dialled.")
    code: str | None = Field(default=None, description="The kind of failure, for programs.")
    seen: str = Field(description="What was seen there, or why it was left out.")
    ask: str | None = Field(default=None, description="Of the failed rung: what to ask whom for.")
    certificates: list[Certificate] = Field(
        default_factory=list, description="Of TLS: the chain as the server sent it, its own first."
    )


class Climbing(_Part):
    """A ladder that is not done."""

    rungs: list[RungResult]
    to_come: list[LadderRung] = Field(description="The first of them is being tried.")


@event("connection.diagnosed", topics.CONNECTION_CALLS.name)
class ConnectionDiagnosed(EventData):
    """One network ladder of a connection."""

    topic_name = topics.CONNECTION_CALLS.name

    connection_id: str
    system: str
    command_id: str
    asked_by: str = Field(description="A key's id; empty where the monitor asked.")
    at: datetime
    duration_ms: float
    host: str = Field(description="`host:port` of the source.")
    source_address: str | None = Field(
        default=None, description="Our own address on the way there, as our host knows it."
    )
    rungs: list[RungResult]
    failed_rung: LadderRung | None = None
    ask: str | None = Field(default=None, description="For the team whose move it is, ready to be sent.")

    @property
    def failed(self) -> RungResult | None:
        return failed_of(self.rungs)


def failed_of(rungs: Sequence[RungResult]) -> RungResult | None:
    """The first rung that failed."""
    return next((one for one in rungs if one.status is RungStatus.FAILED), None)
