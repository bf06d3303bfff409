"""What an answer to an authorization means for the connection."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lineshaft.api.domain.connections import Connection
from lineshaft.api.domain.link_sessions import LinkSession
from lineshaft.common.events.connections import Lifecycle


@dataclass(frozen=True, slots=True)
class Verified:
    """What the connector found out and put in force."""

    account_id: str
    account_label: str
    credential_version: int

    @classmethod
    def of(cls, result: dict[str, Any]) -> "Verified":
        return cls(
            account_id=str(result["account_id"]),
            account_label=str(result.get("account_label") or ""),
            credential_version=int(result["credential_version"]),
        )


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the customer typed that is no secret."""

    settings: dict[str, Any]
    login: dict[str, str]


def first_connected(
    session: LinkSession,
    submitted: Submitted,
    verified: Verified,
    at: datetime,
    objects: list[str] | None = None,
) -> Connection:
    return Connection(
        connection_id=session.connection_id,
        system=session.system,
        label=session.label,
        lifecycle=Lifecycle.ACTIVE,
        settings=submitted.settings,
        login=submitted.login,
        metadata=session.metadata,
        redirect_url=session.redirect_url,
        account_id=verified.account_id,
        account_label=verified.account_label,
        credential_version=verified.credential_version,
        revision=1,
        created_at=at,
        changed_at=at,
        changed_by="customer",
        objects=objects,
    )


def connected_again(connection: Connection, submitted: Submitted, verified: Verified) -> Connection | None:
    """The connection with the new credentials; None where newer ones, or its deletion, came first.

    A disconnected connection is active again, a paused one stays paused.
    """
    if connection.lifecycle is Lifecycle.DELETED:
        return None
    if verified.credential_version <= connection.credential_version:
        return None
    return replace(
        connection,
        login=submitted.login,
        account_id=verified.account_id,
        account_label=verified.account_label or connection.account_label,
        credential_version=verified.credential_version,
        lifecycle=Lifecycle.PAUSED if connection.lifecycle is Lifecycle.PAUSED else Lifecycle.ACTIVE,
    )
