"""The status document: what the monitor last said, seen with what `api` itself knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.outcomes import ConnectionStatus

_CLOSED_BY_LIFECYCLE = {
    Lifecycle.PAUSED: ConnectionStatus.PAUSED,
    Lifecycle.DISCONNECTED: ConnectionStatus.DISCONNECTED,
}
_CLOSED_BREAKER: Mapping[str, Any] = {"state": "closed", "retry_at": None, "scopes": []}


@dataclass(frozen=True, slots=True)
class Known:
    """A connection as `api` knows it, with the monitor's latest document beside it."""

    connection_id: str
    system: str
    lifecycle: Lifecycle
    credential_version: int
    created_at: datetime
    changed_at: datetime
    metadata: Mapping[str, Any]
    """The vendor's own."""
    document: Mapping[str, Any] | None
    last_sync_at: datetime | None
    data_as_of: datetime | None
    objects: list[str] | None = None
    """Of what the system offers, those that are read; None: all."""

    @property
    def status(self) -> ConnectionStatus:
        """What the monitor said of replaced credentials, or of a pause that has ended, no longer counts."""
        if (own := _CLOSED_BY_LIFECYCLE.get(self.lifecycle)) is not None:
            return own
        document = self.binding
        if document is None or document["status"] in _CLOSED_BY_LIFECYCLE.values():
            return ConnectionStatus.PENDING
        return ConnectionStatus(document["status"])

    @property
    def binding(self) -> Mapping[str, Any] | None:
        """The monitor's document, unless it is about older credentials."""
        document = self.document
        if document is None or int(document["credential_version"]) < self.credential_version:
            return None
        return document

    @property
    def breaker(self) -> Mapping[str, Any]:
        document = self.binding
        return document["breaker"] if document else _CLOSED_BREAKER


def status_document(
    known: Known, *, entity_of: Mapping[str, str], reauthorize_url: str | None
) -> dict[str, Any]:
    """The answer of `GET /connections/{id}/status`; `entity_of` gives the entity of a source object."""
    document = known.binding or {}
    by_lifecycle = known.lifecycle in _CLOSED_BY_LIFECYCLE
    since = document.get("since") or known.changed_at
    return {
        "connection_id": known.connection_id,
        "system": known.system,
        "metadata": known.metadata,
        "status": known.status,
        "since": known.changed_at if by_lifecycle else since,
        "verdict": document.get("verdict"),
        "objects": [
            {
                "object": one["object"],
                "entity": entity_of.get(one["object"]),
                "status": one["status"],
                "last_ok_at": one.get("last_ok_at"),
                "last_error_at": one.get("last_error_at"),
            }
            for one in document.get("objects", ())
        ],
        "breaker": {name: known.breaker.get(name) for name in _CLOSED_BREAKER},
        "permissions": [
            {
                "object": one["object"],
                "entity": entity_of.get(one["object"]),
                "verb": one["verb"],
                "needed_by": one["needed_by"],
                "granted": one["granted"],
                "fields": one.get("fields", []),
            }
            for one in document.get("permissions", ())
        ],
        "credentials_expire_at": document.get("credentials_expire_at"),
        "last_sync_at": known.last_sync_at,
        "data_as_of": known.data_as_of,
        "reauthorize_url": reauthorize_url,
    }
