import pytest

from lineshaft.common.http.addresses import AddressPolicy, ForbiddenAddressError
from lineshaft.common.http.client import create_client

FORBIDDEN = [
    "127.0.0.1",
    "127.255.255.255",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "2001:db8::1",
    "not-an-address",
    "1",
    "0x7f000001",
]

ALLOWED = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_private_and_reserved_addresses_are_not_dialled(address: str) -> None:
    assert not AddressPolicy().allows(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are(address: str) -> None:
    assert AddressPolicy().allows(address)


def test_an_operator_can_allow_a_network() -> None:
    policy = AddressPolicy(["10.1.0.0/16"])
    assert policy.allows("10.1.2.3")
    assert policy.allows("::ffff:10.1.2.3")
    assert not policy.allows("10.2.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
async def test_the_client_checks_what_it_dials(host: str) -> None:
    async with create_client(AddressPolicy()) as client:
        with pytest.raises(ForbiddenAddressError):
            await client.get(f"http://{host}:9/")
