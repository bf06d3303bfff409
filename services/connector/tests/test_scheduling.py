"""Schedules on a real Postgres: what is due is asked for, once, whichever replica looks."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from lineshaft.common.clock import now
from lineshaft.common.events.commands import Frequency, ScheduleRequested
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.ids import new_id
from lineshaft.connector.handlers import Handlers
from lineshaft.connector.workers.scheduling import Scheduling

from . import rig as fixtures
from .rig import CATALOG, OBJECTS, Rig, a_connection_id, an_event

pools, rig = fixtures.pools, fixtures.rig

pytestmark = pytest.mark.integration


async def scheduled(rig: Rig, every: int | None = 60, **objects: Frequency) -> str:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.describe(connection_id)
    await order(rig, connection_id, Frequency(every_minutes=every), **objects)
    return connection_id


async def order(rig: Rig, connection_id: str, frequency: Frequency, **objects: Frequency) -> str:
    command = ScheduleRequested(
        command_id=new_id("op"),
        connection_id=connection_id,
        frequency=frequency,
        objects={name.replace("_", "."): one for name, one in objects.items()},
        actor="key_1",
    )
    await rig.ask(command)
    return command.command_id


def scheduling(rig: Rig, ahead: timedelta = timedelta()) -> Scheduling:
    def clock() -> datetime:
        return now() + ahead

    return Scheduling(replace(rig.tools, clock=clock), lambda: None)


async def syncs_of(rig: Rig, connection_id: str) -> list[tuple[str, list[str]]]:
    rows = await rig.pool.fetch(
        "select mode, objects from sync where connection_id = $1 order by created_at", connection_id
    )
    return [(row["mode"], row["objects"]) for row in rows]


async def test_a_due_schedule_asks_for_all_objects_without_one_of_their_own(rig: Rig) -> None:
    connection_id = await scheduled(rig, purchase_purchase=Frequency(every_minutes=None))
    assert await scheduling(rig).ask() == 0
    assert await scheduling(rig, timedelta(minutes=61)).ask() == 1
    rest = [name for name in OBJECTS if name != "purchase.purchase"]
    ((mode, objects),) = await syncs_of(rig, connection_id)
    assert (mode, sorted(objects)) == ("incremental", sorted(rest))


async def test_many_replicas_ask_once(rig: Rig) -> None:
    connection_id = await scheduled(rig)
    late = timedelta(minutes=61)
    asked = await asyncio.gather(*(scheduling(rig.another(), late).ask() for _ in range(4)))
    assert sum(asked) == 1
    assert len(await syncs_of(rig, connection_id)) == 1


async def test_syncs_do_not_pile_up_behind_a_closed_gate(rig: Rig) -> None:
    connection_id = await scheduled(rig)
    for hours in range(1, 6):
        await scheduling(rig, timedelta(hours=hours, minutes=1)).ask()
    assert len(await syncs_of(rig, connection_id)) == 1


async def test_everything_is_read_when_that_is_due(rig: Rig) -> None:
    connection_id = await scheduled(rig, None, stock_lot=Frequency(every_minutes=None, full_every_hours=24))
    await scheduling(rig, timedelta(hours=25)).ask()
    assert await syncs_of(rig, connection_id) == [("full", ["stock.lot"])]


async def test_an_object_that_was_removed_is_read_no_more(rig: Rig) -> None:
    connection_id = await scheduled(rig, None, plant_machine=Frequency(every_minutes=60))

    async def change(version: int, source: str) -> None:
        changed = MappingChanged(
            connection_id=connection_id,
            system="tryton",
            entity="custom:machine",
            object=source,
            version=version,
            effective={},
            changed_at=now(),
            changed_by="key_1",
        )
        async with rig.pool.acquire() as tx, tx.transaction():
            await rig.handlers.on_mappings(tx, [an_event(changed, connection_id)])

    await change(2, "plant.machine")
    assert await syncs_of(rig, connection_id) == [("full", ["plant.machine"])]
    await rig.read_all()
    await scheduling(rig, timedelta(minutes=61)).ask()
    assert len(await syncs_of(rig, connection_id)) == 2
    await change(3, "")
    await rig.read_all()
    assert await scheduling(rig, timedelta(minutes=122)).ask() == 1
    assert len(await syncs_of(rig, connection_id)) == 2


async def test_a_paused_connection_waits_and_is_read_once_afterwards(rig: Rig) -> None:
    connection_id = await scheduled(rig)
    await rig.describe(connection_id, Lifecycle.PAUSED)
    assert await scheduling(rig, timedelta(hours=5)).ask() == 0
    await rig.describe(connection_id)
    assert await scheduling(rig, timedelta(hours=6)).ask() == 1
    assert await scheduling(rig, timedelta(hours=6)).ask() == 0


async def test_a_new_connection_has_the_default_until_somebody_sets_another(rig: Rig) -> None:
    rig = replace(rig, handlers=Handlers(CATALOG, default_sync_minutes=120))
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.describe(connection_id)
    view = "select * from connector.schedule_view where connection_id = $1"
    (row,) = await rig.api_pool.fetch(view, connection_id)
    assert (row["object"], row["every_minutes"], row["changed_by"]) == ("", 120, "default")
    command_id = await order(rig, connection_id, Frequency(every_minutes=None))
    assert (await rig.answer(command_id))["problem"] is None
    await rig.describe(connection_id)
    (row,) = await rig.api_pool.fetch(view, connection_id)
    assert (row["every_minutes"], row["due_at"], row["changed_by"]) == (None, None, "key_1")


async def test_a_connection_that_is_not_there_is_told(rig: Rig) -> None:
    command_id = await order(rig, "con_nowhere", Frequency(every_minutes=60))
    assert (await rig.answer(command_id))["problem"]["code"] == "not_found"
