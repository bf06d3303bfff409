"""What a failure comes to in the whole connector: whom it stops, and that all goes on when it is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest

from lineshaft.common.outcomes import ConnectionStatus, Outcome, Rung, Scope
from tests.chaos.fault_proxy import Fault

from .connected import BringAbout, Connected, black_hole, network, port_refused
from .verdicts import health_after

ROUNDS = 3
"""Of attempts while the failure lasts."""
LATER = timedelta(hours=1)
"""The monitor waits before it believes that a system is back."""
NOWHERE = "nothing_of_that_name"


class Then(StrEnum):
    """What becomes of a sync, while the failure lasts and after it."""

    GOES_ON = "is read as ever"
    RETRIES = "is tried again, and ends by itself"
    WAITS = "makes no further call until somebody connects anew"
    ONE_FAILS = "fails for one object and is read for others; the next one reads all"


@dataclass(frozen=True)
class Failure:
    bring_about: BringAbout
    then: Then
    outcome: Outcome = Outcome.UNREACHABLE
    scope: Scope | None = Scope.ALL
    rung: Rung | None = None


def rejected(bring_about: BringAbout) -> Failure:
    return Failure(bring_about, Then.WAITS, Outcome.CREDENTIALS_REJECTED)


def one_forbidden(bring_about: BringAbout) -> Failure:
    return Failure(bring_about, Then.ONE_FAILS, Outcome.PERMISSION_DENIED, Scope.ENTITIES)


def one_missing(bring_about: BringAbout) -> Failure:
    return Failure(bring_about, Then.ONE_FAILS, Outcome.CONFIGURATION_ERROR, Scope.ENTITIES)


NETWORK: Mapping[str, Failure] = {
    "refused port": Failure(port_refused, Then.RETRIES, rung=Rung.TCP),
    "cut in mid-answer": Failure(network(Fault.CUT), Then.RETRIES, rung=Rung.HTTP),
    "black hole": Failure(black_hole, Then.RETRIES, rung=Rung.TIMEOUT),
    "slow": Failure(network(Fault.LATENCY), Then.GOES_ON, Outcome.OK, None),
}


async def endure(way: Connected[Any], failure: Failure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect, read all, fail, and read all again once it is over."""
    await way.connect()
    assert set((await way.sync()).values()) == {"read"}
    whole = await way.records()
    assert all(whole.values()), whole

    async with failure.bring_about(way, monkeypatch):
        states = await way.sync()
        for _ in range(ROUNDS - 1):
            await way.go_on()
        await _assert_stopped_as_it_must(way, failure, states)

    before = await way.calls()
    await _heal(way, failure.then)
    # one success is not yet enough for the monitor, where all was stopped
    assert set((await way.sync()).values()) == {"read"}
    assert await way.records() == whole
    after = (await way.calls())[len(before) :]
    health = health_after(
        [
            *(call for call in before if call.object != NOWHERE),
            *(call.model_copy(update={"at": call.at + LATER}) for call in after),
        ]
    )
    assert health.status is ConnectionStatus.HEALTHY, health


async def _assert_stopped_as_it_must(
    way: Connected[Any], expected: Failure, states: Mapping[str, str]
) -> None:
    calls = await way.calls()
    failed = [call for call in calls if call.outcome is not Outcome.OK]
    assert {call.outcome for call in failed} <= {expected.outcome}, failed
    name = NOWHERE if NOWHERE in states else way.at_fault
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


async def _heal(way: Connected[Any], then: Then) -> None:
    """The cause is gone: who does what, and all is read."""
    match then:
        case Then.WAITS:
            await way.connect()
            states = await way.go_on()
        case Then.ONE_FAILS:
            states = await way.sync()
        case _:
            states = await way.go_on()
    assert set(states.values()) == {"read"}, states
