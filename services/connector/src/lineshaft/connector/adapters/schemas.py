"""What the objects of a connection look like, as last described; fresh enough for a while.

A description is compared with the one before it, in the transaction that keeps it, so that each change is
told once; what differs from what somebody has accepted stays open until it is accepted.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from lineshaft.common.events.drift import DriftPolicy, FieldChange, SchemaChanged
from lineshaft.common.events.envelope import new_event
from lineshaft.common.postgres.outbox import add_events
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.connector.adapters.commands import NAME
from lineshaft.connector.adapters.postgres import QUERIES
from lineshaft.connector.domain.evidence import Caller
from lineshaft.connector.domain.protocol import FieldDescription, ObjectDescription
from lineshaft.connector.domain.schema_changes import changes_between

FRESH = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class KnownObject:
    """An object with what is open about it."""

    description: ObjectDescription
    policy: DriftPolicy = DriftPolicy.OFFER
    changes: Sequence[FieldChange] = ()
    """Since somebody has accepted what it is."""


async def get(
    pool: Pool, connection_id: str, object_name: str, credential_version: int
) -> KnownObject | None:
    row = await pool.fetchrow(QUERIES["schema_get"], connection_id, object_name, credential_version, FRESH)
    return None if row is None else _known(object_name, row)


async def put(pool: Pool, caller: Caller, description: ObjectDescription, at: datetime) -> KnownObject:
    """Keep the newest description, and tell what has changed since the last one.

    Nothing is kept of a connection that was deleted meanwhile.
    """
    key = caller.connection_id, description.name
    fields = [asdict(field) for field in description.fields]
    async with pool.acquire() as tx, tx.transaction():
        await tx.execute(QUERIES["schema_add"], *key, fields, caller.credential_version)
        row = await tx.fetchrow(QUERIES["schema_lock"], *key)
        if row is None:
            return KnownObject(description)
        policy = DriftPolicy(row["policy"])
        before, accepted = _fields(row["fields"]), _fields(row["accepted"])
        news = changes_between(before, description.fields) if description.declared else []
        by_itself = policy is DriftPolicy.IGNORE or not description.declared
        changes = [] if by_itself else changes_between(accepted, description.fields)
        await tx.execute(
            QUERIES["schema_put"],
            *key,
            fields,
            caller.credential_version,
            fields if by_itself else row["accepted"],
            [change.model_dump(mode="json") for change in changes],
            at if news else None,
        )
        if news:
            changed = SchemaChanged(
                connection_id=caller.connection_id,
                system=caller.system,
                object=description.name,
                at=at,
                policy=policy,
                changes=news,
            )
            await add_events(tx, [new_event(changed, source=NAME, key="/".join(key))])
    return KnownObject(description, policy, changes)


async def doubt(tx: Connection, connection_id: str, object_name: str) -> None:
    """The next read describes the object anew."""
    await tx.execute(QUERIES["schema_doubt"], connection_id, object_name)


async def accept(tx: Connection, connection_id: str, object_name: str) -> int | None:
    """The object is as it was last described; how many changes were open, None where it is not known.

    Fields that are gone are no longer missed by the next read.
    """
    count: int | None = await tx.fetchval(QUERIES["schema_accept"], connection_id, object_name)
    if count:
        await tx.execute(QUERIES["stream_forget_fields"], connection_id, object_name)
    return count


async def set_policy(
    tx: Connection, connection_id: str, object_name: str, policy: DriftPolicy, actor: str
) -> bool:
    """False where there is no such connection."""
    return bool(await tx.fetchval(QUERIES["drift_policy_set"], connection_id, object_name, policy, actor))


def _known(object_name: str, row: Any) -> KnownObject:
    return KnownObject(
        ObjectDescription(object_name, object_name, _fields(row["fields"])),
        DriftPolicy(row["policy"]),
        [FieldChange.model_validate(change) for change in row["changes"]],
    )


def _fields(rows: Sequence[dict[str, Any]]) -> tuple[FieldDescription, ...]:
    return tuple(FieldDescription(**field) for field in rows)
