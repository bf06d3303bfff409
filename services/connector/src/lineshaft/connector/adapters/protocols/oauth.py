"""Tokens of OAuth 2.0: obtained, renewed ahead of their end, and again after a refusal.

A token is the session of its credential (see `adapters.sessions`): shared and sealed, renewed by one process
at a time, from the refresh token that came with the one before.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from lineshaft.common.clock import Clock
from lineshaft.common.integrations.oauth import (
    AUTHORIZATION_CODE,
    CLIENT_ID,
    CLIENT_SECRET,
    OAuthOptions,
    filled,
    operators_client,
)
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.http_evidence import unanswered
from lineshaft.connector.adapters.protocols.oauth_answers import Token, left_out, refusal_of, token_of
from lineshaft.connector.adapters.protocols.oauth_requests import proof_of_client, token_form
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.sessions import Session, Sessions

SECONDS = 20.0
"""For a token: well below the lease of a login, and below the time that a process has to stop."""

_NO_SECRETS = frozenset({CLIENT_ID, "redirect_uri"})


class OAuthAccess:
    """Credentials: the client's id and secret; for a code also `code`, `code_verifier` and `redirect_uri`."""

    renews = True

    def __init__(
        self, options: OAuthOptions, target: Target, http: SourceHttp, sessions: Sessions, clock: Clock
    ) -> None:
        manifest = target.system.manifest
        self.secrets = {value for name, value in target.credentials.items() if name not in _NO_SECRETS}
        self._by_code = manifest.auth.strategy == AUTHORIZATION_CODE
        self._options = options
        self._credentials = target.credentials
        self._manifest = manifest
        self._url = filled(options.token_url, target.settings)
        self._http = http
        self._sessions = sessions
        self._clock = clock
        self._session: Session | None = None

    async def headers(self) -> Mapping[str, str]:
        if self._session is None:
            self._session = await self._sessions.get(self._obtain)
        token = Token.loads(self._session.secret)
        if self._renewable(token) and token.ends_soon(self._clock()):
            self._session = await self._sessions.renew(self._session, self._obtain)
            token = Token.loads(self._session.secret)
        self.secrets |= token.secrets
        return {"authorization": f"Bearer {token.access_token}"}

    async def renew(self) -> None:
        if self._session is not None:
            self._session = await self._sessions.renew(self._session, self._obtain)

    @property
    def expires_at(self) -> datetime | None:
        """When the customer has to consent again, as far as the provider has told."""
        if self._session is None or not self._by_code:
            return None
        token = Token.loads(self._session.secret)
        if not self._renewable(token):
            return token.renew_at
        return token.grant_ends_at if token.end_is_fixed else None

    def _renewable(self, token: Token) -> bool:
        return not self._by_code or token.refresh_token is not None

    async def _obtain(self, last: bytes | None) -> bytes:
        before = Token.loads(last) if last else None
        if before is not None:
            self.secrets |= before.secrets
        token = await self._ask(self._grant(before), first=before is None)
        return (token if before is None else token.following(before)).dumps()

    def _grant(self, before: Token | None) -> Mapping[str, str]:
        if not self._by_code:
            return {"grant_type": "client_credentials", "scope": " ".join(self._options.scopes)}
        if before is None:
            return {
                "grant_type": "authorization_code",
                "code": self._credentials["code"],
                "code_verifier": self._credentials["code_verifier"],
                "redirect_uri": self._credentials["redirect_uri"],
            }
        if before.refresh_token is None:
            words = "the token has ended, and the system gave nothing to renew it with"
            raise SourceFailureError(
                Evidence(
                    Outcome.CREDENTIALS_REJECTED, Operation.LOGIN, code="no_refresh_token", message=words
                )
            )
        return {"grant_type": "refresh_token", "refresh_token": before.refresh_token}

    async def _ask(self, grant: Mapping[str, str], *, first: bool) -> Token:
        client_id = self._credentials.get(CLIENT_ID)
        if client_id is None:
            words = f"no OAuth client is registered: PUT /v1/systems/{self._manifest.id}/oauth-client"
            raise SourceFailureError(
                Evidence(Outcome.CONFIGURATION_ERROR, Operation.LOGIN, code="no_oauth_client", message=words)
            )
        headers, proof = proof_of_client(self._options, client_id, self._credentials.get(CLIENT_SECRET))
        content = token_form({**self._options.token_parameters, **grant, **proof})
        asked_at = self._clock()
        try:
            answer = await self._http.request("POST", self._url, headers, content, seconds=SECONDS)
        except NoAnswerError as error:
            raise SourceFailureError(unanswered(error, Operation.LOGIN, None, tuple(self.secrets))) from error
        return self._read(answer, asked_at, first=first)

    def _read(self, answer: Answer, asked_at: datetime, *, first: bool) -> Token:
        refusal = refusal_of(
            answer,
            self._clock(),
            operators_client=operators_client(self._manifest),
            secrets=tuple(self.secrets),
        )
        if refusal is None and first:
            # of what is taken away later, the source's own refusals tell
            refusal = left_out(answer, self._options.scopes)
        if refusal is not None:
            raise SourceFailureError(refusal)
        return token_of(answer, asked_at, timedelta(seconds=self._options.refresh_ahead_s))
