"""How a source is reached where the straight way is not open: over a proxy, with an authority of its own."""

import ipaddress
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MOST_CA_BYTES = 64 * 1024
PROXY_PORT = 80
MOST_PRIVATE_NETWORKS = 20
CUSTOMERS_OWN = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""Where a customer's own system may stand: never our own machine, nor what a cloud tells its machines."""


@dataclass(frozen=True, slots=True)
class Network:
    """What an operator sets for one connection."""

    proxy_url: str | None = field(default=None, repr=False)
    """May hold user and password."""
    ca_certificate: str | None = field(default=None, repr=False)
    """PEM; trusted besides the public authorities."""
    requests_per_minute: int | None = None
    """In place of the system's own."""
    private_networks: tuple[str, ...] = ()
    """CIDR; the connection's source stands there, and calls for no other connection may reach it."""


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


def check_private_network(text: str) -> str:
    """The network as CIDR; raises ValueError with words for whoever set it."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError("is no network such as 10.20.0.0/16, and no address such as 10.20.0.7") from None
    inside = (one for one in CUSTOMERS_OWN if one.version == network.version)
    if not any(int(one.netmask) <= int(network.netmask) and network.network_address in one for one in inside):
        raise ValueError(f"is not within {', '.join(map(str, CUSTOMERS_OWN))}")
    return str(network)


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
