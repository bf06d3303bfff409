"""An httpx client that dials only allowed addresses, follows no redirect and trusts no proxy setting."""

from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from lineshaft.common.http.addresses import AddressPolicy

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
KEPT_SECONDS = 3.0
"""An idle connection is used again within this: many servers close theirs after five, just as it is used."""


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves once, checks, dials what was checked; TLS still names the host."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._policy.resolve(host, port)
        except OSError as error:
            raise NameResolutionError(str(error)) from error
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("sockets in the file system are not for outgoing calls")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class NameResolutionError(httpcore.ConnectError):
    """The host name does not resolve."""


def create_client(
    policy: AddressPolicy, *, verify: Any = True, proxy_url: str | None = None, max_connections: int = 100
) -> httpx.AsyncClient:
    """A client for source systems; over a proxy, it is the proxy's address that is dialled and checked.

    Raises (from its calls):
        ForbiddenAddressError: the host is at an address that may not be dialled.
        httpx.ConnectError: caused by `NameResolutionError` where the name does not resolve.
    """
    transport = httpx.AsyncHTTPTransport(
        verify=verify,
        proxy=proxy_url,
        trust_env=False,
        limits=httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=KEPT_SECONDS,
        ),
    )
    # httpx has no public argument for the network backend of the pool that it builds
    transport._pool._network_backend = _CheckedBackend(policy)  # noqa: SLF001
    return httpx.AsyncClient(
        transport=transport,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
    )
