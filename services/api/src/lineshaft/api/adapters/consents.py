"""Customers who were sent to a system to log in there."""

from dataclasses import asdict
from datetime import datetime

import orjson

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.consents import Consent
from lineshaft.api.domain.keys import key_hash
from lineshaft.common.encryption import KeyRing
from lineshaft.common.postgres.pool import Connection as Transaction
from lineshaft.common.postgres.pool import Pool
from lineshaft.common.postgres.sealed import SealedTable


async def keep(
    pool: Pool, session_id: str, state: str, consent: Consent, *, keys: KeyRing, expires_at: datetime
) -> None:
    """In place of an earlier one of the session."""
    sealed = keys.seal(orjson.dumps(asdict(consent)), bound_to=_bound_to(session_id))
    await pool.execute(SQL["keep_consent"], session_id, key_hash(state), sealed, expires_at)


async def lock(tx: Transaction, state: str, *, keys: KeyRing) -> tuple[str, datetime, Consent] | None:
    """The session, when its consent ends, and what was kept."""
    row = await tx.fetchrow(SQL["lock_consent"], key_hash(state))
    if row is None:
        return None
    plain = keys.open(row["sealed"], bound_to=_bound_to(row["session_id"]))
    return row["session_id"], row["expires_at"], Consent(**orjson.loads(plain))


async def end(tx: Transaction, session_id: str) -> None:
    await tx.execute(SQL["end_consent"], session_id)


def _bound_to(session_id: str) -> str:
    return f"consent/{session_id}"


SEALED = (SealedTable("consent", "session_id", _bound_to),)
