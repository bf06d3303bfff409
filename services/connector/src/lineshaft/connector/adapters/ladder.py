"""Climbs the rungs of the network: DNS, TCP, TLS, and one request without credentials."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable

from lineshaft.common.events.diagnoses import Certificate
from lineshaft.common.http.addresses import ForbiddenAddressError, is_number, look_up
from lineshaft.common.outcomes import LadderRung, Rung
from lineshaft.connector.adapters.certificates import chain_of, untrusting
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.proxies import TunnelRefusedError
from lineshaft.connector.adapters.protocols.route import Route
from lineshaft.connector.adapters.protocols.sql_addresses import TlsNotOfferedError
from lineshaft.connector.domain import ladder_words as words
from lineshaft.connector.domain.ladder import Failure, Ladder
from lineshaft.connector.domain.ladder_words import Way

STEP_SECONDS = 5.0
HTTP_SECONDS = 10.0
SOON_DAYS = 30
_PROXY_AUTHENTICATION_REQUIRED = 407
_GATEWAY_FAILURES = frozenset({502, 503, 504})

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Climb:
    """One climb up to HTTP; what it learns on the way is in `way`, and `tell` is called after each rung."""

    def __init__(
        self,
        ladder: Ladder,
        route: Route,
        http: SourceHttp,
        tell: Callable[[], Awaitable[None]],
        *,
        seconds: float = STEP_SECONDS,
    ) -> None:
        self._ladder = ladder
        self._route = route
        self._http = http
        self._tell = tell
        self._seconds = seconds
        self._host = route.proxy.host if route.proxy else route.host
        self._port = route.proxy.port if route.proxy else route.port
        self.way = Way(self._host, self._port)

    async def network(self) -> None:
        addresses = await self._dns()
        await self._tell()
        stream = await self._tcp(addresses) if addresses else None
        if stream is None:
            return
        try:
            await self._tell()
            await self._tls(stream)
        finally:
            await _close(stream)

    async def http(self, *, decisive: bool) -> None:
        """One request without credentials; `decisive` where none with them follows."""
        started = time.perf_counter()
        try:
            answer = await self._http.request(
                "GET", self._route.url or "", {"accept": "application/json, */*"}, seconds=HTTP_SECONDS
            )
        except NoAnswerError as error:
            self._no_http(error)
            return
        took, seen = _since(started), _described(answer)
        if answer.status == _PROXY_AUTHENTICATION_REQUIRED:
            failure = words.proxy_in_between(self.way, seen)
            self._ladder.failed(LadderRung.PROXY, failure, duration_ms=took, address=self._address)
            return
        self._past_the_proxy()
        if decisive and answer.status in _GATEWAY_FAILURES:
            failure = words.no_http(self.way, f"http_{answer.status}", seen)
            self._ladder.failed(LadderRung.HTTP, failure, duration_ms=took, address=self._address)
        else:
            self._ladder.ok(LadderRung.HTTP, seen, duration_ms=took, address=self._address)

    @property
    def _address(self) -> str | None:
        return _place(self.way.address, self.way.port) if self.way.address else None

    async def _dns(self) -> list[str]:
        started, host = time.perf_counter(), self._host
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await look_up(host, self._port)
        except (OSError, UnicodeError) as error:
            failure = words.name_not_resolved(self.way, str(error) or "no answer in time")
            self._ladder.failed(LadderRung.DNS, failure, duration_ms=_since(started))
            return []
        if is_number(host):
            self._ladder.skip(LadderRung.DNS, f"{host} is an address already")
        else:
            seen = f"{host} is {', '.join(addresses)}"
            self._ladder.ok(LadderRung.DNS, seen, duration_ms=_since(started))
        try:
            self._http.policy.check(host, addresses)
        except ForbiddenAddressError as error:
            self._ladder.failed(LadderRung.TCP, words.address_not_allowed(str(error)))
            return []
        return addresses

    async def _tcp(self, addresses: list[str]) -> Stream | None:
        """The first address that takes the connection."""
        passed: list[str] = []
        for address in addresses:
            started = time.perf_counter()
            self.way = Way(self._host, self._port, address, _own_address(address))
            try:
                stream = await self._dial(address)
            except OSError as error:
                failure = words.not_connected(self.way, error)
                passed.append(failure.seen)
                if address == addresses[-1]:
                    failure = Failure(failure.code, "; ".join(passed), failure.ask)
                    self._ladder.failed(
                        LadderRung.TCP, failure, duration_ms=_since(started), address=self._address
                    )
                continue
            seen = "; ".join([*passed, f"connected from {self.way.source}"])
            self._ladder.ok(LadderRung.TCP, seen, duration_ms=_since(started), address=self._address)
            return stream
        return None

    async def _dial(self, address: str) -> Stream:
        async with asyncio.timeout(self._seconds):
            return await asyncio.open_connection(address, self._port)

    async def _tls(self, stream: Stream) -> None:
        started, context = time.perf_counter(), self._route.tls
        if context is None:
            self._ladder.skip(LadderRung.TLS, "not asked for: what is sent can be read on the way")
            return
        try:
            secured = await self._secured(stream, context)
        except TlsNotOfferedError:
            self._stopped(words.tls_not_offered(self.way), started)
        except TunnelRefusedError as error:
            failure = words.no_tunnel(self.way, self._route.place, str(error))
            took = _since(started)
            self._ladder.failed(LadderRung.PROXY, failure, duration_ms=took, address=self._address)
        except ssl.SSLCertVerificationError as error:
            chain = await self._look(untrusting(context))
            own = chain[0] if chain else None
            failure = words.not_trusted(self.way, error.verify_code, error.verify_message, own)
            self._stopped(failure, started, chain)
        except (OSError, EOFError) as error:
            self._stopped(words.no_tls(self.way, error), started)
        else:
            chain = chain_of(secured)
            self._ladder.ok(
                LadderRung.TLS,
                _secured_words(secured, context, chain),
                duration_ms=_since(started),
                address=self._address,
                certificates=chain,
            )

    async def _secured(self, stream: Stream, context: ssl.SSLContext) -> ssl.SSLObject:
        reader, writer = stream
        async with asyncio.timeout(self._seconds):
            if self._route.offer is not None:
                await self._route.offer(reader, writer)
            if self._route.proxy is not None:
                self._ladder.ok(LadderRung.PROXY, f"a tunnel to {self._route.place}", address=self._address)
            await writer.start_tls(
                context, server_hostname=self._route.host, ssl_handshake_timeout=self._seconds
            )
        secured: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return secured

    async def _look(self, context: ssl.SSLContext) -> list[Certificate]:
        """The chain of a server that is not trusted."""
        with contextlib.suppress(OSError, EOFError, TlsNotOfferedError, TunnelRefusedError):
            stream = await self._dial(self.way.address or "")
            try:
                return chain_of(await self._secured(stream, context))
            finally:
                await _close(stream)
        return []

    def _stopped(self, failure: Failure, started: float, chain: list[Certificate] | None = None) -> None:
        self._ladder.failed(
            LadderRung.TLS,
            failure,
            duration_ms=_since(started),
            address=self._address,
            certificates=chain or (),
        )

    def _past_the_proxy(self) -> None:
        if self._route.proxy is None:
            self._ladder.skip(LadderRung.PROXY, "no proxy is configured")
        elif self._route.tls is None:
            self._ladder.ok(LadderRung.PROXY, "it passes requests on", address=self._address)

    def _no_http(self, error: NoAnswerError) -> None:
        proxy = error.rung is Rung.PROXY
        if not proxy:
            self._past_the_proxy()
        failure: Callable[[], Failure] = (
            (lambda: words.proxy_in_between(self.way, error.message))
            if proxy
            else (lambda: words.no_http(self.way, error.code, error.message))
        )
        self._ladder.failed(
            LadderRung.PROXY if proxy else LadderRung.HTTP,
            failure(),
            duration_ms=error.duration_ms,
            address=self._address,
        )


def _secured_words(secured: ssl.SSLObject, context: ssl.SSLContext, chain: list[Certificate]) -> str:
    told = [str(secured.version())]
    if context.verify_mode is ssl.CERT_NONE:
        told.append("any certificate is taken")
    if chain:
        days = int((chain[0].not_after.timestamp() - time.time()) // 86_400)
        told.append(f"{chain[0].subject} from {chain[0].issuer}")
        told.append(
            f"ends on {chain[0].not_after:%Y-%m-%d}" + (f", in {days} days" if days < SOON_DAYS else "")
        )
    return ", ".join(told)


def _described(answer: Answer) -> str:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    server = answer.headers.get("server", "")[:80]
    return ", ".join(filter(None, (f"HTTP {answer.status}", kind, server and f"server {server}")))


def _own_address(address: str) -> str | None:
    """Which of our addresses the kernel would use; nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


async def _close(stream: Stream) -> None:
    writer = stream[1]
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
