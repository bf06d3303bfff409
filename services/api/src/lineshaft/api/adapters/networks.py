"""How the source of a connection is reached; the connector has what is secret of it."""

from dataclasses import dataclass
from datetime import datetime

from lineshaft.api.adapters import audit
from lineshaft.api.adapters.postgres import SQL, Executor, build_or_none
from lineshaft.common.encryption import KeyRing
from lineshaft.common.http.network import Network, shown_proxy
from lineshaft.common.ids import new_id
from lineshaft.common.postgres.pool import Connection as Transaction


@dataclass(frozen=True, slots=True)
class StoredNetwork:
    proxy: str | None
    """Without user and password."""
    ca_certificate: str | None
    requests_per_minute: int | None
    private_networks: list[str]
    created_at: datetime
    created_by: str

    @property
    def audited(self) -> dict[str, object]:
        return {
            "proxy": self.proxy,
            "ca_certificate": self.ca_certificate,
            "requests_per_minute": self.requests_per_minute,
            "private_networks": self.private_networks,
        }


async def find_network(pool: Executor, connection_id: str) -> StoredNetwork | None:
    return build_or_none(StoredNetwork, await pool.fetchrow(SQL["network"], connection_id))


async def set_network(
    tx: Transaction, connection_id: str, network: Network, *, keys: KeyRing, by: str, at: datetime
) -> None:
    """In place of what was set before."""
    network_id, sealed, proxy = new_id("net"), None, None
    if network.proxy_url is not None:
        bound_to = f"network/{connection_id}/{network_id}"
        sealed = keys.seal(network.proxy_url.encode(), bound_to=bound_to)
        proxy = shown_proxy(network.proxy_url)
    before = await find_network(tx, connection_id)
    await tx.execute(
        SQL["insert_network"],
        network_id,
        connection_id,
        sealed,
        proxy,
        network.ca_certificate,
        network.requests_per_minute,
        list(network.private_networks),
        by,
    )
    after = await find_network(tx, connection_id)
    await audit.note(
        tx,
        "connection.network_set",
        by=by,
        at=at,
        connection_id=connection_id,
        before=before.audited if before else None,
        after=after.audited if after else None,
    )
