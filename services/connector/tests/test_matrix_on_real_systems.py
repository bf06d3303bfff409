"""Real systems in each failure: what it comes to, whom it stops, and that all goes on when it is over.

No system is exempt from any of them.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from lineshaft.common.outcomes import ConnectionStatus, Outcome, Rung, Scope
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters.protocols import open_source
from lineshaft.tools.stack.mariadb_source import MariadbSource
from lineshaft.tools.stack.tryton import TrytonSource
from tests.chaos.fault_proxy import Fault, FaultProxy

from . import real_systems as bring
from . import rig as fixtures
from .real_systems import FORBIDDEN, KINDS, NOWHERE, BringAbout, Connected, RealSource
from .rig import CATALOG, Rig, a_connection_id
from .sql_source import needs_mariadb
from .verdicts import health_after

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools = fixtures.pools

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

ROUNDS = 3
"""Of attempts while the failure lasts."""
LATER = timedelta(hours=1)
"""The monitor waits before it believes that a system is back."""


class Then(StrEnum):
    """What becomes of the sync of two objects, while the failure lasts and after it."""

    GOES_ON = "is read as ever"
    RETRIES = "is tried again, and ends by itself"
    WAITS = "makes no further call until somebody connects anew"
    ONE_FAILS = "fails for one object and is read for the other; the next one reads both"


@dataclass(frozen=True)
class Failure:
    bring_about: BringAbout
    then: Then
    outcome: Outcome = Outcome.UNREACHABLE
    scope: Scope | None = Scope.ALL
    rung: Rung | None = None


FAILURES: Mapping[str, Failure] = {
    "refused port": Failure(bring.port_refused, Then.RETRIES, rung=Rung.TCP),
    "cut in mid-answer": Failure(bring.network(Fault.CUT), Then.RETRIES, rung=Rung.HTTP),
    "black hole": Failure(bring.black_hole, Then.RETRIES, rung=Rung.TIMEOUT),
    "slow": Failure(bring.network(Fault.LATENCY), Then.GOES_ON, Outcome.OK, None),
    "wrong password": Failure(bring.password_changed, Then.WAITS, Outcome.CREDENTIALS_REJECTED),
    "account locked": Failure(bring.account_locked, Then.WAITS, Outcome.CREDENTIALS_REJECTED),
    "object forbidden": Failure(
        bring.object_forbidden, Then.ONE_FAILS, Outcome.PERMISSION_DENIED, Scope.ENTITIES
    ),
    "object missing": Failure(
        bring.object_missing, Then.ONE_FAILS, Outcome.CONFIGURATION_ERROR, Scope.ENTITIES
    ),
}
NIGHTLY = {"tryton", "odoo"}
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
async def rig(pools: tuple[Pool, Pool]) -> AsyncIterator[Rig]:
    async for rig in fixtures.a_rig(pools):
        rig.tools = replace(rig.tools, opener=open_source)
        yield rig


@pytest_asyncio.fixture(loop_scope="session")
async def way(rig: Rig, source: RealSource) -> AsyncIterator[Connected]:
    """To the source, through the proxy, not yet connected."""
    if isinstance(source, TrytonSource):
        source.unlock_logins()
    host, port = bring.place_of(source)
    proxy = FaultProxy(host, port, seconds=bring.SLOW_SECONDS, bytes_before_cut=bring.CUT_AFTER_BYTES)
    async with proxy:
        yield Connected(rig, source, proxy, a_connection_id())


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("source", SYSTEMS, indirect=True, scope="module")
async def test_a_real_system_in_a_failure(
    way: Connected, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = FAILURES[failure]
    await way.connect()
    assert set((await way.sync()).values()) == {"read"}
    whole = await way.records()
    assert all(whole.values()), whole

    async with expected.bring_about(way, monkeypatch):
        states = await way.sync()
        for _ in range(ROUNDS - 1):
            await way.go_on()
        await assert_stopped_as_it_must(way, failure, expected, states)

    before = await way.calls()
    await heal(way, expected.then)
    assert await way.records() == whole
    after = (await way.calls())[len(before) :]
    health = health_after(
        [
            *(call for call in before if call.object != NOWHERE),
            *(call.model_copy(update={"at": call.at + LATER}) for call in after),
        ]
    )
    assert health.status is ConnectionStatus.HEALTHY, health


async def assert_stopped_as_it_must(
    way: Connected, failure: str, expected: Failure, states: Mapping[str, str]
) -> None:
    calls = await way.calls()
    failed = [call for call in calls if call.outcome is not Outcome.OK]
    assert {call.outcome for call in failed} <= {expected.outcome}, failed
    name = NOWHERE if NOWHERE in states else CATALOG.system(way.system).object_of(FORBIDDEN)
    match expected.then:
        case Then.GOES_ON:
            assert failed == []
            assert set(states.values()) == {"read"}
        case Then.RETRIES:
            assert {call.rung for call in failed} == {expected.rung}, failed
            assert len(failed) == ROUNDS * len(states)
            assert set((await way.go_on()).values()) == {"queued"}
        case Then.WAITS:
            assert len(failed) == 1, "asked once, however often it was to go on"
            assert set(states.values()) == {"waiting"}
        case Then.ONE_FAILS:
            assert states == {name: "failed", **{one: "read" for one in states if one != name}}
            assert {call.object for call in failed} == {name}
    verdict = health_after(calls).verdict
    assert (verdict and verdict.scope) == expected.scope, verdict


async def heal(way: Connected, then: Then) -> None:
    """The cause is gone: who does what, and both objects are read."""
    match then:
        case Then.WAITS:
            await way.connect()
            states = await way.go_on()
        case Then.ONE_FAILS:
            states = await way.sync()
        case _:
            states = await way.go_on()
    assert set(states.values()) == {"read"}, states


@pytest.mark.parametrize("source", SYSTEMS, indirect=True, scope="module")
async def test_a_real_system_that_speaks_no_tls_where_it_is_expected(way: Connected) -> None:
    answer = await way.authorize(**way.over_tls())
    assert answer["problem"]["code"] == "unreachable"
    assert "TLS" in answer["problem"]["message"], answer
    await way.connect()
    assert set((await way.sync()).values()) == {"read"}
