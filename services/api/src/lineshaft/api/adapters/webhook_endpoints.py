"""Webhook endpoints: each change and its event in one transaction; secrets go to their one reader."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.connections import SOURCE
from lineshaft.api.adapters.postgres import SQL, build, build_or_none
from lineshaft.api.domain.webhook_endpoints import new_secret
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection as Transaction
from lineshaft.common.postgres.pool import Pool


@dataclass(frozen=True, slots=True)
class Endpoint:
    endpoint_id: str
    url: str
    description: str
    event_types: list[str]
    connection_ids: list[str]
    enabled: bool
    ordered: bool
    max_per_second: float
    deleted: bool
    revision: int
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    warned: int = 0
    oldest_due_at: datetime | None = None

    @property
    def audited(self) -> dict[str, Any]:
        """What somebody can change of it."""
        return {
            "url": self.url,
            "description": self.description,
            "event_types": self.event_types,
            "connection_ids": self.connection_ids,
            "enabled": self.enabled,
            "ordered": self.ordered,
            "max_per_second": self.max_per_second,
        }


async def create_endpoint(
    tx: Transaction,
    *,
    url: str,
    description: str,
    event_types: list[str],
    connection_ids: list[str],
    enabled: bool,
    ordered: bool,
    max_per_second: float,
    by: str,
    at: datetime,
) -> Endpoint:
    row = await tx.fetchrow(
        SQL["insert_webhook_endpoint"],
        new_id("whe"),
        url,
        description,
        event_types,
        connection_ids,
        enabled,
        ordered,
        max_per_second,
        at,
    )
    endpoint = build(Endpoint, row)
    await _tell(tx, endpoint)
    await audit.note(
        tx,
        "webhook_endpoint.created",
        by=by,
        at=at,
        subject=endpoint.endpoint_id,
        after=endpoint.audited,
    )
    return endpoint


async def add_secret(tx: Transaction, endpoint_id: str, *, keys: KeyRing, by: str, at: datetime) -> str:
    """A new signing secret; the notifier signs with the one before, too, while it is replaced."""
    secret, secret_id = new_secret(), new_id("whs")
    sealed = keys.seal(secret.encode(), bound_to=f"webhook_secret/{endpoint_id}/{secret_id}")
    await tx.execute(SQL["insert_webhook_secret"], secret_id, endpoint_id, sealed)
    await audit.note(tx, "webhook_endpoint.secret_added", by=by, at=at, subject=endpoint_id)
    return secret


async def find_endpoint(pool: Pool, endpoint_id: str) -> Endpoint | None:
    row = await pool.fetchrow(SQL["webhook_endpoint"], endpoint_id)
    return build_or_none(Endpoint, row)


async def lock_endpoint(tx: Transaction, endpoint_id: str) -> Endpoint | None:
    row = await tx.fetchrow(SQL["lock_webhook_endpoint"], endpoint_id)
    return build_or_none(Endpoint, row)


async def list_endpoints(pool: Pool, *, after: str, limit: int) -> list[Endpoint]:
    rows = await pool.fetch(SQL["webhook_endpoints"], after, limit)
    return [build(Endpoint, row) for row in rows]


async def change_endpoint(tx: Transaction, endpoint: Endpoint, *, by: str, at: datetime) -> Endpoint:
    before = await lock_endpoint(tx, endpoint.endpoint_id)
    row = await tx.fetchrow(
        SQL["update_webhook_endpoint"],
        endpoint.endpoint_id,
        endpoint.url,
        endpoint.description,
        endpoint.event_types,
        endpoint.connection_ids,
        endpoint.enabled,
        endpoint.ordered,
        endpoint.max_per_second,
        endpoint.deleted,
        at,
    )
    changed = build(Endpoint, row)
    await _tell(tx, changed)
    await audit.note(
        tx,
        "webhook_endpoint.deleted" if changed.deleted else "webhook_endpoint.changed",
        by=by,
        at=at,
        subject=changed.endpoint_id,
        before=before.audited if before else None,
        after=changed.audited,
    )
    return changed


async def _tell(tx: Transaction, endpoint: Endpoint) -> None:
    described = EndpointDescribed(
        endpoint_id=endpoint.endpoint_id,
        url=endpoint.url,
        description=endpoint.description,
        event_types=endpoint.event_types,
        connection_ids=endpoint.connection_ids,
        enabled=endpoint.enabled,
        ordered=endpoint.ordered,
        max_per_second=endpoint.max_per_second,
        deleted=endpoint.deleted,
        revision=endpoint.revision,
        changed_at=endpoint.changed_at,
    )
    await add_events(tx, [new_event(described, source=SOURCE, key=endpoint.endpoint_id)])
