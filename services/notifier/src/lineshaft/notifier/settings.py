"""Settings of notifier."""

from pydantic import Field

from lineshaft.common.settings import LinkSettings, OutgoingSettings, SecretSettings


class NotifierSettings(SecretSettings, LinkSettings, OutgoingSettings):
    endpoint_concurrency: int = Field(default=10, ge=1, description="Requests at once to one endpoint.")
    endpoint_prefetch: int = Field(
        default=40, ge=0, description="Deliveries of one endpoint taken from the database ahead of time."
    )
    request_seconds: float = Field(
        default=20.0, gt=0, description="A receiver must have answered completely within this time."
    )
    alert_seconds: float = Field(
        default=30.0, gt=0, description="The service of an alert channel must have answered within this time."
    )
    lease_seconds: float = Field(
        default=60.0, gt=0, description="After a crash a delivery that was in hand is sent after this time."
    )
    retry_scale: float = Field(
        default=1.0, gt=0, description="Multiplies every wait before a further try; below 1 for rehearsals."
    )
    unsigned_retry_seconds: float = Field(
        default=10.0, gt=0, description="Pause of an endpoint without a readable signing secret."
    )
    secret_overlap_hours: float = Field(
        default=24.0,
        ge=0,
        description="An old signing secret still signs for this long after a new one came.",
    )
    superseded_after_minutes: float = Field(
        default=10.0,
        ge=0,
        description="A call for reconnecting that failed for this long is not sent once there is a recovery.",
    )
    disable_days: float = Field(
        default=5.0, gt=0, description="An endpoint that takes nothing for this long is disabled."
    )
    history_days: float = Field(
        default=30.0, gt=0, description="Events and deliveries are kept for this long."
    )
