"""A 401 of one object, and one of everything: which of the two closes the gate."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lineshaft.common.outcomes import Grant, Operation, Outcome, Rung, Verb
from lineshaft.connector.adapters.protocols.second_probe import believed
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.protocol import Need
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.testing.sandbox import running_sandbox

from . import rig as fixtures
from .rig import Rig, a_connection_id
from .sql_source import opened, refused

pools, rig = fixtures.pools, fixtures.real_rig

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxSource]:
    with running_sandbox("second-probe") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(process: SandboxSource) -> SandboxSource:
    process.admin("POST", "/reset")
    process.admin("DELETE", "/requests")
    return process


async def connected(rig: Rig, sandbox: SandboxSource) -> str:
    connection_id = a_connection_id()
    answer = await rig.authorize(
        connection_id,
        values={"username": sandbox.username, "password": sandbox.password},
        settings={"base_url": sandbox.base_url},
        system="sandbox",
    )
    assert answer["problem"] is None, answer
    return connection_id


async def read_evidence(sandbox: SandboxSource, **faults: Any) -> Evidence:
    async with opened(sandbox) as adapter:
        sandbox.fault(**faults)
        return await refused(lambda: adapter.read("parts", ["id"], None, 50))


async def test_a_401_of_one_object_stops_that_object_alone(rig: Rig, sandbox: SandboxSource) -> None:
    connection_id = await connected(rig, sandbox)
    sandbox.fault(unauthorized_objects=["parts"])
    await rig.request_sync(connection_id)
    await rig.read_all()
    states = await rig.job_states(connection_id)
    assert states.pop("parts") == "failed"
    assert set(states.values()) == {"read"}
    (call,) = await rig.calls(connection_id, "permission_denied")
    assert (call["object"], call["http_status"]) == ("parts", 401)
    assert await rig.calls(connection_id, "credentials_rejected") == []
    assert await rig.pool.fetchval("select rejected_version from gate") == 0


async def test_a_401_of_everything_closes_the_gate_once(rig: Rig, sandbox: SandboxSource) -> None:
    connection_id = await connected(rig, sandbox)
    sandbox.fault(credentials="revoked")
    sandbox.admin("DELETE", "/requests")
    await rig.request_sync(connection_id)
    await rig.read_all()
    assert len(await rig.calls(connection_id, "credentials_rejected")) == 1
    assert await rig.pool.fetchval("select rejected_version from gate") == 1
    assert len(sandbox.requests()) == 2, "one that was refused, and one to be sure"


async def test_a_401_of_one_object_is_a_question_of_rights(sandbox: SandboxSource) -> None:
    evidence = await read_evidence(sandbox, unauthorized_objects=["parts"])
    assert (evidence.outcome, evidence.object) == (Outcome.PERMISSION_DENIED, "parts")
    assert "accepted elsewhere" in (evidence.message or "")
    async with opened(sandbox) as adapter:
        assert (await adapter.read("vendors", ["id"], None, 1)).records
        found = await adapter.rights([Need("parts", Verb.READ), Need("vendors", Verb.READ)])
    assert [right.grant for right in found.values()] == [Grant.DENIED, Grant.GRANTED]


@pytest.mark.parametrize(("state", "asked"), [("expired", 2), ("revoked", 2), ("locked", 1)])
async def test_a_401_of_everything_is_believed_once_the_second_probe_is_refused(
    sandbox: SandboxSource, state: str, asked: int
) -> None:
    """A locked account is not asked again: that would keep it locked."""
    sandbox.admin("DELETE", "/requests")
    evidence = await read_evidence(sandbox, credentials=state)
    assert evidence.outcome is Outcome.CREDENTIALS_REJECTED
    paths = [one["path"] for one in sandbox.requests()]
    assert paths == ["/v1/parts", "/v1/me"][:asked]


async def test_where_the_second_probe_comes_to_nothing_nothing_is_decided() -> None:
    refusal = Evidence(Outcome.CREDENTIALS_REJECTED, Operation.READ, "parts", 401)
    down = Evidence(Outcome.UNREACHABLE, Operation.VERIFY, rung=Rung.TCP)

    async def verify() -> None:
        raise SourceFailureError(down)

    found = await believed(refusal, verify)
    assert found == replace(down, object="parts", operation=Operation.READ)
