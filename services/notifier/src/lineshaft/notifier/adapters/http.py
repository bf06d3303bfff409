"""The client that posts to receivers: checked addresses, no redirects, no proxies, an end to everything."""

import asyncio
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from lineshaft.common.clock import Clock, now
from lineshaft.common.http.addresses import AddressPolicy, ForbiddenAddressError
from lineshaft.notifier.domain.result import Answer, retry_after

BODY_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 20.0
ERROR_LENGTH = 500
KEEP_ALIVE_SECONDS = 30.0


class _CheckedResolver(AbstractResolver):
    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  aiohttp's signature
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._policy.resolve(host, port)
        ]

    async def close(self) -> None:
        pass


class WebhookClient:
    """One per process; connections are kept per receiver."""

    def __init__(
        self, policy: AddressPolicy, *, total_seconds: float = TOTAL_SECONDS, clock: Clock = now
    ) -> None:
        self._policy = policy
        self._total_seconds = total_seconds
        self._clock = clock
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_CheckedResolver(policy),
                socket_factory=self._socket,
                use_dns_cache=False,
                limit=0,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_watching_kept_connections()],
            headers={
                "user-agent": "lineshaft-webhooks",
                "content-type": "application/json",
                "accept-encoding": "identity",
            },
        )

    async def close(self) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Whatever happens is an answer."""
        at, started = self._clock(), time.perf_counter()
        status: int | None = None
        text, pause, error = "", None, None
        try:
            async with asyncio.timeout(self._total_seconds):
                async with await self._request(url, body, headers) as response:
                    status = response.status
                    pause = retry_after(response.headers.get("retry-after"), at)
                    text = await _head_of(response)
        except TimeoutError:
            what = "answer" if status is None else "end of the answer"
            error = f"no {what} within {self._total_seconds:g} s"
        except aiohttp.InvalidURL:
            error = "the address of the endpoint is not a valid URL"
        except (aiohttp.ClientError, ForbiddenAddressError, OSError, ValueError) as problem:
            error = _clean(f"{type(problem).__name__}: {problem}"[:ERROR_LENGTH])
        return Answer(at, (time.perf_counter() - started) * 1000, status, error, text, pause)

    async def _request(self, url: str, body: bytes, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Once more where a kept connection turns out to be closed, as the receiver then has seen nothing.

        On a new one it may have taken the message and then died: that try has failed.
        """
        used = _Used()
        try:
            return await self._session.post(
                url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=used
            )
        except aiohttp.ServerDisconnectedError:
            if not used.again:
                raise
            return await self._session.post(url, data=body, headers=headers, allow_redirects=False)

    def _socket(self, address: Any) -> socket.socket:
        """The last check, on the very address that is dialled, a literal one in the URL included."""
        family, kind, protocol, _, target = address
        if not self._policy.allows(cast("str", target[0])):
            raise ForbiddenAddressError(
                f"{target[0]} is a private or reserved address; "
                "an operator can allow its network in LINESHAFT_ALLOWED_NETWORKS"
            )
        return socket.socket(family, kind, protocol)


@dataclass(slots=True)
class _Used:
    again: bool = False
    """The request went out on a connection that others had used before."""


def _watching_kept_connections() -> aiohttp.TraceConfig:
    async def note(
        _: aiohttp.ClientSession, context: Any, __: aiohttp.TraceConnectionReuseconnParams
    ) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.again = True

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(note)
    return tracing


async def _head_of(response: aiohttp.ClientResponse) -> str:
    """At most 64 KiB; the connection is dropped where there is more."""
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > BODY_BYTES:
            response.close()
            break
    return _clean(bytes(data[:BODY_BYTES]).decode(errors="replace"))


def _clean(text: str) -> str:
    """What Postgres takes as text."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
