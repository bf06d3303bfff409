"""An OpenID provider: where it sends people to log in, and what it then says of them.

https://openid.net/specs/openid-connect-core-1_0.html, the code flow with PKCE.
"""

import time
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lineshaft.api.domain.oidc import Attempt

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
SECONDS = 10.0
METADATA_SECONDS = 3600.0
LEEWAY_SECONDS = 60


class OidcError(Exception):
    """The provider cannot be used now, or said something that is not to be believed."""


class OidcProvider:
    def __init__(self, issuer: str, client_id: str, client_secret: str, scopes: str) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._metadata: dict[str, Any] = {}
        self._known_until = 0.0

    async def login_url(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the browser goes."""
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": self._scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        address = str((await self._described())["authorization_endpoint"])
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def claims(self, attempt: Attempt, code: str, redirect_uri: str) -> dict[str, Any]:
        """What the ID token and the user info endpoint say, the token's own word first.

        Raises:
            OidcError: the code is not taken, or the token is not from there, not for us or too old.
        """
        described = await self._described()
        tokens = await self._ask(
            "POST",
            described["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": attempt.verifier,
            },
            auth=httpx.BasicAuth(self._client_id, self._client_secret),
        )
        keys = await self._ask("GET", described["jwks_uri"])
        claims = self._verified(str(tokens.get("id_token", "")), keys, attempt.nonce)
        return {**await self._user_info(described, tokens, claims["sub"]), **claims}

    def _verified(self, token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._metadata["issuer"]},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            published = KeySet.import_key_set(keys)  # type: ignore[arg-type]  # checked there
            found: dict[str, Any] = jwt.decode(token, published, algorithms=ALGORITHMS).claims
            registry.validate(found)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise OidcError(f"the ID token is not valid: {error}") from error
        return found

    async def _user_info(
        self, described: dict[str, Any], tokens: dict[str, Any], subject: str
    ) -> dict[str, Any]:
        """Some providers tell groups only here; of somebody else it tells nothing (section 5.3.2)."""
        address, token = described.get("userinfo_endpoint"), tokens.get("access_token")
        if not address or not token:
            return {}
        found = await self._ask("GET", address, headers={"Authorization": f"Bearer {token}"})
        return found if found.get("sub") == subject else {}

    async def _described(self) -> dict[str, Any]:
        if time.monotonic() > self._known_until:
            found = await self._ask("GET", f"{self._issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self._issuer:
                raise OidcError(f"it calls itself {found.get('issuer')!r}; set that as the issuer")
            self._metadata, self._known_until = found, time.monotonic() + METADATA_SECONDS
        return self._metadata

    async def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=SECONDS) as http:
                answer = await http.request(method, address, **more)
                answer.raise_for_status()
                found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise OidcError(f"{address}: {error!r}") from error
        return found
