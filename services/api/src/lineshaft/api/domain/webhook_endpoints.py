"""Webhook endpoints: which addresses and events can be asked for, and the secrets that sign."""

import base64
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from lineshaft.api.domain.problems import invalid
from lineshaft.common.events.webhooks import WEBHOOK_EVENT_TYPES

SECRET_BYTES = 32


def new_secret() -> str:
    """A signing secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check_url(url: str) -> str:
    """An absolute http or https address; where it may lead is checked when it is dialled.

    Raises:
        ProblemError: it is none.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise invalid("url", "is not an address") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise invalid("url", "has to begin with https:// or http:// and a host")
    if parts.username is not None or parts.fragment:
        raise invalid("url", "may have no user name, password or fragment; each request is signed instead")
    if not url.isascii() or any(ord(character) <= ord(" ") for character in url):
        raise invalid("url", "has characters that an address cannot have; percent-encode them")
    return url


def check_event_types(event_types: Sequence[str]) -> list[str]:
    """Without doubles.

    Raises:
        ProblemError: there is no such event type.
    """
    unknown = [name for name in event_types if name not in WEBHOOK_EVENT_TYPES]
    if unknown:
        raise invalid(
            "event_types", f"there is no {unknown[0]!r}; there are {', '.join(WEBHOOK_EVENT_TYPES)}"
        )
    return list(dict.fromkeys(event_types))
