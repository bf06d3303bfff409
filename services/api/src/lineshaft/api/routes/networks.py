"""`/v1/connections/{connection_id}/network`: where the source stands and which way leads there."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lineshaft.api.adapters.networks import find_network, set_network
from lineshaft.api.domain.problems import ProblemCode, problem
from lineshaft.api.routes.answers import problems
from lineshaft.api.routes.authentication import CanManage, CanRead, ConnectionPath
from lineshaft.api.routes.context import Api, Context
from lineshaft.api.routes.existence import require_connection
from lineshaft.common.http.network import (
    CUSTOMERS_OWN,
    MOST_CA_BYTES,
    MOST_PRIVATE_NETWORKS,
    Network,
    check_private_network,
    check_proxy_url,
    trusting,
)

router = APIRouter(prefix="/v1/connections/{connection_id}/network", tags=["connections"])


def _certificate(pem: str) -> str:
    trusting(pem)
    return pem


class NetworkSettings(BaseModel):
    """What is left out is as usual: no proxy, public authorities alone, the system's own budget."""

    model_config = ConfigDict(extra="forbid")

    proxy_url: Annotated[str, AfterValidator(check_proxy_url)] | None = Field(
        default=None,
        max_length=2000,
        description="An HTTP proxy, `http://user:password@proxy.example.com:3128`. Stored sealed.",
        json_schema_extra={"writeOnly": True},
    )
    ca_certificate: Annotated[str, AfterValidator(_certificate)] | None = Field(
        default=None,
        max_length=MOST_CA_BYTES,
        description="PEM of an authority that is trusted besides the public ones.",
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, le=100_000, strict=True, description="Of all replicas together."
    )

    private_networks: list[Annotated[str, AfterValidator(check_private_network)]] = Field(
        default=[],
        max_length=MOST_PRIVATE_NETWORKS,
        description="For a system on the customer's premises: private networks (CIDR) or addresses that"
        f" calls of this connection may reach. Within {', '.join(map(str, CUSTOMERS_OWN))}.",
    )

    @property
    def network(self) -> Network:
        return Network(
            self.proxy_url, self.ca_certificate, self.requests_per_minute, tuple(self.private_networks)
        )

    @property
    def of_http(self) -> bool:
        """Whether a database has no use for it."""
        return (self.proxy_url, self.requests_per_minute) != (None, None)


class NetworkModel(BaseModel):
    proxy: str | None = Field(description="Without user and password.")
    ca_certificate: str | None
    requests_per_minute: int | None
    private_networks: list[str] = Field(description="The system is on the customer's premises, within these.")
    changed_at: datetime | None
    changed_by: str | None


@router.get("", responses=problems(404))
async def get(api: Api, _: CanRead, connection_id: ConnectionPath) -> NetworkModel:
    await require_connection(api.pool, connection_id)
    return await _shown(api, connection_id)


@router.put("", responses=problems(404))
async def put(
    api: Api, caller: CanManage, connection_id: ConnectionPath, body: NetworkSettings
) -> NetworkModel:
    """In place of what was set before; calls use it within a minute."""
    connection = await require_connection(api.pool, connection_id)
    require_fitting(api, body, connection.system, connection_id=connection_id)
    async with api.pool.acquire() as tx, tx.transaction():
        await set_network(tx, connection_id, body.network, keys=api.keys, by=caller.key_id, at=api.clock())
    return await _shown(api, connection_id)


def require_fitting(
    api: Context, settings: NetworkSettings, system_id: str, *, connection_id: str | None = None
) -> None:
    """Raises a problem where a database is given what only HTTP has."""
    system = api.catalog.systems.get(system_id)
    if settings.of_http and system is not None and system.manifest.protocol == "sql":
        raise problem(
            ProblemCode.NOT_SUPPORTED,
            f"{system.manifest.label} is a database: proxies and budgets are for HTTP.",
            connection_id=connection_id,
        )


async def _shown(api: Context, connection_id: str) -> NetworkModel:
    network = await find_network(api.pool, connection_id)
    return NetworkModel(
        proxy=network.proxy if network else None,
        ca_certificate=network.ca_certificate if network else None,
        requests_per_minute=network.requests_per_minute if network else None,
        private_networks=network.private_networks if network else [],
        changed_at=network.created_at if network else None,
        changed_by=network.created_by if network else None,
    )
