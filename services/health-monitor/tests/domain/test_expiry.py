"""Warnings before credentials end."""

from datetime import timedelta

from lineshaft.common.events.access import AccessChecked
from lineshaft.common.events.health import CredentialsExpiring
from lineshaft.common.outcomes import Outcome
from lineshaft.health_monitor.domain.effects import Announced, Noted
from lineshaft.health_monitor.domain.rules import due_at
from lineshaft.health_monitor.domain.thresholds import Thresholds

from .builders import CONNECTION, START, SYSTEM, Scene, a_description

DAY = timedelta(days=1).total_seconds()
END = START + timedelta(days=30)


def a_scene(days: float = 30) -> Scene:
    scene = Scene(thresholds=Thresholds(access_check=timedelta(days=365)))
    scene.take(a_description())
    learn(scene, days)
    return scene


def learn(scene: Scene, days: float | None, version: int = 1) -> None:
    scene.take(
        AccessChecked(
            connection_id=CONNECTION,
            system=SYSTEM,
            credential_version=version,
            command_id=f"cmd_{len(scene.effects)}",
            at=scene.now,
            credentials_expire_at=None if days is None else START + timedelta(days=days),
        )
    )


def warnings(scene: Scene) -> list[str]:
    announced = [
        effect.data.summary
        for effect in scene.effects
        if isinstance(effect, Announced) and isinstance(effect.data, CredentialsExpiring)
    ]
    noted = [
        effect.summary
        for effect in scene.effects
        if isinstance(effect, Noted) and effect.kind == "credentials.expiring"
    ]
    assert announced == noted
    ids = [effect.event_id for effect in scene.effects if isinstance(effect, Announced)]
    assert len(set(ids)) == len(ids)
    return announced


def test_it_is_said_fourteen_seven_and_one_day_before_and_once_each() -> None:
    scene = a_scene()
    assert scene.described.credentials_expire_at == END
    said = []
    for day in range(32):
        before = len(warnings(scene))
        scene.wait(DAY / 2)
        learn(scene, 30)
        scene.wait(DAY / 2)
        said += [30 - day - 1] * (len(warnings(scene)) - before)
    assert said == [14, 7, 1]
    assert "end on 2026-02-04 08:00 UTC, in 14 days." in warnings(scene)[0]


def test_it_is_said_when_the_time_comes_without_any_event() -> None:
    scene = a_scene(20)
    assert due_at(scene.state, scene.thresholds, scene.now) == START + timedelta(days=6)
    scene.wait(6 * DAY)
    assert len(warnings(scene)) == 1


def test_what_ends_soon_when_it_is_learned_is_said_once() -> None:
    scene = a_scene(5)
    assert len(warnings(scene)) == 1
    scene.wait(DAY)
    assert len(warnings(scene)) == 1


def test_a_longer_life_and_new_credentials_begin_anew() -> None:
    scene = a_scene(10)
    learn(scene, 60)
    scene.wait(40 * DAY)
    assert len(warnings(scene)) == 1
    scene.wait(6 * DAY)
    assert len(warnings(scene)) == 2
    scene.take(a_description(revision=2, version=2, reason="reauthorized"))
    assert scene.described.credentials_expire_at is None
    scene.wait(20 * DAY)
    assert len(warnings(scene)) == 2


def test_what_has_ended_or_is_refused_is_not_announced_as_about_to_end() -> None:
    over = a_scene(-1)
    assert warnings(over) == []
    refused = a_scene(20)
    refused.call(Outcome.CREDENTIALS_REJECTED)
    refused.wait(19 * DAY)
    assert warnings(refused) == []


def test_the_days_are_the_operators() -> None:
    scene = Scene(thresholds=Thresholds(expiry_warnings=(3,)))
    scene.take(a_description())
    learn(scene, 5)
    assert warnings(scene) == []
    scene.wait(2 * DAY)
    assert len(warnings(scene)) == 1


def test_an_end_that_comes_out_a_little_different_is_the_same_one() -> None:
    scene = a_scene(5)
    for days in (5.001, 4.999, 5.02):
        learn(scene, days)
    assert len(warnings(scene)) == 1
    assert scene.described.credentials_expire_at == START + timedelta(days=5)
    learn(scene, 6)
    assert len(warnings(scene)) == 2
    learn(scene, None)
    assert scene.described.credentials_expire_at is None
