"""What is sent to a token endpoint (RFC 6749)."""

import base64
from collections.abc import Mapping
from urllib.parse import quote_plus, urlencode

from lineshaft.common.integrations.oauth import CLIENT_ID, CLIENT_SECRET, OAuthOptions


def token_form(parameters: Mapping[str, str]) -> bytes:
    """What is empty is left out."""
    return urlencode({name: value for name, value in parameters.items() if value}).encode()


def proof_of_client(
    options: OAuthOptions, client_id: str, client_secret: str | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and parameters that say which client asks; one without a secret only gives its name."""
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    if client_secret is None:
        return headers, {CLIENT_ID: client_id}
    if options.client_authentication == "post":
        return headers, {CLIENT_ID: client_id, CLIENT_SECRET: client_secret}
    # both parts are form-encoded before they are joined (2.3.1)
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()
    return headers | {"authorization": f"Basic {base64.b64encode(pair).decode()}"}, {}
