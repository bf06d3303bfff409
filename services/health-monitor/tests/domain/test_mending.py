"""What an object fails for is changed by somebody: it is tried anew at once, and a line says who did that."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lineshaft.common.events.drift import DriftPolicy, MappingDrifted, SchemaAccepted
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.outcomes import ConnectionStatus, Move, Outcome
from lineshaft.health_monitor.domain.effects import Noted

from .builders import CONNECTION, START, SYSTEM, Scene

Fact = Callable[..., SchemaAccepted | MappingChanged]


def accepted(scene: Scene, *, object_name: str = "assets", early: bool = False) -> SchemaAccepted:
    return SchemaAccepted(
        connection_id=CONNECTION,
        system=SYSTEM,
        object=object_name,
        at=scene.now - timedelta(hours=1) if early else scene.now,
        actor="key_1",
        accepted=2,
    )


def mapped(scene: Scene, *, object_name: str = "assets", early: bool = False) -> MappingChanged:
    return MappingChanged(
        connection_id=CONNECTION,
        system=SYSTEM,
        entity="asset",
        object=object_name,
        version=2,
        effective={},
        changed_at=scene.now - timedelta(hours=1) if early else scene.now,
        changed_by="key_1",
    )


def failing(outcome: Outcome = Outcome.CONFIGURATION_ERROR) -> Scene:
    scene = Scene.connected("assets", "vendors")
    scene.call(outcome, "assets")
    assert scene.described.status is ConnectionStatus.DEGRADED
    return scene


def closed(scene: Scene) -> bool:
    return not next(one for one in scene.described.objects if one.object == "assets").callable


@pytest.mark.parametrize("fact", [accepted, mapped])
def test_the_object_may_be_called_again_at_once(fact: Fact) -> None:
    scene = failing()
    assert closed(scene)
    scene.take(fact(scene))
    assert not closed(scene)
    assert scene.described.status is ConnectionStatus.HEALTHY
    actors = [one.actor for one in scene.effects if isinstance(one, Noted)]
    assert "key_1" in actors


@pytest.mark.parametrize("fact", [accepted, mapped])
@pytest.mark.parametrize("about", [{"object_name": "vendors"}, {"early": True}], ids=["another", "older"])
def test_another_object_and_an_older_fact_open_nothing(fact: Fact, about: dict[str, Any]) -> None:
    scene = failing()
    scene.take(fact(scene, **about))
    assert closed(scene)


def test_a_right_is_not_given_by_a_mapping() -> None:
    scene = failing(Outcome.PERMISSION_DENIED)
    scene.take(mapped(scene))
    assert closed(scene)


def test_drift_stands_in_the_timeline_and_changes_no_state() -> None:
    scene = Scene.connected("assets")
    before = scene.described.status
    scene.take(
        MappingDrifted(
            connection_id=CONNECTION,
            system=SYSTEM,
            object="assets",
            at=START,
            policy=DriftPolicy.OFFER,
            held=False,
            changes=[],
            entities=[],
            offered=["weight"],
            move=Move.NOBODY,
            summary="assets has changed at the source. new: weight.",
            action="Nothing has to be done.",
        )
    )
    (line,) = [one for one in scene.effects if isinstance(one, Noted) and one.kind == "mapping.drifted"]
    assert (line.at, line.details["offered"]) == (START, ["weight"])
    assert scene.described.status == before
