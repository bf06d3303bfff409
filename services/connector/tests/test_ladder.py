"""The rungs of the network, on real sockets."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from lineshaft.common.events.diagnoses import RungResult
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.outcomes import LadderRung, RungStatus
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.ladder import Climb
from lineshaft.connector.adapters.protocols.proxies import Offer
from lineshaft.connector.adapters.protocols.route import Route
from lineshaft.connector.adapters.protocols.sql_offers import mariadb_offer, postgresql_offer
from lineshaft.connector.domain.ladder import HTTP, Ladder
from lineshaft.tools.stack.ports import free_port

from .certificates import Issued, issue
from .rig import quietly

AUTHORITY = issue("Plant Authority")
NETWORKS = ["127.0.0.0/8", "::1/128"]
CLIENT_HELLO = b"\x01"
PAGE = b"HTTP/1.1 %s\r\ncontent-type: text/html\r\nserver: plant\r\ncontent-length: 6\r\n\r\n<html>"


async def climb(
    host: str,
    port: int,
    *,
    offer: Offer | None = None,
    trusted: ssl.SSLContext | None = None,
    networks: list[str] | None = None,
    decisive: bool = False,
    seconds: float = 5.0,
) -> dict[str, RungResult]:
    """Every rung up to HTTP; over TLS where there is somebody to trust."""
    http = SourceHttp(AddressPolicy(NETWORKS if networks is None else networks), tls=trusted)
    scheme = "https" if trusted else "http"
    route = Route(host, port, trusted, offer, url=f"{scheme}://{host}:{port}/")
    ladder = Ladder(HTTP[:-2])
    climbing = Climb(ladder, route, http, quietly, seconds=seconds)
    try:
        await climbing.network()
        if ladder.stopped is None:
            await climbing.http(decisive=decisive)
    finally:
        await http.close()
    return {one.rung.value: one for one in ladder.results}


@asynccontextmanager
async def a_server(
    status: bytes = b"200 OK", tls: ssl.SSLContext | None = None, *, until: bytes = b"\r\n\r\n"
) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(until)
            writer.write(PAGE % status)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def a_port_that_swallows() -> Iterator[int]:
    """Takes connections and never says anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@contextmanager
