"""Held deletions are shown and approved; the complete read that carries them out begins at once."""

import pytest

from lineshaft.common.events.commands import CommandProblem

from .conftest import World, insert
from .test_orders import ordered

pytestmark = pytest.mark.integration

TOPIC = "commands.mapping"


async def test_held_deletions_are_shown_and_approved(world: World) -> None:
    connection_id, token = await world.connect()
    path = f"/connections/{connection_id}/deletions"
    assert (await world.call("GET", path)).json()["data"] == []
    await insert(
        world.pools["mapping"],
        "deletion_proposal",
        connection_id=connection_id,
        object="stock.lot",
        sync_id="syn_1",
        missing=28,
        known=30,
        sample=["3", "4"],
    )
    (held,) = (await world.call("GET", path)).json()["data"]
    assert (held["object"], held["missing"], held["known"]) == ("stock.lot", 28, 30)
    answer, command = await ordered(
        world, f"{path}/stock.lot/approve", {}, result={"object": "stock.lot"}, topic=TOPIC
    )
    assert (answer.status_code, answer.json()) == (200, {"object": "stock.lot"})
    assert (command["connection_id"], command["object"]) == (connection_id, "stock.lot")
    asked = (await world.outbox("sync.requests"))[-1]
    assert (asked["connection_id"], asked["objects"], asked["mode"]) == (connection_id, ["stock.lot"], "full")
    assert (await world.call("GET", path, key=token)).status_code == 403


async def test_nothing_is_held(world: World) -> None:
    connection_id, _ = await world.connect()
    before = len(await world.outbox("sync.requests"))
    answer, _command = await ordered(
        world,
        f"/connections/{connection_id}/deletions/stock.lot/approve",
        {},
        problem=CommandProblem(code="not_found", message="No deletions of this object are held."),
        topic=TOPIC,
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert len(await world.outbox("sync.requests")) == before
