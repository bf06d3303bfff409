"""Which addresses outgoing calls may reach: public ones, and private networks that the operator allows."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from lineshaft.common.errors import ActionRequiredError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")


class ForbiddenAddressError(ActionRequiredError):
    """The address is private or reserved, and the operator has not allowed its network."""


class AddressPolicy:
    """One policy for sources and webhooks, applied to the address that is dialled."""

    def __init__(self, allowed_networks: Sequence[str] = ()) -> None:
        self._allowed = [ipaddress.ip_network(network) for network in allowed_networks]

    def allows(self, address: str) -> bool:
        """Whether this literal address may be dialled; IPv4 hidden in IPv6 counts as what it is."""
        try:
            parsed: Address = ipaddress.ip_address(address.split("%", 1)[0])
        except ValueError:
            return False
        parsed = _embedded(parsed) or parsed
        if any(parsed in network for network in self._allowed if network.version == parsed.version):
            return True
        return (
