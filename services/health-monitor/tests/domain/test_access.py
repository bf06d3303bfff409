"""When the monitor asks what a source grants, and what it makes of the answer."""

from datetime import timedelta
from typing import Any

from lineshaft.common.events.access import AccessChecked, Permission
from lineshaft.common.events.health import PermissionsMissing
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.outcomes import ConnectionStatus, Grant, NeededBy, Outcome, Rung, Verb
from lineshaft.health_monitor.domain.effects import AccessCheckWanted, Announced, Noted
from lineshaft.health_monitor.domain.thresholds import Thresholds

from .builders import CONNECTION, START, SYSTEM, Scene, a_description

DAY = timedelta(days=1)
ROUND = 1.25 * DAY
"""A day, and what connections differ by."""


def a_scene(**thresholds: Any) -> Scene:
    scene = Scene(thresholds=Thresholds(access_check=DAY, **thresholds))
    scene.take(a_description())
    return scene


def checks(scene: Scene) -> list[str]:
    return [effect.command_id for effect in scene.effects if isinstance(effect, AccessCheckWanted)]


def told(scene: Scene) -> list[PermissionsMissing]:
    return [
        effect.data
        for effect in scene.effects
        if isinstance(effect, Announced) and isinstance(effect.data, PermissionsMissing)
    ]


def lines(scene: Scene) -> list[tuple[str, str]]:
    return [
        (effect.kind, effect.summary)
        for effect in scene.effects
        if isinstance(effect, Noted) and effect.kind.startswith("permissions.")
    ]


def a_right(name: str, granted: Grant, verb: Verb = Verb.READ, *fields: str) -> Permission:
    by = [NeededBy.MAPPING, NeededBy.SCHEDULE] if verb is Verb.READ else [NeededBy.WRITES]
    return Permission(object=name, verb=verb, needed_by=by, granted=granted, fields=list(fields))


def check(scene: Scene, *permissions: Permission, version: int = 1, **fields: Any) -> None:
    scene.take(
        AccessChecked(
            connection_id=CONNECTION,
            system=SYSTEM,
            credential_version=version,
            command_id=f"cmd_{len(scene.effects)}",
            at=fields.pop("at", scene.now),
            permissions=list(permissions),
            **fields,
        )
    )


def test_it_is_asked_at_connect_and_once_a_day_and_with_new_credentials() -> None:
    scene = a_scene()
    assert len(checks(scene)) == 1
    check(scene)
    scene.wait(DAY.total_seconds() - 60)
    assert len(checks(scene)) == 1
    while len(checks(scene)) == 1:
        scene.wait(600)
    assert scene.now <= START + ROUND
    check(scene)
    scene.take(a_description(revision=2, version=2, reason="reauthorized"))
    assert len(checks(scene)) == 3
    assert len(set(checks(scene))) == 3


def test_a_check_that_came_to_nothing_is_asked_for_again_within_the_day() -> None:
    scene = a_scene()
    scene.wait(2 * 3600)
    assert len(checks(scene)) == 2


def test_a_refusal_or_a_changed_mapping_asks_again_but_not_at_every_one() -> None:
    scene = a_scene()
    check(scene)
    for _ in range(3):
        scene.call(Outcome.PERMISSION_DENIED, "purchase.purchase")
    scene.wait(660)
    assert len(checks(scene)) == 2
    check(scene)
    changed = MappingChanged(
        connection_id=CONNECTION,
        system=SYSTEM,
        entity="item",
        object="product.product",
        version=2,
        effective={},
        changed_at=scene.now,
        changed_by="ada",
    )
    scene.take(changed)
    scene.wait(660)
    assert len(checks(scene)) == 3


