"""The health monitor's labelled cases, brought about by real systems."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lineshaft.common.events.calls import Call
from lineshaft.common.events.connections import ConnectionDescribed
from lineshaft.common.events.health import StatusDescribed
from lineshaft.health_monitor.domain.effects import Described
from lineshaft.health_monitor.domain.rules import Input, apply
from lineshaft.health_monitor.domain.state import ConnectionState
from lineshaft.health_monitor.domain.thresholds import Thresholds

FOLDER = Path(__file__).parents[2] / "health-monitor" / "verdicts"
TOLD = ("operation", "code", "field", "rung", "confidence")
VERDICT = ("fault", "scope", "move", "confidence", "objects", "fields", "operations")

Case = dict[str, Any]


def cases_of(system: str) -> dict[str, Case]:
    contents = [case for file in FOLDER.glob("*.yaml") for case in yaml.safe_load(file.read_text("utf-8"))]
    return {case["name"]: case for case in contents if case.get("system") == system}


def health_after(calls: Iterable[Call]) -> StatusDescribed:
    """What the monitor says of a connection that made these calls."""
    calls = list(calls)
    first = calls[0]
    described = ConnectionDescribed(
        connection_id=first.connection_id,
        system=first.system,
        credential_version=first.credential_version,
        revision=1,
        created_at=first.at,
        changed_at=first.at,
        reason="created",
    )
    state, said = ConnectionState(connection_id=first.connection_id), []
    inputs: list[Input] = [described, *calls]
    for number, event in enumerate(inputs):
        state, effects = apply(
            state,
            event,
            event_id=f"evt_{number}",
            thresholds=Thresholds(),
            now=event.at if isinstance(event, Call) else first.at,
            chance=lambda: 0.5,
        )
        said += [effect.data for effect in effects if isinstance(effect, Described)]
    return said[-1]


def assert_told(call: Call, step: dict[str, Any]) -> None:
    """The call is what the case says of it, and as sure."""
    outcome = str(call.outcome)
    assert outcome in step, f"{outcome} in place of {step}: {call.code} {call.message}"
    assert call.object == step[outcome]
    listed = {name: step[name] for name in TOLD if name in step} | {
        "confidence": step.get("confidence", "high"),
        "field": step.get("field"),
    }
    told = call.model_dump(mode="json")
    assert {name: told[name] for name in listed} == listed


def assert_judged(calls: Iterable[Call], case: Case) -> None:
    described, expected = health_after(calls), case["expect"]
    verdict = described.verdict
    assert verdict is not None
    said = verdict.model_dump(mode="json")
    wanted = {name: expected[name] for name in VERDICT if name in expected}
    assert {name: said[name] for name in wanted} == wanted
    assert str(described.status) == expected["status"]
    assert expected.get("says", "") in verdict.summary
    assert expected.get("asks", "") in verdict.action
    if "breaker" in expected:
        assert described.breaker.state == expected["breaker"]
