"""Real systems in each failure: what it comes to, whom it stops, and that all goes on when it is over."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from lineshaft.tools.stack.mariadb_source import MariadbSource
from lineshaft.tools.stack.tryton import TrytonSource
from tests.chaos.fault_proxy import FaultProxy

from . import real_systems as bring
from . import rig as fixtures
from .connected import Connected
from .failures import NETWORK, Failure, endure, one_forbidden, one_missing, rejected
from .real_systems import FORBIDDEN, KINDS, OPEN, RealSource
from .rig import CATALOG, Rig, a_connection_id
from .sql_source import needs_mariadb

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools, rig = fixtures.pools, fixtures.real_rig

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

FAILURES: Mapping[str, Failure] = {
    **NETWORK,
    "wrong password": rejected(bring.password_changed),
    "account locked": rejected(bring.account_locked),
    "object forbidden": one_forbidden(bring.object_forbidden),
    "object missing": one_missing(bring.object_missing),
}
EXEMPT: Mapping[tuple[str, str], str] = {
    ("tryton_rest", "account locked"): "a key goes on when its user is deactivated",
    ("tryton_rest", "object missing"): "it answers 500, as to a fault of its own",
}
NIGHTLY = {"tryton", "tryton_rest", "odoo"}
"""They take longest, and have tests of their own in the normal run."""
SYSTEMS = [pytest.param(name, marks=pytest.mark.nightly if name in NIGHTLY else ()) for name in KINDS]


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest, infrastructure: "Infrastructure") -> Iterator[RealSource]:
    kind = KINDS[request.param]
    if kind is MariadbSource:
        needs_mariadb()
    source = kind(infrastructure.supervisor, name=f"matrix-{request.param}")
    source.prepare()
    source.launch()
    source.wait_until_ready()
    yield source
    source.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def way(rig: Rig, source: RealSource) -> AsyncIterator[Connected[RealSource]]:
    """To the source, through the proxy, not yet connected."""
    if isinstance(source, TrytonSource):
        source.unlock_logins()
    host, port = bring.place_of(source)
    proxy = FaultProxy(host, port, seconds=bring.SLOW_SECONDS, bytes_before_cut=bring.CUT_AFTER_BYTES)
    async with proxy:
        at_fault = CATALOG.system(source.system).object_of(FORBIDDEN)
        asked = {"entities": [OPEN, FORBIDDEN]}
        yield Connected(rig, source, proxy, a_connection_id(), CATALOG, asked, at_fault)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("source", SYSTEMS, indirect=True, scope="module")
async def test_a_real_system_in_a_failure(
    way: Connected[RealSource], failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := EXEMPT.get((way.source.system, failure)):
        pytest.skip(f"exempt: {reason}")
    await endure(way, FAILURES[failure], monkeypatch)


@pytest.mark.parametrize("source", SYSTEMS, indirect=True, scope="module")
async def test_a_real_system_that_speaks_no_tls_where_it_is_expected(way: Connected[RealSource]) -> None:
    answer = await way.authorize(**way.over_tls())
    assert answer["problem"]["code"] == "unreachable"
    assert "TLS" in answer["problem"]["message"], answer
    await way.connect()
    assert set((await way.sync()).values()) == {"read"}
