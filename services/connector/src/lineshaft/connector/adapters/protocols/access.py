"""How a request over HTTP proves who asks: by headers that stay, or by a token that is renewed."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from lineshaft.common.clock import Clock
from lineshaft.common.integrations.oauth import OAUTH_STRATEGIES, OAuthOptions
from lineshaft.connector.adapters.http import Answer, SourceHttp
from lineshaft.connector.adapters.protocols.oauth import OAuthAccess
from lineshaft.connector.adapters.protocols.rest_requests import authorization
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.sessions import Sessions


class Access(Protocol):
    renews: bool
    """Whether there is something else to try after a refusal."""
    secrets: set[str]
    """What no message may repeat."""

    @property
    def expires_at(self) -> datetime | None:
        """When nothing of it opens anything any more, where that is known."""

    async def headers(self) -> Mapping[str, str]: ...

    async def renew(self) -> None:
        """After a refusal, where `renews`."""


class _Fixed:
    renews = False
    expires_at = None

    def __init__(self, target: Target, proof: Mapping[str, str] | None) -> None:
        self.secrets = set(target.secrets)
        self._headers = authorization(target.system.manifest, target.credentials) if proof is None else proof

    async def headers(self) -> Mapping[str, str]:
        return self._headers

    async def renew(self) -> None:
        """Nothing to renew."""


class AuthorizedHttp:
    """Requests of one connection. One refusal is answered by one renewal, and never by a second one."""

    def __init__(
        self,
        target: Target,
        http: SourceHttp,
        sessions: Sessions,
        clock: Clock,
        *,
        proof: Mapping[str, str] | None = None,
    ) -> None:
        """`proof` are the headers of a protocol that has a way of its own to log in."""
        manifest = target.system.manifest
        self._http = http
        self._access: Access
        self._unproven = False
        """Renewed, and nothing has been opened since: another renewal would come to the same."""
        if manifest.auth.strategy in OAUTH_STRATEGIES:
            self._access = OAuthAccess(OAuthOptions.of(manifest), target, http, sessions, clock)
        else:
            self._access = _Fixed(target, proof)

    @property
    def secrets(self) -> set[str]:
        return self._access.secrets

    @property
    def expires_at(self) -> datetime | None:
        return self._access.expires_at

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes = b"",
        *,
        seconds: float,
        refused: Callable[[Answer], bool],
    ) -> Answer:
        """The answer.

        Raises:
            NoAnswerError: the source was not reached, did not answer in time or sent too much.
            SourceFailureError: there is no token.
        """
        answer = await self._once(method, url, headers, content, seconds)
        if not self._access.renews:
            return answer
        if refused(answer) and not self._unproven:
            await self._access.renew()
            self._unproven = True
            answer = await self._once(method, url, headers, content, seconds)
        self._unproven = self._unproven and refused(answer)
        return answer

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, seconds: float
    ) -> Answer:
        proof = await self._access.headers()
        return await self._http.request(method, url, {**headers, **proof}, content, seconds=seconds)