def a_port_that_drops() -> Iterator[int]:
    """No packet of a new connection gets an answer, as behind a firewall: its queue is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        place = listening.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        try:
            for one in waiting:
                one.settimeout(0)
                one.connect_ex(place)
            yield place[1]
        finally:
            for one in waiting:
                one.close()


def stopped(rungs: dict[str, RungResult]) -> RungResult:
    """The failed rung, after all below it were fine and none above it was climbed."""
    (failed,) = [one for one in rungs.values() if one.status is RungStatus.FAILED]
    above = list(rungs.values())[list(rungs).index(failed.rung) + 1 :]
    assert all(one.status is RungStatus.SKIPPED for one in above)
    assert all(one.seen == f"skipped: {failed.rung} failed" for one in above)
    assert failed.ask
    return failed


async def test_each_rung_says_what_it_saw() -> None:
    async with a_server() as port:
        rungs = await climb("localhost", port)
    assert [one.status.value for one in rungs.values()] == ["ok", "ok", "skipped", "skipped", "ok"]
    assert "127.0.0.1" in rungs["dns"].seen
    assert rungs["tcp"].address == f"127.0.0.1:{port}"
    assert rungs["tcp"].seen.endswith("connected from 127.0.0.1")
    assert rungs["tls"].seen.startswith("skipped: not asked for")
    assert rungs["proxy"].seen == "skipped: no proxy is configured"
    assert rungs["http"].seen == "HTTP 200, text/html, server plant"
    assert rungs["tcp"].duration_ms > 0 < rungs["http"].duration_ms


async def test_a_name_that_does_not_resolve() -> None:
    failed = stopped(await climb("plant.invalid", 443))
    assert (failed.rung, failed.code) == (LadderRung.DNS, "name_not_resolved")
    assert "make the name plant.invalid resolve" in (failed.ask or "")


async def test_a_closed_port_is_asked_to_be_opened() -> None:
    port = free_port()
    failed = stopped(await climb("127.0.0.1", port))
    assert (failed.rung, failed.code) == (LadderRung.TCP, "connection_refused")
    assert (failed.ask or "").startswith(f"open TCP {port} from 127.0.0.1 to 127.0.0.1: the connection is")


async def test_dropped_packets_are_told_from_a_closed_port() -> None:
    with a_port_that_drops() as port:
        failed = stopped(await climb("localhost", port, networks=NETWORKS, seconds=0.5))
    assert failed.rung is LadderRung.TCP
    assert "no answer from localhost (127.0.0.1)" in failed.seen
    assert f"open TCP {port}" in (failed.ask or "")


async def test_an_address_that_is_not_allowed_is_not_dialled() -> None:
    async with a_server() as port:
        failed = stopped(await climb("localhost", port, networks=[]))
    assert (failed.rung, failed.code, failed.address) == (LadderRung.TCP, "address_not_allowed", None)
    assert "LINESHAFT_ALLOWED_NETWORKS" in (failed.ask or "")


async def test_a_certificate_that_is_trusted_is_shown_with_its_chain(tmp_path: Path) -> None:
    own = issue("localhost", names=("localhost",), by=AUTHORITY)
    async with a_server(tls=own.context(tmp_path, AUTHORITY)) as port:
        rungs = await climb("localhost", port, trusted=AUTHORITY.trusted())
    assert rungs["tls"].status is RungStatus.OK
    assert rungs["tls"].seen.startswith("TLSv1.3, CN=localhost from CN=Plant Authority, ends on ")
    assert [one.subject for one in rungs["tls"].certificates] == ["CN=localhost", "CN=Plant Authority"]
    assert rungs["tls"].certificates[0].names == ["localhost"]
    assert rungs["http"].status is RungStatus.OK


@pytest.mark.parametrize(
    ("shown", "code", "says"),
    [
        (issue("localhost", names=("localhost",)), "certificate_self_signed", "CN=localhost has signed"),
        (
            issue("localhost", names=("localhost",), by=AUTHORITY, ended=True),
            "certificate_expired",
            "renew the certificate of localhost (127.0.0.1)",
        ),
        (
            issue("other", names=("other.example", "more.example"), by=AUTHORITY),
            "certificate_wrong_name",
            "by a name that it is for: other.example, more.example",
        ),
        (
            issue("localhost", names=("localhost",), by=issue("Somebody")),
            "certificate_unknown_issuer",
            "it is from CN=Somebody now",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("certificate") else "",
)
async def test_what_is_wrong_with_a_certificate(shown: Issued, code: str, says: str, tmp_path: Path) -> None:
    async with a_server(tls=shown.context(tmp_path)) as port:
        failed = stopped(await climb("localhost", port, trusted=AUTHORITY.trusted()))
    assert (failed.rung, failed.code) == (LadderRung.TLS, code)
    assert says in (failed.ask or "")
    assert failed.certificates[0].subject == shown.certificate.subject.rfc4514_string()
    assert failed.certificates[0].not_after == shown.certificate.not_valid_after_utc


async def test_plain_text_where_tls_is_expected() -> None:
    async with a_server(until=CLIENT_HELLO) as port:
        failed = stopped(await climb("127.0.0.1", port, trusted=AUTHORITY.trusted()))
    assert (failed.rung, failed.code) == (LadderRung.TLS, "tls_failed")
    assert "if it speaks plain text, correct the address" in (failed.ask or "")


async def test_a_black_hole_behind_an_open_port() -> None:
    with a_port_that_swallows() as port:
        failed = stopped(await climb("127.0.0.1", port, trusted=AUTHORITY.trusted(), seconds=0.5))
    assert (failed.rung, failed.code) == (LadderRung.TLS, "tls_timeout")
    assert "the port accepts connections, but the handshake gets no answer" in (failed.ask or "")


async def test_a_proxy_that_wants_a_log_on() -> None:
    async with a_server(b"407 Proxy Authentication Required") as port:
        failed = stopped(await climb("127.0.0.1", port))
    assert (failed.rung, failed.code) == (LadderRung.PROXY, "proxy_refused")


async def test_a_gateway_without_its_server_counts_where_no_call_follows() -> None:
    async with a_server(b"503 Service Unavailable") as port:
        assert (await climb("127.0.0.1", port))["http"].status is RungStatus.OK
        failed = stopped(await climb("127.0.0.1", port, decisive=True))
    assert (failed.rung, failed.code) == (LadderRung.HTTP, "http_503")


@pytest.mark.parametrize("offered", [b"S", b"N"])
async def test_a_postgresql_is_asked_for_tls_first(offered: bytes, tmp_path: Path) -> None:
    shown = issue("plant-database", names=("plant.example",), by=AUTHORITY)
    context = shown.context(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            assert await reader.readexactly(8) == bytes.fromhex("0000000804d2162f")
            writer.write(offered)
            await writer.start_tls(context)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        rungs = await climb("localhost", port, trusted=AUTHORITY.trusted(), offer=postgresql_offer)
    failed = stopped(rungs)
    wanted = {b"S": "certificate_wrong_name", b"N": "tls_not_offered"}[offered]
    assert (failed.rung, failed.code) == (LadderRung.TLS, wanted)
    assert len(failed.certificates) == (offered == b"S")


async def test_a_server_that_is_no_mariadb() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(4))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        failed = stopped(await climb("localhost", port, trusted=AUTHORITY.trusted(), offer=mariadb_offer))
    assert (failed.rung, failed.code) == (LadderRung.TLS, "tls_failed")
    assert "no greeting of a MariaDB" in failed.seen
