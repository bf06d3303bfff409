"""Reconnect links: signed, with an end, minted anew for each attempt of a webhook."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

import orjson

from lineshaft.common.errors import LineshaftError

LIFETIME = timedelta(days=7)
PURPOSE = "reauthorize"


class InvalidLinkError(LineshaftError):
    """This link is not valid, or no longer."""


def reauthorize_url(public_url: str, key: str, connection_id: str, *, now: datetime) -> str:
    """The address that a customer follows to reconnect."""
    payload = orjson.dumps([connection_id, int((now + LIFETIME).timestamp()), PURPOSE])
    token = f"{_text(payload)}.{_text(_sign(key, payload))}"
    return f"{public_url.rstrip('/')}/reauthorize/{token}"


def open_link(token: str, key: str, *, now: datetime) -> str:
    """The connection id of a link.

    Raises:
        InvalidLinkError: forged, damaged or expired.
    """
    try:
        payload, signature = (
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
        )
        if not hmac.compare_digest(signature, _sign(key, payload)):
            raise InvalidLinkError
        connection_id, expires, purpose = orjson.loads(payload)
    except ValueError:
        raise InvalidLinkError from None
    if purpose != PURPOSE or now.timestamp() > expires:
        raise InvalidLinkError
    return str(connection_id)


def _sign(key: str, payload: bytes) -> bytes:
    return hmac.new(key.encode(), payload, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
