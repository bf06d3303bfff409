"""The shapes of what the API answers. Times are ISO 8601 with a zone."""

from typing import Any, TypedDict

Record = dict[str, Any]
"""An entity as docs/reference/unified-model.md describes it."""


class ConnectionDescription(TypedDict):
    id: str
    system: str
    label: str
    lifecycle: str
    settings: dict[str, Any]
    metadata: dict[str, Any]
    account_id: str
    account_label: str
    created_at: str
    changed_at: str


class Verdict(TypedDict):
    scope: str
    fault: str
    objects: list[str]
    operations: list[str]
    confidence: str
    summary: str
    move: str
    action: str
    evidence: list[dict[str, Any]]


class Breaker(TypedDict):
    state: str
    retry_at: str | None
    scopes: list[dict[str, Any]]


class Status(TypedDict):
    connection_id: str
    system: str
    metadata: dict[str, Any]
    status: str
    since: str
    verdict: Verdict | None
    objects: list[dict[str, Any]]
    breaker: Breaker
    permissions: list[dict[str, Any]]
    credentials_expire_at: str | None
    last_sync_at: str | None
    data_as_of: str | None
    reauthorize_url: str | None


class FleetRow(TypedDict):
    connection_id: str
    system: str
    label: str
    account_label: str
    status: str
    since: str
    verdict: Verdict | None
    last_sync_at: str | None


class LinkSession(TypedDict):
    id: str
    url: str
    expires_at: str
    connection_id: str


class Token(TypedDict):
    connection_id: str
    token: str


class ServiceReceipt(TypedDict):
    service: str
    state: str
    completed_at: str | None
    rows: dict[str, int]
    topics: list[dict[str, Any]]


class Purge(TypedDict):
    connection_id: str
    state: str
    asked_at: str
    asked_by: str
    completed_at: str | None
    topics_until: str | None
    receipts: list[ServiceReceipt]


class SyncAccepted(TypedDict):
    connection_id: str
    request_id: str


class Sync(TypedDict):
    sync_id: str
    request_id: str | None
    mode: str
    status: str
    result: str | None
    records: int | None
    objects: list[dict[str, Any]]
    created_at: str
    ended_at: str | None
    completed_at: str | None


class Mapping(TypedDict):
    entity: str
    version: int
    default: dict[str, Any]
    overlay: dict[str, Any]
    effective: dict[str, Any]
    updated_at: str | None
    updated_by: str | None
