"""Alert channels, what waits for them, and the messages that they are sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.alerts import ChannelDescribed, QuietHours
from lineshaft.common.ids import derived_id
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.postgres.sealed import SealedTable
from lineshaft.notifier.adapters.postgres import SQL, Told
from lineshaft.notifier.domain.alert_text import Alert
from lineshaft.notifier.domain.alerting import Channel, Slot


@dataclass(frozen=True, slots=True)
class Leased:
    """A message in hand."""

    message_id: str
    channel_id: str
    attempts: int
    first_tried_at: datetime
    lease_epoch: int


def secret_binding(channel_id: str, secret_id: str) -> str:
    return f"alert_secret/{channel_id}/{secret_id}"


ALERT_SECRETS = SealedTable("alert_secret", "secret_id", secret_binding, owner="channel_id")


async def save_channel(tx: Connection, channel: ChannelDescribed) -> None:
    quiet = channel.quiet_hours.model_dump(mode="json") if channel.quiet_hours else None
    deleted = await tx.fetchval(
        SQL["save_alert_channel"],
        channel.channel_id,
        channel.event_types,
        channel.urgent_event_types,
        channel.systems,
        channel.connection_ids,
        channel.metadata,
        quiet,
        channel.group_seconds,
        channel.enabled,
        channel.deleted,
        channel.revision,
    )
    if deleted:
        for statement in ("delete_alerts_of", "cancel_alert_messages_of", "delete_alert_secrets"):
            await tx.execute(SQL[statement], channel.channel_id)


async def list_channels(tx: Connection) -> list[Channel]:
    return [_channel(row) for row in await tx.fetch(SQL["alert_channels"])]


async def find_channel(tx: Connection, channel_id: str) -> Channel | None:
    row = await tx.fetchrow(SQL["alert_channel"], channel_id)
    return _channel(row) if row else None


def _channel(row: asyncpg.Record) -> Channel:
    quiet = row["quiet_hours"]
    return Channel(
        row["channel_id"],
        frozenset(row["event_types"]),
        frozenset(row["urgent_event_types"]),
        frozenset(row["systems"]),
        frozenset(row["connection_ids"]),
        row["metadata"],
        QuietHours.model_validate(quiet) if quiet else None,
        row["group_seconds"],
    )


async def add_alerts(tx: Connection, alerts: Sequence[tuple[str, Told, Slot]]) -> None:
    """Of (channel id, event, slot)."""
    if not alerts:
        return
    await tx.execute(
        SQL["add_alerts"],
        [channel_id for channel_id, _, _ in alerts],
        [told.event_id for _, told, _ in alerts],
        [told.event_type for _, told, _ in alerts],
        [told.connection_id for _, told, _ in alerts],
        [told.at for _, told, _ in alerts],
        [told.data for _, told, _ in alerts],
        [slot.group_key for _, _, slot in alerts],
        [slot.due_at for _, _, slot in alerts],
    )


async def make_messages(tx: Connection, now: datetime) -> bool:
    """Of one channel's groups whose time has come; whether there was one."""
    channel_id = await tx.fetchval(SQL["lock_due_channel"], now)
    if channel_id is None:
        return False
    for row in await tx.fetch(SQL["due_groups"], channel_id, now):
        message_id = derived_id("alm", channel_id, row["group_key"], now.isoformat())
        await tx.execute(SQL["add_alert_message"], message_id, channel_id, now)
        await tx.execute(SQL["put_alerts_in_message"], channel_id, row["group_key"], message_id)
    return True


async def lease_message(pool: Pool, busy: Iterable[str], now: datetime, until: datetime) -> Leased | None:
    row = await pool.fetchrow(SQL["lease_alert_message"], now, until, list(busy))
    return Leased(**row) if row else None


async def alerts_of(pool: Pool, message_id: str) -> list[Alert]:
    return [Alert(**row) for row in await pool.fetch(SQL["alerts_of"], message_id)]


async def open_address(pool: Pool, keys: KeyRing, channel_id: str) -> str | None:
    """Where the channel leads to; raises `UnreadableSecretError` where no key opens it."""
    row = await pool.fetchrow(SQL["newest_alert_secret"], channel_id)
    if row is None:
        return None
    return keys.open(row["sealed"], bound_to=secret_binding(channel_id, row["secret_id"])).decode()


async def record_try(
    tx: Connection,
    leased: Leased,
    *,
    state: str,
    next_attempt_at: datetime | None,
    error: str | None,
    delivered_at: datetime | None,
) -> int | None:
    """The number of the try, where it counts."""
    number: int | None = await tx.fetchval(
        SQL["record_alert"],
        leased.message_id,
        leased.lease_epoch,
        state,
        next_attempt_at,
        error,
        delivered_at,
    )
    return number


async def next_due(pool: Pool) -> datetime | None:
    due: datetime | None = await pool.fetchval(SQL["next_alert"])
    return due


async def forget(pool: Pool, older_than: timedelta) -> None:
    await pool.execute(SQL["forget_alerts"], older_than)
    await pool.execute(SQL["forget_waiting_alerts"], older_than)
    await pool.execute(SQL["forget_alert_secrets"])
