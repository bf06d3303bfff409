"""How a source is reached where the straight way is not open: over a proxy, with an authority of its own."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MOST_CA_BYTES = 64 * 1024
PROXY_PORT = 80


@dataclass(frozen=True, slots=True)
class Network:
    """What an operator sets for one connection."""

    proxy_url: str | None = field(default=None, repr=False)
    """May hold user and password."""
    ca_certificate: str | None = field(default=None, repr=False)
    """PEM; trusted besides the public authorities."""
    requests_per_minute: int | None = None
    """In place of the system's own."""


def check_proxy_url(url: str) -> str:
    """Raises ValueError with words for whoever set it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme != "http" or not host:
        raise ValueError("has to begin with http:// and a host; TLS goes through the tunnel that it opens")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or not url.isascii():
        raise ValueError("ends after host and port")
    return url


def shown_proxy(url: str) -> str:
    """Without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], path="").geturl()


def trusting(ca_certificate: str) -> ssl.SSLContext:
    """The public authorities and this one.

    Raises:
        ValueError: with words for whoever set it.
    """
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cadata=ca_certificate)
    except (ssl.SSLError, ValueError, TypeError):
        raise ValueError("is not a certificate in PEM form: -----BEGIN CERTIFICATE----- and so on") from None
    return context
