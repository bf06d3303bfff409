"""What the mappings and the schedule of a connection need of its source, and what the source grants."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lineshaft.common import topics
from lineshaft.common.events.model import EventData, event
from lineshaft.common.outcomes import Grant, NeededBy, Verb


class Permission(BaseModel):
    """One verb on one object of the source."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    object: str
    verb: Verb
    needed_by: list[NeededBy]
    granted: Grant
    fields: list[str] = Field(
        default_factory=list, description="Those that are refused, where it is not the whole object."
    )


@event("connection.access_checked", topics.CONNECTION_CALLS.name)
class AccessChecked(EventData):
    """The rights of the account as the source tells of them, and when its credentials end."""

    connection_id: str
    system: str
    credential_version: int
    command_id: str
    at: datetime
    permissions: list[Permission] = Field(default_factory=list)
    credentials_expire_at: datetime | None = Field(
        default=None, description="None where nobody knows, or where they do not end."
    )
