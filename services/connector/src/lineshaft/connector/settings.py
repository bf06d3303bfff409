from pydantic import Field

from lineshaft.common.settings import OutgoingSettings, SecretSettings


class ConnectorSettings(SecretSettings, OutgoingSettings):
    concurrent_slices: int = Field(default=8, ge=1, description="Objects read at the same time per process.")
    concurrent_commands: int = Field(default=8, ge=1, description="Commands carried out at the same time.")
    slice_seconds: float = Field(
        default=45.0, gt=0, description="After this long a read gives its place to the next connection."
    )
    rate_limit_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Pause after a source asked for fewer calls without saying for how long.",
    )
    default_sync_minutes: int = Field(
        default=60,
        ge=0,
        le=1440,
        description="Minutes between reads of a connection without a schedule; 0: on request only.",
    )
