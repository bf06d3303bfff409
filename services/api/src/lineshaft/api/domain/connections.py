"""A connection as `api` owns it, and how others hear of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle


@dataclass(frozen=True, slots=True)
class Connection:
    connection_id: str
    system: str
    label: str
    lifecycle: Lifecycle
    settings: dict[str, Any]
    login: dict[str, str]
    """The part of the credentials that is no secret."""
    metadata: dict[str, Any]
    redirect_url: str | None
    account_id: str
    account_label: str
    credential_version: int
    revision: int
    created_at: datetime
    changed_at: datetime
    changed_by: str
    objects: list[str] | None = None
    """Of what the system offers, those that are read; None: all."""

    @property
    def audited(self) -> dict[str, Any]:
        """What somebody can change of it."""
        return {
            "label": self.label,
            "lifecycle": self.lifecycle,
            "metadata": self.metadata,
            "objects": self.objects,
            "account_id": self.account_id,
            "credential_version": self.credential_version,
        }

    def described(self, reason: str) -> ConnectionDescribed:
        return ConnectionDescribed(
            connection_id=self.connection_id,
            system=self.system,
            label=self.label,
            lifecycle=self.lifecycle,
            settings=self.settings,
            metadata=self.metadata,
            objects=self.objects,
            account_id=self.account_id,
            credential_version=self.credential_version,
            revision=self.revision,
            created_at=self.created_at,
            changed_at=self.changed_at,
            changed_by=self.changed_by,
            reason=reason,
        )
