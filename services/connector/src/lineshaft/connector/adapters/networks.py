"""How the source of a connection is reached, as an operator has set it; the latest row counts."""

import asyncio
from collections import OrderedDict
from datetime import timedelta

from lineshaft.common.encryption import KeyRing
from lineshaft.common.http.network import Network
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.postgres import QUERIES

MOST_POOLS = 64
LAST_CALLS_SECONDS = 600.0
"""A pool that others have pushed out is closed after this long: nobody's slice lasts so long."""
KEEP_UNCONNECTED = timedelta(days=30)

STRAIGHT = Network()


async def find(pool: Pool, keys: KeyRing, connection_id: str) -> Network:
    """Raises UnreadableSecretError where no key of ours opens the proxy's address."""
    row = await pool.fetchrow(QUERIES["network"], connection_id)
    if row is None:
        return STRAIGHT
    proxy_url = None
    if row["sealed"] is not None:
        proxy_url = keys.open(
            row["sealed"], bound_to=network_binding(connection_id, row["network_id"])
        ).decode()
    return Network(
        proxy_url, row["ca_certificate"], row["requests_per_minute"], tuple(row["private_networks"])
    )


def network_binding(connection_id: str, network_id: str) -> str:
    return f"network/{connection_id}/{network_id}"


class Networks:
    """One pool of HTTP connections for each way that is not straight; the least used ones are closed."""

    def __init__(self, straight: SourceHttp) -> None:
        self._straight = straight
        self._pools: OrderedDict[tuple[str | None, str | None, tuple[str, ...]], SourceHttp] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    def http(self, network: Network) -> SourceHttp:
        way = network.proxy_url, network.ca_certificate, network.private_networks
        if way == (None, None, ()):
            return self._straight
        found = self._pools.get(way)
        if found is None:
            found = self._pools[way] = SourceHttp(
                self._straight.policy.also(network.private_networks),
                tls=self._straight.tls,
                ca_certificate=network.ca_certificate,
                proxy_url=network.proxy_url,
            )
        self._pools.move_to_end(way)
        while len(self._pools) > MOST_POOLS:
            self._close_later(self._pools.popitem(last=False)[1])
        return found

    async def close(self) -> None:
        for task in self._closing:
            task.cancel()
        for http in self._pools.values():
            await http.close()

    def _close_later(self, http: SourceHttp) -> None:
        async def close() -> None:
            try:
                await asyncio.sleep(LAST_CALLS_SECONDS)
            finally:
                await http.close()

        task = asyncio.ensure_future(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
