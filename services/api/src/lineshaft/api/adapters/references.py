"""Looks up the records that a write refers to."""

from collections.abc import Mapping
from typing import Any

from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.references import filled, ids_wanted
from lineshaft.common.postgres.pool import Pool


async def with_source_ids(
    pool: Pool, connection_id: str, entity: str, values: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Raises ProblemError for an id that the connection does not have."""
    wanted = ids_wanted(entity, values)
    if not wanted:
        return values
    rows = await pool.fetch(
        SQL["source_ids"], connection_id, [one.entity for one in wanted], [one.id for one in wanted]
    )
    return filled(values, wanted, {row["id"]: row["source_id"] for row in rows}, connection_id)
