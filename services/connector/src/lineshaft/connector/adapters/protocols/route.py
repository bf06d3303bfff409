"""Where a source is dialled, and what has to be said before TLS."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lineshaft.common.errors import ActionRequiredError
from lineshaft.common.integrations import System
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.protocols.proxies import Offer, Proxy, proxy_of
from lineshaft.connector.adapters.protocols.sql_addresses import tls_context
from lineshaft.connector.adapters.protocols.sql_offers import mariadb_offer, postgresql_offer

_PORTS = {"http": 80, "https": 443}
_OFFERS: Mapping[str, tuple[Offer, int]] = {
    "postgresql": (postgresql_offer, 5432),
    "mariadb": (mariadb_offer, 3306),
}


class InvalidAddressError(ActionRequiredError):
    """The settings hold no address that can be dialled."""


@dataclass(frozen=True, slots=True)
class Route:
    host: str
    port: int
    tls: ssl.SSLContext | None
    """None where TLS is not asked for."""
    offer: Offer | None = None
    url: str | None = None
    """What HTTP is asked for; None of a database."""
    proxy: Proxy | None = None
    """Who is dialled in place of the host."""

    @property
    def place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def route_of(system: System, settings: Mapping[str, Any], http: SourceHttp) -> Route:
    """Needs no credentials.

    Raises:
        InvalidAddressError: there is no host or port in the settings.
    """
    if system.manifest.protocol == "sql":
        offer, port = _OFFERS[system.manifest.dialect or ""]
        host = str(settings.get("host") or "")
        if not host:
            raise InvalidAddressError("the settings name no host")
        tls = tls_context(host, settings.get("tls") or "verify", http.ca_certificate)
        return Route(host, int(settings.get("port") or port), tls, offer if tls else None)
    try:
        parts = urlsplit(str(settings["base_url"]))
        port_given = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise InvalidAddressError("the address is not valid") from None
    if not parts.hostname:
        raise InvalidAddressError("the address names no host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    # no user in the address, or it would be tried as credentials
    url = urlunsplit((parts.scheme, f"{host}:{port_given}", parts.path or "/", "", ""))
    tls = http.tls if parts.scheme == "https" else None
    proxy = proxy_of(http.proxy_url) if http.proxy_url else None
    tunnel = proxy.tunnel(parts.hostname, port_given) if proxy and tls else None
    return Route(parts.hostname, port_given, tls, tunnel, url, proxy)
