"""`auth.options` of the strategies that log in by OAuth 2.0 (RFC 6749, with PKCE as in RFC 7636)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineshaft.common.integrations.explanations import explain
from lineshaft.common.integrations.manifest import CONSENT, Manifest

CLIENT_CREDENTIALS = "oauth2_client_credentials"
AUTHORIZATION_CODE = CONSENT
OAUTH_STRATEGIES = (CLIENT_CREDENTIALS, AUTHORIZATION_CODE)

CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"  # noqa: S105  the name of a field

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class OAuthOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    token_url: str = Field(min_length=1)
    """Where tokens are given out; settings may stand in it in braces, as in `{base_url}/oauth/token`."""
    authorize_url: str | None = None
    """Where the customer consents; for authorization codes."""
    scopes: list[str] = []
    """What is asked for."""
    token_parameters: dict[str, str] = {}
    """Sent with each request for a token, for example `audience`."""
    authorize_parameters: dict[str, str] = {}
    """Sent along with the customer, for example `access_type: offline`."""
    client_authentication: Literal["basic", "post"] = "basic"
    """Whether the client's secret goes in a header or in the form."""
    refresh_ahead_s: float = Field(default=60, ge=0)
    """A token is renewed so long before it ends, or in the last quarter of its life if that is shorter."""

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        return cls.model_validate(manifest.auth.options)


def operators_client(manifest: Manifest) -> bool:
    """Whether the operator registers one client for all connections, and no customer enters their own."""
    keys = {credential.key for credential in manifest.credentials}
    return manifest.auth.strategy == AUTHORIZATION_CODE and CLIENT_ID not in keys


def filled(url: str, settings: Mapping[str, Any]) -> str:
    """The address with its settings: a whole address at the beginning, else parts that stay parts.

    Raises:
        KeyError: a setting is not there.
    """

    def value(found: re.Match[str]) -> str:
        text = str(settings[found[1]])
        return text.rstrip("/") if found.start() == 0 else quote(text, safe="")

    return _PLACEHOLDER.sub(value, url)


def oauth_faults(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What is wrong with the options, by key."""
    try:
        options = OAuthOptions.of(manifest)
    except ValidationError as error:
        for key, message in explain(error, OAuthOptions, manifest.auth.options):
            yield f"auth.options.{key}", message
        return
    if manifest.auth.strategy == AUTHORIZATION_CODE and options.authorize_url is None:
        yield "auth.options.authorize_url", "says where the customer consents; it is needed for codes"
    if manifest.auth.strategy == CLIENT_CREDENTIALS:
        known = {credential.key for credential in manifest.credentials}
        for name in (CLIENT_ID, CLIENT_SECRET):
            if name not in known:
                yield "credentials", f"there is no {name}; {CLIENT_CREDENTIALS} takes it from the customer"
    yield from _address_faults(manifest, "token_url", options.token_url)
    if options.authorize_url is not None:
        yield from _address_faults(manifest, "authorize_url", options.authorize_url)


def _address_faults(manifest: Manifest, name: str, url: str) -> Iterator[tuple[str, str]]:
    settings = {setting.key for setting in manifest.settings}
    for key in _PLACEHOLDER.findall(url):
        if key not in settings:
            yield f"auth.options.{name}", f"there is no setting {key!r}; there are {', '.join(settings)}"
    if url.startswith("{"):
        if operators_client(manifest):
            # the customer would choose who gets the operator's secret
            words = f"begins with what a customer enters: let credentials ask for {CLIENT_ID}, too"
            yield f"auth.options.{name}", words
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or "{" in parts.netloc:
        yield f"auth.options.{name}", "has to begin with https:// and a host, or with a setting"
