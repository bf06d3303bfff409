"""What every service is told from outside. A service adds its own fields in its `settings.py`."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lineshaft.common.kafka.security import KafkaSecurity, Mechanism, Protocol

LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]


class Settings(BaseSettings):
    """Environment variables with the prefix `LINESHAFT_`; `KAFKA_BOOTSTRAP_SERVERS` has none."""

    model_config = SettingsConfigDict(
        env_prefix="LINESHAFT_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092",
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "kafka_bootstrap_servers"),
        description="Kafka brokers, `host:port` separated by commas.",
    )
    kafka_security_protocol: Protocol = Field(
        default="PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    kafka_sasl_mechanism: Mechanism = Field(
        default="SCRAM-SHA-512", description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."
    )
    kafka_username: str = Field(default="", validate_default=True, description="User of a SASL protocol.")
    kafka_password: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="Password of a SASL protocol."
    )
    kafka_ca_file: Path | None = Field(
        default=None, description="PEM file of the authority that signed the brokers; else the system's."
    )
    kafka_certificate_file: Path | None = Field(
        default=None, description="PEM file of our own certificate, where the brokers ask for one."
    )
    kafka_key_file: Path | None = Field(default=None, description="PEM file of the key of that certificate.")
    topic_prefix: str = Field(default="lineshaft.", description="Prefix of every topic and consumer group.")
    topic_replication: int = Field(default=1, ge=1, description="Replication factor of topics we create.")
    partition_factor: int = Field(
        default=1,
        ge=1,
        description="Topics we create get so many times their partitions; to be set before the first start.",
    )
    session_seconds: float = Field(
        default=15.0,
        ge=6,
        description="A member of a consumer group that was not heard of for this long is given up.",
    )
    fetch_wait_ms: int = Field(
        default=250,
        ge=1,
        description="Kafka answers a fetch after this long where there is nothing new.",
    )
    postgres_dsn: SecretStr = Field(
        default=SecretStr("postgresql://127.0.0.1:5432/lineshaft"),
        description="This service's own role and database.",
    )
    postgres_pool_size: int = Field(default=8, ge=2, description="Connections to Postgres per process.")
    http_host: str = Field(default="127.0.0.1", description="Address the HTTP port listens on.")
    http_port: int = Field(default=8080, ge=0, le=65535, description="Port of health, metrics and the API.")
    traces_endpoint: str | None = Field(
        default=None,
        description="Where traces go, as OTLP over HTTP, `http://collector:4318/v1/traces`; empty: nowhere.",
    )
    log_level: LogLevel = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    integrations_dir: Path = Field(default=Path("integrations"), description="Folder of source systems.")
    shutdown_seconds: float = Field(default=25.0, gt=0, description="Time to finish work after SIGTERM.")
    watchdog_seconds: float = Field(
        default=60.0,
        gt=0,
        description="A process with work waiting and no progress for this long ends itself.",
    )

    @field_validator("kafka_username", "kafka_password")
    @classmethod
    def _given_for_sasl(cls, value: str | SecretStr, info: ValidationInfo) -> str | SecretStr:
        protocol = info.data.get("kafka_security_protocol", "")
        if protocol.startswith("SASL_") and not value:
            raise ValueError(f"LINESHAFT_KAFKA_SECURITY_PROTOCOL={protocol} needs it")
        return value

    @property
    def kafka_security(self) -> KafkaSecurity:
        return KafkaSecurity(
            protocol=self.kafka_security_protocol,
            mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            ca_file=self.kafka_ca_file,
            certificate_file=self.kafka_certificate_file,
            key_file=self.kafka_key_file,
        )

    def summary(self) -> dict[str, Any]:
        """Every setting by name, a secret only as `set` or `unset`: safe to log."""
        return {
            name: ("set" if value.get_secret_value() else "unset")
            if isinstance(value, SecretStr)
            else str(value)
            for name in type(self).model_fields
            if (value := getattr(self, name)) is not None
        }


class SecretSettings(Settings):
    """For services that read or write secrets at rest."""

    secret_keys: SecretStr = Field(
        description="Encryption keys, `id:base64 of 32 bytes` separated by commas; the first one encrypts.",
    )


class OutgoingSettings(Settings):
    """For services that call addresses which somebody outside chose."""

    allowed_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Private networks (CIDR, separated by commas) that outgoing calls may reach.",
    )

    @field_validator("allowed_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if isinstance(parts, list | tuple):
            return tuple(str(ipaddress.ip_network(str(part).strip())) for part in parts if str(part).strip())
        return value


class LinkSettings(Settings):
    """For services that mint or open reconnect links."""

    public_url: str = Field(default="http://127.0.0.1:8080", description="Where customers reach `api`.")
    link_signing_key: SecretStr = Field(
        description="Signs reconnect links; the same in `api` and `notifier`."
    )
