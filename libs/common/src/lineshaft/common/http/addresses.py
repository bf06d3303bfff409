"""Which addresses outgoing calls may reach: public ones, and private networks that the operator allows."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from lineshaft.common.errors import ActionRequiredError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_OF_THE_CLOUD = frozenset(
    map(
        ipaddress.ip_address,
        (
            "168.63.129.16",
            "169.254.169.254",
            "192.0.0.192",
            "100.100.100.200",
            "fd00:ec2::254",
            "fd20:ce::254",
        ),
    )
)
"""Where clouds tell their machines secrets: public addresses and such of customers' networks among them."""

_LOOK_UPS = ThreadPoolExecutor(64, "look-up")
"""Apart from asyncio's few threads, which look up Postgres and Kafka: an unanswered name holds its thread."""


class ForbiddenAddressError(ActionRequiredError):
    """The address is private or reserved, and the operator has not allowed its network."""


class AddressPolicy:
    """One policy for sources and webhooks, applied to the address that is dialled."""

    def __init__(self, allowed_networks: Sequence[str] = ()) -> None:
        self._operators = tuple(ipaddress.ip_network(network) for network in allowed_networks)
        self._allowed = self._operators

    def also(self, networks: Sequence[str]) -> "AddressPolicy":
        """A policy which allows these, too, but for what a cloud tells its machines."""
        policy = AddressPolicy()
        policy._operators = self._operators
        policy._allowed = (*self._allowed, *map(ipaddress.ip_network, networks))
        return policy

    def allows(self, address: str) -> bool:
        """Whether this literal address may be dialled; IPv4 hidden in IPv6 counts as what it is."""
        try:
            parsed: Address = ipaddress.ip_address(address.split("%", 1)[0])
        except ValueError:
            return False
        parsed = _embedded(parsed) or parsed
        of_the_cloud = parsed in _OF_THE_CLOUD
        networks = self._operators if of_the_cloud else self._allowed
        if any(parsed in network for network in networks if network.version == parsed.version):
            return True
        if of_the_cloud or (isinstance(parsed, ipaddress.IPv6Address) and not _routed(parsed)):
            return False
        return parsed.is_global and not parsed.is_multicast

    async def resolve(self, host: str, port: int) -> list[str]:
        """Addresses to dial, in the resolver's order.

        Raises:
            OSError: the name does not resolve.
            ForbiddenAddressError: it resolves to an address that may not be dialled.
        """
        addresses = await look_up(host, port)
        self.check(host, addresses)
        return addresses

    def check(self, host: str, addresses: Sequence[str]) -> None:
        """Raises `ForbiddenAddressError` if one of the host's addresses may not be dialled."""
        for address in addresses:
            if not self.allows(address):
                raise ForbiddenAddressError(
                    f"{host} is at {address}, a private or reserved address; "
                    "an operator can allow its network in LINESHAFT_ALLOWED_NETWORKS",
                )


async def look_up(host: str, port: int) -> list[str]:
    """The host's addresses, allowed or not; raises OSError where its name does not resolve."""
    asking = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOK_UPS, asking)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_number(host: str) -> bool:
    """Whether the host is an address already, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _routed(address: ipaddress.IPv6Address) -> bool:
    """`is_global` calls many reserved blocks global: old ways to write IPv4, site-local ones."""
    return address in _GLOBAL_UNICAST and address not in _DOCUMENTATION


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address((int(address) >> 80) & 0xFFFF_FFFF)
    return None
