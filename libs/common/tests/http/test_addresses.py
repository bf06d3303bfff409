import asyncio
import socket
import threading
from typing import Any

import pytest

from lineshaft.common.http import addresses
from lineshaft.common.http.addresses import AddressPolicy, ForbiddenAddressError
from lineshaft.common.http.client import create_client
from lineshaft.common.http.network import check_private_network

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
    "fec0::1",
    "feff::1",
    "febf::1",
    "ff05::1:3",
    "::127.0.0.1",
    "::a9fe:a9fe",
    "::10.0.0.1",
    "::ffff:0:127.0.0.1",
    "::ffff:0:a9fe:a9fe",
    "::ffff:0.0.0.0",
    "::ffff:192.168.1.1%eth0",
    "64:ff9b::10.0.0.1",
    "64:ff9b::192.168.0.1",
    "64:ff9b:1::7f00:1",
    "64:ff9b:1::a9fe:a9fe",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2002:a00:1::",
    "2002:c0a8:1::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "100.127.255.255",
    "169.254.0.1",
    "172.20.10.1",
    "198.19.255.255",
    "233.252.0.1",
    "255.255.255.254",
    "127.1",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "2130706433",
    "127.0.0.1.",
    "",
    "ff02::1",
    "2001:db8::1",
    "not-an-address",
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "192.0.0.192",
    "100.100.100.200",
    "fd20:ce::254",
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


def test_more_is_allowed_for_one_connection_and_for_nobody_else() -> None:
    everybody = AddressPolicy(["10.1.0.0/16"])
    one = everybody.also(["192.168.7.0/24"])
    assert one.allows("10.1.2.3")
    assert one.allows("192.168.7.1")
    assert not one.allows("192.168.8.1")
    assert not everybody.allows("192.168.7.1")


@pytest.mark.parametrize("address", ["fd00:ec2::254", "fd20:ce::254", "100.100.100.200"])
def test_what_a_cloud_tells_its_machines_is_opened_by_an_operator_alone(address: str) -> None:
    networks = ["fc00::/7", "100.64.0.0/10"]
    assert not AddressPolicy().also(networks).allows(address)
    assert AddressPolicy().also(networks).allows("100.100.100.201")
    assert AddressPolicy(networks).also(["10.0.0.0/8"]).allows(address)


@pytest.mark.parametrize(
    "given", ["10.20.0.0/16", "10.20.0.7", "172.31.0.0/16", "192.168.0.0/16", "100.64.1.0/24", "fd00::/8"]
)
def test_a_customers_own_network_can_be_named(given: str) -> None:
    assert check_private_network(f" {given} ").startswith(given)


@pytest.mark.parametrize(
    "given",
    [
        "127.0.0.1",
        "169.254.169.254",
        "0.0.0.0/0",
        "10.0.0.0/7",
        "8.8.8.8",
        "::1",
        "fe80::/10",
        "::/0",
        "plant",
        "",
    ],
)
def test_no_other_can(given: str) -> None:
    with pytest.raises(ValueError, match=r"is (not within|no network)"):
        check_private_network(given)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
async def test_the_client_checks_what_it_dials(host: str) -> None:
    async with create_client(AddressPolicy()) as client:
        with pytest.raises(ForbiddenAddressError):
            await client.get(f"http://{host}:9/")


async def test_names_that_nobody_answers_for_hold_up_neither_others_nor_our_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_go, really = threading.Event(), socket.getaddrinfo

    def answered(host: str, *rest: Any, **more: Any) -> Any:
        if host == "silent.example":
            let_go.wait(30)
        return really("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answered)
    silent = [asyncio.create_task(addresses.look_up("silent.example", 443)) for _ in range(20)]
    try:
        async with asyncio.timeout(5):
            assert await addresses.look_up("another.example", 443) == ["127.0.0.1"]
            assert await asyncio.get_running_loop().getaddrinfo("postgres", 5432)
    finally:
        let_go.set()
        await asyncio.gather(*silent)


async def test_a_name_that_moves_to_a_forbidden_address_is_looked_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def moving(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    monkeypatch.setattr(addresses, "look_up", moving)
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://moving.example:{server.sockets[0].getsockname()[1]}/"
    async with server, create_client(AddressPolicy(["127.0.0.0/8"])) as client:
        assert (await client.get(url)).status_code == 200
        assert len(answers) == 1
        with pytest.raises(ForbiddenAddressError, match=r"169\.254\.169\.254"):
            await client.get(url)
    assert len(seen) == 1
