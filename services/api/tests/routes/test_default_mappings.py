import asyncio

import pytest

from lineshaft.api.default_mappings import follow, follow_defaults
from lineshaft.common.integrations import System
from lineshaft.common.mapping import MappingOverlay, overlay

from .conftest import World

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def _first_start(world: World) -> None:
    await world.context.pool.execute("delete from default_mapping")


CHANGE = {"custom_fields": {"rank": {"path": "rank", "type": "integer", "label": "Rank"}}}


def newer(system: System) -> System:
    """The same system, whose default takes an item's name from its code."""
    mapping = system.mappings["item"]
    definition = overlay(mapping.definition, MappingOverlay.parse({"fields": {"name": {"path": "code"}}}))
    return System(
        system.manifest,
        {**system.mappings, "item": mapping.model_copy(update={"fields": definition.fields})},
    )


async def versions(world: World, connection_id: str, entity: str) -> list[int]:
    rows = await world.context.pool.fetch(
        "select version from mapping_version where connection_id = $1 and entity = $2 order by version",
        connection_id,
        entity,
    )
    return [row["version"] for row in rows]


async def test_connections_follow_a_changed_default_once(world: World) -> None:
    plain, _ = await world.connect("plant/1")
    shaped, _ = await world.connect("plant/2")
    await world.call("PUT", f"/connections/{shaped}/mappings/item", CHANGE)
    system = world.context.catalog.system("tryton")
    pool, clock = world.context.pool, world.context.clock
    await follow(pool, system, clock)
    assert await versions(world, plain, "item") == []
    assert await versions(world, shaped, "item") == [2]

    for _ in range(2):
        await follow(pool, newer(system), clock)
    assert await versions(world, plain, "item") == [2]
    assert await versions(world, shaped, "item") == [2, 3]
    assert await versions(world, plain, "purchase_order") == []
    told = {one["connection_id"]: one for one in await world.outbox("mappings")}
    assert told[plain]["version"] == 2
    assert told[plain]["changed_by"] == "default"
    assert told[plain]["effective"]["fields"]["name"] == {"path": "code"}
    assert told[shaped]["effective"]["fields"]["name"] == {"path": "code"}
    assert "rank" in told[shaped]["effective"]["custom_fields"]


async def test_a_run_that_was_broken_off_passes_over_what_is_done(world: World) -> None:
    connection_id, _ = await world.connect()
    system = world.context.catalog.system("tryton")
    pool, clock = world.context.pool, world.context.clock
    await follow(pool, system, clock)
    before = await pool.fetch("select * from default_mapping")
    await follow(pool, newer(system), clock)
    for row in before:
        await pool.execute(
            "update default_mapping set digest = $3 where system = $1 and entity = $2",
            row["system"],
            row["entity"],
            row["digest"],
        )
    await follow(pool, newer(system), clock)
    assert await versions(world, connection_id, "item") == [2]


async def test_changes_that_do_not_fit_the_new_default_stay_as_they_are(world: World) -> None:
    connection_id, _ = await world.connect()
    system = world.context.catalog.system("tryton")
    pool, clock = world.context.pool, world.context.clock
    await follow(pool, system, clock)
    await world.call("PUT", f"/connections/{connection_id}/mappings/item", CHANGE)
    await pool.execute(
        "update mapping_version set overlay = $2 where connection_id = $1",
        connection_id,
        {"fields": {"no_such_field": {"path": "x"}}},
    )
    await follow(pool, newer(system), clock)
    assert await versions(world, connection_id, "item") == [2]


async def test_the_service_goes_on_once_all_have_followed(world: World) -> None:
    stopping = asyncio.Event()
    pool, clock = world.context.pool, world.context.clock
    task = asyncio.create_task(follow_defaults(pool, world.context.catalog, clock, stopping))
    systems = len(world.context.catalog.systems)
    async with asyncio.timeout(60):
        while await pool.fetchval("select count(distinct system) from default_mapping") < systems:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)
    assert not task.done()
    stopping.set()
    await asyncio.wait_for(task, 10)
