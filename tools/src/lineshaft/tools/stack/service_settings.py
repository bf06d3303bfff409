import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineshaft.api.domain.keys import KeyKind, new_key
from lineshaft.tools.stack.ports import LOOPBACK
from lineshaft.tools.stack.postgres import Postgres

SERVICES = ("api", "connector", "mapping", "health_monitor", "notifier")


@dataclass(frozen=True)
class ServiceSettings:
    """What the services of one stack share. Keys and passwords are new for every stack."""

    integrations: Path
    api_port: int
    topic_prefix: str = "lineshaft."
    # The source system and the receivers of webhooks are on this machine.
    allowed_networks: str = "127.0.0.0/8"
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    role_password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    admin_key: str = field(default_factory=lambda: new_key(KeyKind.ADMIN), repr=False)
    link_signing_key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    secret_keys: str = field(
        default_factory=lambda: "local:" + base64.b64encode(secrets.token_bytes(32)).decode(), repr=False
    )

    @property
    def public_url(self) -> str:
        return f"http://{LOOPBACK}:{self.api_port}"

    def environment(
        self, service: str, port: int, bootstrap_servers: str, postgres: Postgres
    ) -> dict[str, str]:
        """One service's environment: ours over this process's, `extra_environment` over both."""
        role_dsn = postgres.dsn_for(f"lineshaft_{service}", self.role_password)
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            **self.kafka_environment(bootstrap_servers),
            "LINESHAFT_POSTGRES_DSN": role_dsn,
            "LINESHAFT_HTTP_HOST": LOOPBACK,
            "LINESHAFT_HTTP_PORT": str(port),
            "LINESHAFT_SECRET_KEYS": self.secret_keys,
            "LINESHAFT_LINK_SIGNING_KEY": self.link_signing_key,
            "LINESHAFT_PUBLIC_URL": self.public_url,
            "LINESHAFT_ADMIN_KEY": self.admin_key,
            "LINESHAFT_INTEGRATIONS_DIR": str(self.integrations),
            "LINESHAFT_ALLOWED_NETWORKS": self.allowed_networks,
            **self.extra_environment,
        }

    def kafka_environment(self, bootstrap_servers: str) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
            "LINESHAFT_TOPIC_PREFIX": self.topic_prefix,
        }
