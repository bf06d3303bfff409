"""Calls to sources: bounded in time and size, no cookies, no redirects; what fails names the rung."""

import asyncio
import ssl
import time
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol

import httpx

from lineshaft.common.errors import LineshaftError
from lineshaft.common.http.addresses import AddressPolicy, ForbiddenAddressError, is_number
from lineshaft.common.http.client import CONNECT_SECONDS, NameResolutionError, create_client
from lineshaft.common.http.network import trusting
from lineshaft.common.outcomes import Outcome, Rung
from lineshaft.connector.domain.certificate_faults import tls_fault

TOTAL_SECONDS = 60.0
MOST_BODY_BYTES = 64 * 1024 * 1024
LONGEST_WAIT = timedelta(hours=24)
HIGHEST_PORT = 65_535


class NoAnswerError(LineshaftError):
    """The source gave no answer that can be read."""

    def __init__(
        self, outcome: Outcome, code: str, message: str, *, rung: Rung | None = None, duration_ms: float = 0.0
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.code = code
        self.message = message
        self.rung = rung
        self.duration_ms = duration_ms


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    duration_ms: float

    @property
    def is_html(self) -> bool:
        return "html" in self.headers.get("content-type", "") or self.body[:64].lstrip()[:1] == b"<"

    def sent_at(self, otherwise: datetime) -> datetime:
        """The source's own clock, from `Date`; `otherwise` where it does not say."""
        return _moment(self.headers.get("date", "")) or otherwise

    def retry_at(self, now: datetime) -> datetime | None:
        """From `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3), a day at most."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        try:
            moment = now + timedelta(seconds=int(text)) if text.isdigit() else _moment(text)
        except (ValueError, OverflowError):
            return None
        return moment and min(max(moment, now), now + LONGEST_WAIT)


def _moment(date: str) -> datetime | None:
    """A date of HTTP (RFC 9110, 5.6.7)."""
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Budget(Protocol):
    """How many requests a connection may make."""

    async def take(self) -> None:
        """Returns when the next one may be made; raises RetryableError where that takes long."""

    async def heed(self, answer: Answer) -> None:
        """What an answer says of those that are left."""


class SourceHttp:
    """One pool of HTTP connections for all sources that are reached alike."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        most_body_bytes: int = MOST_BODY_BYTES,
        tls: ssl.SSLContext | None = None,
        ca_certificate: str | None = None,
        proxy_url: str | None = None,
    ) -> None:
        self.policy = policy
        self.ca_certificate = ca_certificate
        own = trusting(ca_certificate) if ca_certificate else None
        self.tls = own or tls or httpx.create_ssl_context(trust_env=False)
        self.proxy_url = proxy_url
        self._budget: Budget | None = None
        self._client = create_client(policy, verify=self.tls, proxy_url=proxy_url)
        # customers share this client, so no cookie of one may reach another
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._most_body_bytes = most_body_bytes
        self._timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)

    async def close(self) -> None:
        await self._client.aclose()

    def within(self, budget: Budget) -> "SourceHttp":
        """The same pool for one connection, whose requests are counted."""
        counted = copy(self)
        counted._budget = budget  # noqa: SLF001  our own
        return counted

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], *, seconds: float = TOTAL_SECONDS
    ) -> Answer:
        return await self.request("POST", url, headers, content, seconds=seconds)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes = b"",
        *,
        seconds: float = TOTAL_SECONDS,
    ) -> Answer:
        """The answer, whatever its status; `seconds` is the limit for all of it.

        Raises:
            NoAnswerError: the source was not reached, did not answer in time or sent too much.
        """
        if self._budget is not None:
            await self._budget.take()
        answer = await self._asked(method, url, headers, content, seconds)
        if self._budget is not None:
            await self._budget.heed(answer)
        return answer

    async def _asked(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, seconds: float
    ) -> Answer:
        started = time.perf_counter()
        try:
            self._check(url)
            async with asyncio.timeout(seconds):
                return await self._send(method, url, content, headers, started)
        except NoAnswerError as error:
            error.duration_ms = _milliseconds_since(started)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, ForbiddenAddressError, OSError, UnicodeError) as error:
            took = _milliseconds_since(started)
            raise no_answer(error, took, proxied=self.proxy_url is not None) from error

    def _check(self, url: str) -> None:
        parts = httpx.URL(url)
        if parts.port is not None and not 0 < parts.port <= HIGHEST_PORT:
            raise httpx.InvalidURL(f"there is no port {parts.port}")
        if self.proxy_url is not None and is_number(parts.host):
            # the proxy looks up names and dials; what needs no look-up is checked here
            self.policy.check(parts.host, [parts.host])

    async def _send(
        self, method: str, url: str, content: bytes, headers: Mapping[str, str], started: float
    ) -> Answer:
        async with self._client.stream(
            method, url, content=content, headers=dict(headers), timeout=self._timeout
        ) as response:
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self._most_body_bytes:
                    raise NoAnswerError(
                        Outcome.SOURCE_ERROR,
                        "body_too_large",
                        f"the answer has more than {self._most_body_bytes} bytes",
                    )
                chunks.append(chunk)
            return Answer(
                status=response.status_code,
                headers=response.headers,
                body=chunks[0] if len(chunks) == 1 else b"".join(chunks),
                duration_ms=_milliseconds_since(started),
            )


def no_answer(error: BaseException, duration_ms: float = 0.0, *, proxied: bool = False) -> NoAnswerError:
    """What an exception of the HTTP client means; over a proxy it is the proxy that was not reached."""
    outcome, rung, code = _meaning(error)
    if proxied and rung in {Rung.DNS, Rung.TCP}:
        rung, code = Rung.PROXY, "proxy_not_reached"
    return NoAnswerError(outcome, code, _words(error), rung=rung, duration_ms=duration_ms)


def _meaning(error: BaseException) -> tuple[Outcome, Rung | None, str]:
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, NameResolutionError):
            return Outcome.UNREACHABLE, Rung.DNS, "name_not_resolved"
        if isinstance(cause, ssl.SSLError):
            return Outcome.UNREACHABLE, Rung.TLS, tls_fault(cause)
    for kinds, outcome, rung, code in _BY_KIND:
        if isinstance(error, kinds):
            return outcome, rung, code
    return Outcome.UNREACHABLE, Rung.HTTP, type(error).__name__


_BY_KIND: tuple[tuple[tuple[type[BaseException], ...], Outcome, Rung | None, str], ...] = (
    ((ForbiddenAddressError,), Outcome.CONFIGURATION_ERROR, None, "address_not_allowed"),
    (
        (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError),
        Outcome.CONFIGURATION_ERROR,
        None,
        "invalid_address",
    ),
    ((httpx.ProxyError,), Outcome.UNREACHABLE, Rung.PROXY, "proxy_failed"),
    ((httpx.ConnectTimeout,), Outcome.UNREACHABLE, Rung.TCP, "connect_timeout"),
    ((httpx.ConnectError,), Outcome.UNREACHABLE, Rung.TCP, "connection_refused"),
    ((httpx.TimeoutException, TimeoutError), Outcome.UNREACHABLE, Rung.TIMEOUT, "no_answer_in_time"),
    ((httpx.DecodingError,), Outcome.SOURCE_ERROR, None, "undecodable_body"),
    ((httpx.NetworkError, httpx.RemoteProtocolError), Outcome.UNREACHABLE, Rung.HTTP, "connection_cut"),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: Any = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _words(error: BaseException) -> str:
    deepest = str(error)
    for cause in _causes(error):
        deepest = str(cause) or deepest
    return deepest or type(error).__name__


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
