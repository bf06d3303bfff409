"""Sources behind a real proxy and with certificates of a private authority."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lineshaft.common.encryption import UnreadableSecretError
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.http.network import Network, check_proxy_url, shown_proxy, trusting
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import LadderRung, Outcome, Rung
from lineshaft.connector.adapters import networks
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.ladder import Climb
from lineshaft.connector.adapters.networks import Networks
from lineshaft.connector.adapters.protocols.route import route_of
from lineshaft.connector.domain.ladder import PROXIED, Ladder
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.testing.sandbox import running_sandbox

from . import rig as fixtures
from .certificates import issue
from .connect_proxy import ConnectProxy, a_proxy
from .rig import CATALOG, KEYS, Rig, a_connection_id, quietly

pools, rig = fixtures.pools, fixtures.real_rig

AUTHORITY = issue("Plant Authority")
LOCAL = AddressPolicy(["127.0.0.0/8"])
CA = AUTHORITY.pem.decode()


@asynccontextmanager
async def a_plant(folder: Path) -> AsyncIterator[str]:
    """A source on TLS with a certificate that only the plant's authority vouches for; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        writer.close()

    context = issue("localhost", names=("localhost",), by=AUTHORITY).context(folder)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def asked(network: Network, url: str, policy: AddressPolicy = LOCAL) -> Answer | NoAnswerError:
    straight = SourceHttp(policy)
    opened = Networks(straight)
    try:
        return await opened.http(network).request("GET", url, {}, seconds=10)
    except NoAnswerError as error:
        return error
    finally:
        await opened.close()
        await straight.close()


async def climbed(network: Network, url: str) -> dict[LadderRung, tuple[str, str | None]]:
    """Status and code of each rung."""
    straight = SourceHttp(LOCAL)
    opened = Networks(straight)
    http = opened.http(network)
    ladder = Ladder(PROXIED[:-2])
    climb = Climb(ladder, route_of(CATALOG.system("sandbox"), {"base_url": url}, http), http, quietly)
    await climb.network()
    if ladder.stopped is None:
        await climb.http(decisive=True)
    await opened.close()
    await straight.close()
    return {one.rung: (one.status.value, one.code) for one in ladder.results}


async def test_a_private_authority_is_trusted_besides_the_public_ones(tmp_path: Path) -> None:
    async with a_plant(tmp_path) as url:
        found = await asked(Network(ca_certificate=CA), url)
        assert isinstance(found, Answer)
        refused = await asked(Network(), url)
    assert isinstance(refused, NoAnswerError)
    assert refused.rung is Rung.TLS
    public = trusting(CA).cert_store_stats()["x509_ca"]
    assert public >= ssl.create_default_context().cert_store_stats()["x509_ca"] + 1


async def test_a_tunnel_through_the_proxy(tmp_path: Path) -> None:
    async with a_plant(tmp_path) as url, a_proxy() as proxy:
        network = Network(proxy.url, CA)
        found = await asked(network, url)
        assert isinstance(found, Answer)
        assert proxy.asked == [f"CONNECT {url.removeprefix('https://')}"]
        rungs = await climbed(network, url)
    assert [status for status, _ in rungs.values()] == ["skipped", "ok", "ok", "ok", "ok"]


async def test_a_proxy_that_refuses_names_its_rung(tmp_path: Path) -> None:
    async with a_plant(tmp_path) as url, a_proxy() as proxy:
        wrong = Network(proxy.url.replace("plant:", "nobody:"), CA)
        for network in (wrong, Network(proxy.url, CA)):
            proxy.allows = network is wrong
            found = await asked(network, url)
            assert isinstance(found, NoAnswerError)
            assert (found.outcome, found.rung) == (Outcome.UNREACHABLE, Rung.PROXY)
            assert "of the proxy" not in found.message
            rungs = await climbed(network, url)
            assert rungs[LadderRung.PROXY] == ("failed", "tunnel_refused")
            assert rungs[LadderRung.TCP] == ("ok", None)
            assert rungs[LadderRung.TLS][0] == "skipped"


async def test_a_proxy_that_is_not_there(tmp_path: Path) -> None:
    network = Network(f"http://127.0.0.1:{free_port()}", CA)
    found = await asked(network, "https://plant.example/")
    assert isinstance(found, NoAnswerError)
    assert (found.outcome, found.rung, found.code) == (
        Outcome.UNREACHABLE,
        Rung.PROXY,
        "proxy_not_reached",
    )


async def test_behind_the_proxy_tls_is_still_the_sources(tmp_path: Path) -> None:
    async with a_plant(tmp_path) as url, a_proxy() as proxy:
        found = await asked(Network(proxy.url), url)
        rungs = await climbed(Network(proxy.url), url)
    assert isinstance(found, NoAnswerError)
    assert found.rung is Rung.TLS
    assert (rungs[LadderRung.PROXY][0], rungs[LadderRung.TLS][0]) == ("ok", "failed")


