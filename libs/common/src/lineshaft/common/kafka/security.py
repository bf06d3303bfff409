"""How a client shows a broker who it is: TLS, SASL, both or neither."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from lineshaft.common.errors import ConfigurationError

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

_SASL = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """Without anything: a broker that trusts its network."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: str = ""
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def for_client(self) -> dict[str, Any]:
        """Arguments of aiokafka's clients.

        Raises:
            ConfigurationError: a file of the TLS settings cannot be read.
        """
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self._tls:
            options["ssl_context"] = self._context()
        if self._sasl:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    def for_broker(self) -> BaseSecurity | None:
        """The same for FastStream.

        Raises:
            ConfigurationError: a file of the TLS settings cannot be read.
        """
        context = self._context() if self._tls else None
        if self._sasl:
            return _SASL[self.mechanism](username=self.username, password=self.password, ssl_context=context)
        return BaseSecurity(ssl_context=context) if context is not None else None

    @property
    def _tls(self) -> bool:
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def _sasl(self) -> bool:
        return self.protocol.startswith("SASL_")

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                "LINESHAFT_KAFKA_CA_FILE, LINESHAFT_KAFKA_CERTIFICATE_FILE or LINESHAFT_KAFKA_KEY_FILE "
                f"cannot be read as PEM: {error}"
            ) from error
        return context