def test_nobody_asks_a_source_that_is_not_to_be_called() -> None:
    refused = a_scene()
    check(refused)
    refused.call(Outcome.CREDENTIALS_REJECTED)
    refused.wait(ROUND.total_seconds())
    assert len(checks(refused)) == 1
    down = a_scene()
    check(down)
    for _ in range(3):
        down.call(Outcome.UNREACHABLE, None, rung=Rung.TCP)
    down.wait(ROUND.total_seconds())
    assert len(checks(down)) == 1
    never = Scene()
    never.take(a_description())
    never.wait(ROUND.total_seconds())
    assert checks(never) == []


def test_what_is_missing_at_connect_is_named_before_it_fails() -> None:
    scene = a_scene()
    check(
        scene,
        a_right("party.party", Grant.GRANTED),
        a_right("purchase.purchase", Grant.DENIED),
        a_right("product.product", Grant.DENIED, Verb.READ, "cost_price"),
        a_right("party.party", Grant.DENIED, Verb.CREATE),
        a_right("stock.lot", Grant.UNKNOWN),
    )
    ((kind, summary),) = lines(scene)
    assert kind == "permissions.missing"
    assert summary == (
        "tryton does not let this account read purchase.purchase, read product.product (cost_price),"
        " which this connection needs."
    )
    (event,) = told(scene)
    assert [one.object for one in event.permissions] == ["purchase.purchase", "product.product"]
    assert "right to read purchase.purchase" in event.action
    described = scene.described
    assert [one.granted for one in described.permissions] == [
        Grant.GRANTED,
        Grant.DENIED,
        Grant.DENIED,
        Grant.DENIED,
        Grant.UNKNOWN,
    ]
    assert described.status is ConnectionStatus.HEALTHY, "nothing has failed yet"


def test_what_is_lost_and_gained_later_is_told_once_each() -> None:
    scene = a_scene()
    granted, denied = a_right("parts", Grant.GRANTED), a_right("parts", Grant.DENIED)
    check(scene, granted)
    assert lines(scene) == []
    for _ in range(2):
        scene.wait(ROUND.total_seconds())
        check(scene, denied)
    assert lines(scene) == [("permissions.lost", "tryton does not let this account read parts any more.")]
    assert len(told(scene)) == 1
    scene.wait(ROUND.total_seconds())
    check(scene, granted)
    assert lines(scene)[1:] == [("permissions.gained", "tryton now lets this account read parts.")]


def test_a_source_that_does_not_tell_for_once_changes_nothing() -> None:
    scene = a_scene()
    for granted in (Grant.DENIED, Grant.UNKNOWN, Grant.DENIED, Grant.UNKNOWN, Grant.GRANTED):
        check(scene, a_right("parts", granted))
        scene.wait(ROUND.total_seconds())
    assert [kind for kind, _ in lines(scene)] == ["permissions.missing", "permissions.gained"]


def test_fewer_refused_fields_are_no_news_and_other_ones_are() -> None:
    scene = a_scene()
    for fields in (("a", "b"), ("a",), ("a", "c"), ()):
        check(scene, a_right("parts", Grant.DENIED, Verb.READ, *fields))
        scene.wait(ROUND.total_seconds())
    assert [kind for kind, _ in lines(scene)] == [
        "permissions.missing",
        "permissions.lost",
        "permissions.lost",
    ]


def test_rights_that_only_writes_need_alarm_nobody() -> None:
    scene = a_scene()
    check(scene, a_right("parts", Grant.DENIED, Verb.DELETE))
    assert lines(scene) == [
        ("permissions.missing", "tryton does not let this account delete parts, should something be written.")
    ]
    assert told(scene) == []


def test_a_check_with_old_credentials_or_an_overtaken_one_tells_nothing() -> None:
    scene = a_scene()
    scene.take(a_description(revision=2, version=2, reason="reauthorized"))
    check(scene, a_right("parts", Grant.DENIED))
    assert scene.state.access.permissions == ()
    check(scene, a_right("parts", Grant.GRANTED), version=2)
    check(scene, a_right("parts", Grant.DENIED), version=2, at=START - DAY)
    assert [one.granted for one in scene.state.access.permissions] == [Grant.GRANTED]
