"""The vocabulary of health: what one call to a source came to, and what a connection is in."""

from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    CREDENTIALS_REJECTED = "credentials_rejected"
    PERMISSION_DENIED = "permission_denied"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    SOURCE_ERROR = "source_error"
    CONFIGURATION_ERROR = "configuration_error"
    INVALID_REQUEST = "invalid_request"
    ACCOUNT_MISMATCH = "account_mismatch"


class Rung(StrEnum):
    """The first step of reaching a source that failed."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    PROXY = "proxy"
    TIMEOUT = "timeout"
    HTTP = "http"


class LadderRung(StrEnum):
    """What a call has to get past, from the bottom."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    PROXY = "proxy"
    HTTP = "http"
    AUTH = "auth"
    OBJECT = "object"


class RungStatus(StrEnum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Operation(StrEnum):
    LOGIN = "login"
    VERIFY = "verify"
    DESCRIBE = "describe"
    READ = "read"
    WRITE = "write"
    PROBE = "probe"


class Verb(StrEnum):
    """What can be done with the records of an object."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Grant(StrEnum):
    """Whether the source lets the account do it; `unknown` where it cannot be asked."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


class NeededBy(StrEnum):
    MAPPING = "mapping"
    SCHEDULE = "schedule"
    WRITES = "writes"
    """Only who writes through the unified model needs it."""


class ConnectionStatus(StrEnum):
    PENDING = "pending"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    REAUTHORIZATION_REQUIRED = "reauthorization_required"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    PAUSED = "paused"
    DISCONNECTED = "disconnected"


class Fault(StrEnum):
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    CONFIGURATION = "configuration"
    NETWORK = "network"
    SOURCE_RATE_LIMIT = "source_rate_limit"
    SOURCE_DOWN = "source_down"
    PLATFORM = "platform"


FAULTS: dict[Outcome, Fault | None] = {
    Outcome.OK: None,
    Outcome.CREDENTIALS_REJECTED: Fault.CREDENTIALS,
    Outcome.PERMISSION_DENIED: Fault.PERMISSION,
    Outcome.RATE_LIMITED: Fault.SOURCE_RATE_LIMIT,
    Outcome.UNREACHABLE: Fault.NETWORK,
    Outcome.SOURCE_ERROR: Fault.SOURCE_DOWN,
    Outcome.CONFIGURATION_ERROR: Fault.CONFIGURATION,
}
"""What each outcome speaks of; those that are not here say nothing about the connection."""


class Scope(StrEnum):
    ALL = "all"
    ENTITIES = "entities"
    OPERATION = "operation"
    FIELD = "field"


class Move(StrEnum):
    """Who has to act."""

    CUSTOMER = "customer"
    VENDOR = "vendor"
    SOURCE_VENDOR = "source_vendor"
    OPERATOR = "operator"
    NOBODY = "nobody"
