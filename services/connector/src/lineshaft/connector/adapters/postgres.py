"""The service's statements by name, and how a statement's row becomes a value of the domain."""

from typing import Any, TypeAlias

from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.postgres.pool import Connection, Pool
from lineshaft.common.postgres.queries import load_queries
from lineshaft.connector.domain.gate import Standing, verdict_of

Database: TypeAlias = "Connection | Pool"
"""A transaction, or a statement of its own."""

QUERIES = load_queries("lineshaft.connector.adapters")


def standing_of(row: Any) -> Standing:
    return Standing(
        lifecycle=Lifecycle(row["lifecycle"]),
        credential_version=row["version"],
        rejected_version=row["rejected_version"],
        not_before=row["not_before"],
        verdict=verdict_of(StatusDescribed.model_validate(row["status"])) if row["status"] else None,
    )
