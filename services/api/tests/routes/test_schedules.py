"""A schedule goes to the connector as an order; what is in force is read from the connector's view."""

import asyncio

import pytest

from lineshaft.common.clock import now

from .conftest import World, insert, waiting

pytestmark = pytest.mark.integration


async def in_force(world: World, connection_id: str, name: str, every: int) -> None:
    """What the connector would have stored."""
    connector = world.pools["connector"]
    await connector.execute(
        "insert into connection (connection_id, system, settings) values ($1, 'tryton', '{}')"
        " on conflict do nothing",
        connection_id,
    )
    await insert(
        connector,
        "schedule",
        connection_id=connection_id,
        object=name,
        every_minutes=every,
        due_at=now(),
        changed_by="key_1",
    )


async def test_a_schedule_is_ordered_and_shown(world: World) -> None:
    connection_id, _ = await world.connect()
    patient = waiting(world, write_wait_seconds=10)
    body = {"every_minutes": 60, "objects": {"stock.lot": {"every_minutes": 15}}}
    asking = asyncio.create_task(patient.call("PUT", f"/connections/{connection_id}/schedule", body))
    while (command := (await world.outbox("commands.connector"))[-1]).get("frequency") is None:
        assert not asking.done(), asking.result().text
        await asyncio.sleep(0.01)
    assert command["frequency"]["every_minutes"] == 60
    assert command["objects"]["stock.lot"]["every_minutes"] == 15
    await in_force(world, connection_id, "", 60)
    await in_force(world, connection_id, "stock.lot", 15)
    await world.answer(command["command_id"], result={})
    answer = await asking
    await patient.http.aclose()
    shown = answer.json()
    assert (answer.status_code, shown["every_minutes"], shown["updated_by"]) == (200, 60, "key_1")
    assert shown["next_at"] is not None
    assert shown["objects"]["stock.lot"]["every_minutes"] == 15
    assert (await world.call("GET", f"/connections/{connection_id}/schedule")).json() == shown


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"every_minutes": 5}, "every_minutes"),
        ({"every_minutes": 100_000}, "every_minutes"),
        ({}, "every_minutes"),
        ({"every_minutes": None, "full_every_hours": 1}, "full_every_hours"),
    ],
)
async def test_what_cannot_be_scheduled_is_named(world: World, body: dict[str, object], field: str) -> None:
    connection_id, _ = await world.connect()
    answer = await world.call("PUT", f"/connections/{connection_id}/schedule", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert field in answer.text
