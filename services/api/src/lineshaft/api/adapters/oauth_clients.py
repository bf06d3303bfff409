"""As whom customers log in at a system: the operator's registration there. Its secret is the connector's."""

from dataclasses import dataclass
from datetime import datetime

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.postgres import SQL, Executor, build_or_none
from lineshaft.common.encryption import KeyRing
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.pool import Connection as Transaction


@dataclass(frozen=True, slots=True)
class OAuthClient:
    client_id: str
    has_secret: bool
    created_at: datetime
    created_by: str


async def find_client(pool: Executor, system: str) -> OAuthClient | None:
    return build_or_none(OAuthClient, await pool.fetchrow(SQL["oauth_client"], system))


async def register(
    tx: Transaction,
    system: str,
    client_id: str,
    client_secret: str | None,
    *,
    keys: KeyRing,
    by: str,
    at: datetime,
) -> None:
    registration_id = new_id("oac")
    sealed = None
    if client_secret is not None:
        bound_to = f"oauth_client/{system}/{registration_id}"
        sealed = keys.seal(client_secret.encode(), bound_to=bound_to)
    before = await find_client(tx, system)
    await tx.execute(SQL["insert_oauth_client"], registration_id, system, client_id, sealed, by)
    await audit.note(
        tx,
        "oauth_client.registered",
        by=by,
        at=at,
        subject=system,
        before={"client_id": before.client_id} if before else None,
        after={"client_id": client_id},
    )


async def withdraw(tx: Transaction, system: str, *, by: str, at: datetime) -> bool:
    """Whether there was one."""
    before = await find_client(tx, system)
    if before is None:
        return False
    await tx.execute(SQL["insert_oauth_client"], new_id("oac"), system, None, None, by)
    await audit.note(
        tx,
        "oauth_client.withdrawn",
        by=by,
        at=at,
        subject=system,
        before={"client_id": before.client_id},
    )
    return True
