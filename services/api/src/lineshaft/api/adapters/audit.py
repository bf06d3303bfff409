"""The audit log: who changed what, noted in the transaction of the change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lineshaft.api.adapters.postgres import SQL, Executor
from lineshaft.api.domain.auditing import differing
from lineshaft.common.ids import new_id


async def note(
    tx: Executor,
    action: str,
    *,
    by: str,
    at: datetime,
    connection_id: str | None = None,
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """`before` and `after` may be whole: what is the same in both is left out. Never with a secret."""
    old, new = differing(before, after)
    await tx.execute(
        SQL["insert_audit_entry"], new_id("aud"), at, by, action, connection_id, subject, old, new
    )


async def forget_values(tx: Executor, connection_id: str) -> None:
    """Of a deleted connection only who did what and when stays."""
    await tx.execute(SQL["forget_audit_values"], connection_id)