async def test_the_proxys_address_has_to_be_allowed_and_numbers_behind_it(tmp_path: Path) -> None:
    async with a_proxy() as proxy:
        forbidden = await asked(Network(proxy.url), "https://plant.example/", AddressPolicy())
        assert isinstance(forbidden, NoAnswerError)
        assert forbidden.code == "address_not_allowed"
        for host in ("169.254.169.254", "10.0.0.7", "[::1]"):
            behind = await asked(Network(proxy.url), f"http://{host}/latest")
            assert isinstance(behind, NoAnswerError)
            assert behind.code == "address_not_allowed"
        assert proxy.asked == []


async def test_pools_are_shared_and_the_least_used_ones_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "MOST_POOLS", 2)
    straight = SourceHttp(LOCAL)
    opened = Networks(straight)
    ways = [Network(f"http://proxy-{number}.example") for number in range(3)]
    assert opened.http(Network()) is opened.http(Network(requests_per_minute=7)) is straight
    first = opened.http(ways[0])
    assert opened.http(ways[1]) is not first
    assert opened.http(ways[0]) is first
    opened.http(ways[2])
    assert opened.http(ways[0]) is first
    assert len(opened._closing) == 1
    await opened.close()
    await straight.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("proxy.example:3128", "http://"),
        ("https://proxy.example", "http://"),
        ("http://", "a host"),
        ("http://proxy.example:port", "no address"[3:]),
        ("http://proxy.example/path", "ends after"),
        ("http://proxy.example?x=1", "ends after"),
    ],
)
def test_what_is_no_proxy(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_proxy_url(url)


def test_a_proxy_is_shown_without_its_password() -> None:
    url = check_proxy_url("http://user:p%40ss@proxy.example:3128/")
    assert shown_proxy(url) == "http://proxy.example:3128"
    with pytest.raises(ValueError, match="PEM"):
        trusting("no certificate")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxSource]:
    with running_sandbox("networks") as sandbox:
        yield sandbox


async def set_proxy(rig: Rig, connection_id: str, proxy: ConnectProxy) -> None:
    """As `api` does."""
    network_id = new_id("net")
    bound_to = f"network/{connection_id}/{network_id}"
    await rig.api_pool.execute(
        "insert into connector.network (network_id, connection_id, sealed, proxy, created_by)"
        " values ($1, $2, $3, $4, 'test')",
        network_id,
        connection_id,
        KEYS.seal(proxy.url.encode(), bound_to=bound_to),
        shown_proxy(proxy.url),
    )


@pytest.mark.integration
async def test_a_connection_is_made_and_read_over_its_proxy(rig: Rig, sandbox: SandboxSource) -> None:
    """The sandbox has another name here, at an address that only the proxy may dial."""
    connection_id = a_connection_id()
    named = sandbox.base_url.replace("127.0.0.1", "localhost")
    values = {"username": sandbox.username, "password": sandbox.password}
    async with a_proxy() as proxy:
        await set_proxy(rig, connection_id, proxy)
        answer = await rig.authorize(
            connection_id, system="sandbox", values=values, settings={"base_url": named}
        )
        assert answer["problem"] is None, answer
        verified = len(proxy.asked)
        assert verified
        await rig.request_sync(connection_id, entities=["vendor"])
        await rig.read_all()
        assert (await rig.sync(connection_id))["status"] == "read"
        assert len(proxy.asked) > verified
        assert all(f" {named}/v1/" in one for one in proxy.asked)
        proxy.allows = False
        await rig.request_sync(connection_id, entities=["vendor"])
        await rig.read_all()
    failed = await rig.calls(connection_id, Outcome.PERMISSION_DENIED) + await rig.calls(
        connection_id, Outcome.UNREACHABLE
    )
    assert failed


@pytest.mark.integration
async def test_a_proxy_of_another_connection_opens_for_nobody(rig: Rig) -> None:
    one, other = a_connection_id(), a_connection_id()
    async with a_proxy() as proxy:
        await set_proxy(rig, one, proxy)
    await rig.pool.execute("update network set connection_id = $1", other)
    with pytest.raises(UnreadableSecretError):
        await networks.find(rig.pool, KEYS, other)
    assert await networks.find(rig.pool, KEYS, one) == Network()


async def test_a_private_network_is_reached_for_its_connection_alone() -> None:
    straight = SourceHttp(AddressPolicy())
    opened = Networks(straight)
    inside = opened.http(Network(private_networks=("10.255.0.0/16",)))
    other = opened.http(Network(private_networks=("192.168.7.0/24",)))
    try:
        assert inside.policy.allows("10.255.3.4")
        assert not other.policy.allows("10.255.3.4")
        assert not opened.http(Network()).policy.allows("10.255.3.4")
        with pytest.raises(NoAnswerError, match="private or reserved"):
            await other.request("GET", "http://10.255.3.4:9/", {}, seconds=2)
    finally:
        await opened.close()
        await straight.close()
