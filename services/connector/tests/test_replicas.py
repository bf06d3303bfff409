"""Three replicas before one open breaker: calls are counted at the source."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.health import Breaker
from lineshaft.common.outcomes import ConnectionStatus, Outcome
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.testing.sandbox import running_sandbox

from . import rig as fixtures
from .rig import Rig, a_connection_id

pools, rig = fixtures.pools, fixtures.real_rig

pytestmark = pytest.mark.integration

REPLICAS = 3


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxSource]:
    with running_sandbox("replicas") as sandbox:
        yield sandbox


async def test_no_replica_calls_before_the_time_and_one_of_them_probes(
    rig: Rig, sandbox: SandboxSource
) -> None:
    connection_id = a_connection_id()
    values = {"username": sandbox.username, "password": sandbox.password}
    settings = {"base_url": sandbox.base_url}
    answer = await rig.authorize(connection_id, system="sandbox", values=values, settings=settings)
    assert answer["problem"] is None
    replicas = [rig, *(rig.another() for _ in range(REPLICAS - 1))]

    async def slices() -> int:
        return sum(await asyncio.gather(*(replica.read_all() for replica in replicas)))

    async def opened(until: timedelta) -> None:
        breaker = Breaker(state="open", retry_at=now() + until)
        await rig.status(connection_id, ConnectionStatus.UNREACHABLE, 1, breaker=breaker)

    await opened(timedelta(hours=1))
    await rig.request_sync(connection_id)
    before = sandbox.requests_seen()
    assert await slices() == 0
    assert sandbox.requests_seen() == before, "nothing is called while the breaker is open"

    sandbox.fault(server_error={"status": 503})
    await opened(timedelta(seconds=-1))
    assert await slices() == 1
    assert sandbox.requests_seen() - before == 1, "one probe of all replicas"
    (failed,) = await rig.calls(connection_id, Outcome.SOURCE_ERROR)
    assert (failed["http_status"], failed["host"]) == (503, sandbox.base_url.removeprefix("http://"))

    sandbox.mend()
    await rig.status(connection_id, ConnectionStatus.HEALTHY, 1)
    await rig.due_now()
    await slices()
    assert (await rig.sync(connection_id))["status"] == "read"
