"""`connection.calls`: what each call to a source came to."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from lineshaft.common import topics
from lineshaft.common.events.model import EventData
from lineshaft.common.outcomes import Operation, Outcome, Rung

CALL_EVENT_TYPES: dict[Outcome, str] = {
    Outcome.OK: "lineshaft.connection.call_succeeded",
    Outcome.CREDENTIALS_REJECTED: "lineshaft.connection.auth_failed",
    Outcome.PERMISSION_DENIED: "lineshaft.connection.permission_denied",
    Outcome.RATE_LIMITED: "lineshaft.connection.rate_limited",
    Outcome.UNREACHABLE: "lineshaft.connection.unreachable",
    Outcome.SOURCE_ERROR: "lineshaft.connection.source_failed",
    Outcome.CONFIGURATION_ERROR: "lineshaft.connection.misconfigured",
    Outcome.INVALID_REQUEST: "lineshaft.connection.request_rejected",
    Outcome.ACCOUNT_MISMATCH: "lineshaft.connection.account_mismatched",
}


class Call(EventData):
    """One call, or `count` equal ones in a row."""

    topic_name = topics.CONNECTION_CALLS.name

    connection_id: str
    system: str
    object: str | None = Field(
        default=None, description="The source's own name of the object that was asked for."
    )
    operation: Operation
    outcome: Outcome
    credential_version: int = Field(description="Version of the credentials that the call used.")
    at: datetime
    duration_ms: float = 0.0
    count: int = 1
    records: int = 0
    host: str = Field(default="", description="`host:port` of the source.")
    http_status: int | None = None
    code: str | None = Field(default=None, description="The source's own error code or class.")
    message: str | None = Field(
        default=None, description="The source's own words, shortened, without secrets."
    )
    field: str | None = Field(default=None, description="The field that the source refuses or does not know.")
    record: str | None = Field(
        default=None, description="Of a write: its record, so that one that is refused again counts once."
    )
    rung: Rung | None = None
    retry_at: datetime | None = None
    request_id: str = Field(description="Names this call in the error log.")
    sync_id: str | None = None
    confidence: Literal["high", "medium", "low"] = "high"
