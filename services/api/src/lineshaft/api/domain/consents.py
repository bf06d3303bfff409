"""A customer logs in with the system itself and comes back with a code (RFC 6749, 4.1; PKCE: RFC 7636)."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from lineshaft.common.integrations.manifest import CONSENT, Manifest
from lineshaft.common.integrations.oauth import OAuthOptions, filled

LIFETIME = timedelta(minutes=15)
CALLBACK_PATH = "/connect/callback"
DENIED = "access_denied"


@dataclass(frozen=True, slots=True)
class Consent:
    """What is kept until the customer is back; the browser that left has to be the one that comes back."""

    capability: str = field(repr=False)
    browser: str = field(repr=False)
    code_verifier: str = field(repr=False)
    redirect_uri: str
    settings: dict[str, Any]
    credentials: dict[str, str] = field(repr=False)
    login: dict[str, str]
    chooses: bool = False

    def with_code(self, code: str) -> dict[str, str]:
        """The credentials for the connector."""
        return {
            **self.credentials,
            "code": code,
            "code_verifier": self.code_verifier,
            "redirect_uri": self.redirect_uri,
        }


def asks_for_consent(manifest: Manifest) -> bool:
    return manifest.auth.strategy == CONSENT


def new_secret() -> str:
    """For a state, a browser, or a code verifier, which has to have 43 characters at least."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def consent_address(
    manifest: Manifest,
    settings: Mapping[str, Any],
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    verifier: str,
) -> str:
    """Where the customer is sent."""
    options = OAuthOptions.of(manifest)
    address = filled(options.authorize_url or "", settings)
    parameters = {
        **options.authorize_parameters,
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(options.scopes),
        "state": state,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{address}{'&' if urlsplit(address).query else '?'}{query}"
