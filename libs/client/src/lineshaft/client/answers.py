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
    objects: list[str] | None
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


class AdminKey(TypedDict):
    id: str
    name: str
    scopes: list[str]
    state: str
    from_settings: bool
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    replaced_by: str | None


class CreatedAdminKey(AdminKey):
    key: str


class WebhookEndpoint(TypedDict):
    id: str
    url: str
    description: str
    event_types: list[str]
    connection_ids: list[str]
    enabled: bool
    ordered: bool
    max_per_second: float
    disabled_at: str | None
    disabled_reason: str | None
    failing_since: str | None
    warned: int
    oldest_due_at: str | None
    created_at: str
    changed_at: str


class CreatedWebhookEndpoint(WebhookEndpoint):
    secret: str


class Delivery(TypedDict):
    delivery_id: str
    endpoint_id: str
    connection_id: str | None
    event_type: str
    event_id: str
    state: str
    attempts: int
    created_at: str
    next_attempt_at: str | None
    delivered_at: str | None
    last_status: int | None
    last_error: str | None
    attempt_log: list[dict[str, Any]]


class CustomObject(TypedDict):
    name: str
    object: str
    entity: str
    key: list[str]
    cursor: str | None
    version: int
    fields: dict[str, Any]
    json_schema: dict[str, Any]
    updated_at: str
    updated_by: str


class ScheduledRead(TypedDict):
    every_minutes: int | None
    full_every_hours: int | None
    next_at: str | None
    next_full_at: str | None


class Schedule(ScheduledRead):
    connection_id: str
    objects: dict[str, ScheduledRead]
    updated_at: str | None
    updated_by: str | None


class Rung(TypedDict):
    rung: str
    status: str
    duration_ms: float
    address: str | None
    code: str | None
    seen: str
    ask: str | None
    certificates: list[dict[str, Any]]


class Ladder(TypedDict):
    connection_id: str
    system: str
    command_id: str
    asked_by: str
    at: str
    duration_ms: float
    host: str
    source_address: str | None
    rungs: list[Rung]
    failed_rung: str | None
    ask: str | None


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
