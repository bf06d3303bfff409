from lineshaft.api.adapters.connections import find_connection
from lineshaft.api.adapters.keys import find_known
from lineshaft.api.adapters.webhook_endpoints import Endpoint, find_endpoint
from lineshaft.api.domain.connections import Connection
from lineshaft.api.domain.problems import ProblemError, not_found
from lineshaft.api.domain.status import Known
from lineshaft.common.postgres.pool import Pool


class NoConnectionError(ProblemError):
    """The id never was a connection's, or the connection was deleted."""

    def __init__(self, connection_id: str) -> None:
        super().__init__(not_found("connection", connection_id=connection_id).problem)
        self.connection_id = connection_id


async def require_connection(pool: Pool, connection_id: str) -> Connection:
    """Raises `NoConnectionError` for an id that never was, and for a deleted connection's."""
    connection = await find_connection(pool, connection_id)
    if connection is None:
        raise NoConnectionError(connection_id)
    return connection


async def require_known(pool: Pool, connection_id: str) -> Known:
    """The connection with its health, for whoever may see all."""
    known = await find_known(pool, connection_id)
    if known is None:
        raise NoConnectionError(connection_id)
    return known


async def require_endpoint(pool: Pool, endpoint_id: str) -> Endpoint:
    """Raises `not_found` for an id that never was, and for a deleted endpoint's."""
    endpoint = await find_endpoint(pool, endpoint_id)
    if endpoint is None:
        raise not_found("webhook endpoint")
    return endpoint
