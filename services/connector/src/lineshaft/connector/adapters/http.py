"""Calls to sources: bounded in time and size, no cookies, no redirects; what fails names the rung."""

import asyncio
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx

from lineshaft.common.errors import LineshaftError
from lineshaft.common.http.addresses import AddressPolicy, ForbiddenAddressError
from lineshaft.common.http.client import CONNECT_SECONDS, NameResolutionError, create_client
from lineshaft.common.outcomes import Outcome, Rung

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
        try:
            moment = parsedate_to_datetime(self.headers.get("date", ""))
        except ValueError:
            return otherwise
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def retry_at(self, now: datetime) -> datetime | None:
        """From `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3), a day at most."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        try:
            moment = now + timedelta(seconds=int(text)) if text.isdigit() else parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return min(max(moment, now), now + LONGEST_WAIT)


class SourceHttp:
    """One pool of HTTP connections for all sources."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        most_body_bytes: int = MOST_BODY_BYTES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.policy = policy
        self.tls = tls or httpx.create_ssl_context(trust_env=False)
        self._client = create_client(policy, verify=self.tls)
        # customers share this client, so no cookie of one may reach another
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._most_body_bytes = most_body_bytes
        self._timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)

    async def close(self) -> None:
        await self._client.aclose()

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
        started = time.perf_counter()
        try:
            _check(url)
            async with asyncio.timeout(seconds):
                return await self._send(method, url, content, headers, started)
        except NoAnswerError as error:
            error.duration_ms = _milliseconds_since(started)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, ForbiddenAddressError, OSError, UnicodeError) as error:
            raise no_answer(error, _milliseconds_since(started)) from error

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


def _check(url: str) -> None:
    port = httpx.URL(url).port
    if port is not None and not 0 < port <= HIGHEST_PORT:
        raise httpx.InvalidURL(f"there is no port {port}")


def no_answer(error: BaseException, duration_ms: float = 0.0) -> NoAnswerError:
    """What an exception of the HTTP client means."""
    outcome, rung, code = _meaning(error)
    return NoAnswerError(outcome, code, _words(error), rung=rung, duration_ms=duration_ms)


def _meaning(error: BaseException) -> tuple[Outcome, Rung | None, str]:
    causes = tuple(_causes(error))
    for kind, rung, code in _BY_CAUSE:
        if any(isinstance(cause, kind) for cause in causes):
            return Outcome.UNREACHABLE, rung, code
    for kinds, outcome, rung, code in _BY_KIND:
        if isinstance(error, kinds):
            return outcome, rung, code
    return Outcome.UNREACHABLE, Rung.HTTP, type(error).__name__


_BY_CAUSE: tuple[tuple[type[BaseException], Rung | None, str], ...] = (
    (NameResolutionError, Rung.DNS, "name_not_resolved"),
    (ssl.SSLError, Rung.TLS, "tls_failed"),
)

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
