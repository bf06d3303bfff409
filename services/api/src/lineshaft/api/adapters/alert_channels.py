"""Alert channels: each change and its event in one transaction; addresses go to their one reader."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.connections import SOURCE
from lineshaft.api.adapters.postgres import SQL, build, build_or_none
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.alerts import ChannelDescribed
from lineshaft.common.events.envelope import new_event
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection as Transaction
from lineshaft.common.postgres.pool import Pool

NOT_AUDITED = {"channel_id", "deleted", "revision", "created_at", "changed_at", "waiting", "next_message_at"}
NOT_TOLD = {"address", "created_at", "waiting", "next_message_at"}


@dataclass(frozen=True, slots=True)
class Channel:
    channel_id: str
    name: str
    address: str
    event_types: list[str]
    urgent_event_types: list[str]
    systems: list[str]
    connection_ids: list[str]
    metadata: dict[str, Any]
    quiet_hours: dict[str, Any] | None
    group_seconds: float
    enabled: bool
    deleted: bool
    revision: int
    created_at: datetime
    changed_at: datetime
    waiting: int = 0
    next_message_at: datetime | None = None

    @property
    def audited(self) -> dict[str, Any]:
        """What somebody can change of it."""
        return {name: value for name, value in asdict(self).items() if name not in NOT_AUDITED}


async def create_channel(
    tx: Transaction, *, address: str, enabled: bool, by: str, at: datetime, **choice: Any
) -> Channel:
    row = await tx.fetchrow(
        SQL["insert_alert_channel"],
        new_id("alc"),
        choice["name"],
        address,
        choice["event_types"],
        choice["urgent_event_types"],
        choice["systems"],
        choice["connection_ids"],
        choice["metadata"],
        choice["quiet_hours"],
        choice["group_seconds"],
        enabled,
        at,
    )
    channel = build(Channel, row)
    await _tell(tx, channel)
    await audit.note(
        tx, "alert_channel.created", by=by, at=at, subject=channel.channel_id, after=channel.audited
    )
    return channel


async def add_address(
    tx: Transaction, channel_id: str, url: str, *, keys: KeyRing, by: str, at: datetime
) -> None:
    """The notifier sends to the newest."""
    secret_id = new_id("als")
    sealed = keys.seal(url.encode(), bound_to=f"alert_secret/{channel_id}/{secret_id}")
    await tx.execute(SQL["insert_alert_secret"], secret_id, channel_id, sealed)
    await audit.note(tx, "alert_channel.address_added", by=by, at=at, subject=channel_id)


async def find_channel(pool: Pool, channel_id: str) -> Channel | None:
    row = await pool.fetchrow(SQL["alert_channel"], channel_id)
    return build_or_none(Channel, row)


async def lock_channel(tx: Transaction, channel_id: str) -> Channel | None:
    row = await tx.fetchrow(SQL["lock_alert_channel"], channel_id)
    return build_or_none(Channel, row)


async def list_channels(pool: Pool, *, after: str, limit: int) -> list[Channel]:
    return [build(Channel, row) for row in await pool.fetch(SQL["alert_channels"], after, limit)]


async def change_channel(tx: Transaction, channel: Channel, *, by: str, at: datetime) -> Channel:
    before = await lock_channel(tx, channel.channel_id)
    row = await tx.fetchrow(
        SQL["update_alert_channel"],
        channel.channel_id,
        channel.name,
        channel.address,
        channel.event_types,
        channel.urgent_event_types,
        channel.systems,
        channel.connection_ids,
        channel.metadata,
        channel.quiet_hours,
        channel.group_seconds,
        channel.enabled,
        channel.deleted,
        at,
    )
    changed = build(Channel, row)
    await _tell(tx, changed)
    await audit.note(
        tx,
        "alert_channel.deleted" if changed.deleted else "alert_channel.changed",
        by=by,
        at=at,
        subject=changed.channel_id,
        before=before.audited if before else None,
        after=changed.audited,
    )
    return changed


async def _tell(tx: Transaction, channel: Channel) -> None:
    told = {name: value for name, value in asdict(channel).items() if name not in NOT_TOLD}
    described = ChannelDescribed.model_validate(told)
    await add_events(tx, [new_event(described, source=SOURCE, key=channel.channel_id)])
