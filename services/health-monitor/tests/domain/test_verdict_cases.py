"""The labelled cases of `services/health-monitor/verdicts`."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from lineshaft.common.events.calls import Call
from lineshaft.common.outcomes import ConnectionStatus, Fault, Move, Operation, Outcome, Scope
from lineshaft.health_monitor.domain.state import Confidence

from .builders import Scene, a_description

FOLDER = Path(__file__).parents[2] / "verdicts"
FEWEST = 60
NOT_FIELDS = frozenset({"times", "retry_in"})


class Expected(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: ConnectionStatus
    fault: Fault | None = None
    scope: Scope | None = None
    move: Move | None = None
    confidence: Confidence | None = None
    objects: list[str] | None = None
    fields: list[str] | None = None
    operations: list[Operation] | None = None
    says: str = ""
    asks: str = ""
    breaker: str | None = None
    closed: list[str] | None = None
    probes: int | None = None


class Case(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    system: str = ""
    """One that the connector's tests bring this about on."""
    calls: list[dict[str, Any]] = Field(min_length=1)
    expect: Expected


def all_cases() -> Iterator[Any]:
    for file in sorted(FOLDER.glob("*.yaml")):
        for content in yaml.safe_load(file.read_text(encoding="utf-8")):
            case = Case.model_validate(content)
            yield pytest.param(case, id=f"{file.stem}: {case.name}")


CASES = list(all_cases())


def take(scene: Scene, step: dict[str, Any]) -> None:
    if "wait" in step:
        scene.wait(step["wait"])
        return
    if "reconnected" in step:
        version = step["reconnected"]
        scene.take(a_description(version, version, reason="reauthorized"))
        return
    [outcome] = [Outcome(key) for key in step if key in set(Outcome)]
    fields = {key: value for key, value in step.items() if key != outcome and key not in NOT_FIELDS}
    unknown = fields.keys() - Call.model_fields.keys() - {"version"}
    assert not unknown, f"no field of a call: {unknown}"
    if "retry_in" in step:
        fields["retry_at"] = scene.now + timedelta(seconds=step["retry_in"])
    for _ in range(step.get("times", 1)):
        scene.call(outcome, step[outcome], **fields)


@pytest.mark.parametrize("case", CASES)
def test_what_the_calls_say_is_the_verdict(case: Case) -> None:
    scene = Scene.connected()
    for step in case.calls:
        take(scene, step)
    described, expected = scene.described, case.expect
    verdict = described.verdict
    assert described.status is expected.status
    assert (verdict.fault if verdict else None) is expected.fault
    assert (verdict.scope if verdict else None) is expected.scope
    assert (verdict.move if verdict else None) is expected.move
    seen: dict[str, object] = {
        "breaker": described.breaker.state,
        "closed": [item.object for item in described.objects if not item.callable],
        "probes": scene.probes,
    }
    if verdict is not None:
        seen |= verdict.model_dump(include={"confidence", "objects", "fields", "operations"})
        assert expected.says in verdict.summary
        assert expected.asks in verdict.action
        assert verdict.evidence
    wanted = expected.model_dump(
        exclude={"status", "fault", "scope", "move", "says", "asks"}, exclude_none=True
    )
    assert {name: seen[name] for name in wanted} == wanted


def test_there_are_enough_cases_and_each_has_its_name() -> None:
    names = Counter(param.values[0].name for param in CASES)
    assert len(names) == len(CASES) >= FEWEST


def test_every_fault_and_status_that_calls_can_bring_about_has_a_case() -> None:
    expected = [param.values[0].expect for param in CASES]
    assert {one.fault for one in expected} >= set(Fault) - {Fault.PLATFORM}
    assert {one.scope for one in expected} >= set(Scope)
    ours = {ConnectionStatus.PENDING, ConnectionStatus.PAUSED, ConnectionStatus.DISCONNECTED}
    assert {one.status for one in expected} == set(ConnectionStatus) - ours
