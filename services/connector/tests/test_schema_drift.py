"""A real PostgreSQL is altered while it is synced: each change is told once, and policies are obeyed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lineshaft.common.events.commands import DescriptionRequested
from lineshaft.common.events.drift import DriftPolicy, DriftPolicyRequested, SchemaChangesAccepted
from lineshaft.common.ids import new_id
from lineshaft.tools.stack.postgresql_source import PostgresqlSource

from . import rig as fixtures
from .rig import FULL, Rig
from .test_sql_syncs import connected

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools, rig = fixtures.pools, fixtures.real_rig

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def plant(infrastructure: "Infrastructure") -> Iterator[PostgresqlSource]:
    plant = PostgresqlSource(infrastructure.supervisor, name="plant-drift")
    plant.start()
    yield plant
    plant.stop()


@pytest.fixture
def assets(plant: PostgresqlSource) -> Iterator[PostgresqlSource]:
    """The plant, whose assets are as they were when the test is over."""
    plant.execute("create table kept as table assets")
    yield plant
    columns = plant.fetch(
        "select column_name, data_type from information_schema.columns where table_name = 'assets'"
    )
    now = dict(columns)
    if "class" not in now:
        plant.execute("alter table assets add column class varchar(30)")
    elif now["class"] != "character varying":
        plant.execute("alter table assets alter column class type varchar(30)")
    plant.execute(
        *(f"alter table assets drop column {one}" for one in ("asset_class", "weight") if one in now),
        "update assets set class = kept.class from kept where kept.id = assets.id",
        "drop table kept",
    )


async def sync(rig: Rig, connection_id: str) -> dict[str, Any]:
    """How the read of the assets ended."""
    await rig.request_sync(connection_id, objects=["assets"], mode=FULL)
    await rig.read_all()
    (result,) = (await rig.sync(connection_id))["objects"]
    found: dict[str, Any] = result
    return found


async def look(rig: Rig, connection_id: str) -> None:
    await rig.ask(
        DescriptionRequested(command_id=new_id("op"), connection_id=connection_id, objects=["assets"])
    )
    await rig.carry_out()


async def set_policy(rig: Rig, connection_id: str, policy: DriftPolicy) -> dict[str, Any]:
    command = DriftPolicyRequested(
        command_id=new_id("op"), connection_id=connection_id, object="assets", policy=policy, actor="key_1"
    )
    await rig.ask(command)
    return await rig.answer(command.command_id)


async def accept(rig: Rig, connection_id: str) -> dict[str, Any]:
    command = SchemaChangesAccepted(
        command_id=new_id("op"), connection_id=connection_id, object="assets", actor="key_1"
    )
    await rig.ask(command)
    return await rig.answer(command.command_id)


def told(event: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(one["field"], one["kind"], one["renamed_to"]) for one in event["changes"]]


async def open_changes(rig: Rig, connection_id: str) -> list[str]:
    changes = await rig.api_pool.fetchval(
        "select changes from connector.schema_view where connection_id = $1 and object = 'assets'",
        connection_id,
    )
    return [one["field"] for one in changes]


async def test_a_dropped_column_is_told_by_the_very_sync_that_misses_it(
    rig: Rig, assets: PostgresqlSource
) -> None:
    connection_id = await connected(rig, assets)
    assert (await sync(rig, connection_id))["outcome"] == "ok"
    assert await rig.schema_changes(connection_id) == []

    assets.execute("alter table assets drop column class")
    assert (await sync(rig, connection_id))["outcome"] == "configuration_error"
    (event,) = await rig.schema_changes(connection_id)
    assert told(event) == [("class", "dropped", None)]
    assert (event["object"], event["policy"], event["system"]) == ("assets", "offer", "postgresql")
    assert (await sync(rig, connection_id))["outcome"] == "configuration_error"
    assert len(await rig.schema_changes(connection_id)) == 1, "a change is told once"

    assert (await accept(rig, connection_id))["result"] == {"accepted": 1}
    await rig.read_all()
    result = (await rig.sync(connection_id))["objects"][0]
    assert (result["status"], "class" in result["message"]) == ("read", True)
    assert await open_changes(rig, connection_id) == []
    assert (await accept(rig, connection_id))["problem"]["code"] == "not_found"


async def test_a_renamed_column_names_the_one_that_it_may_be(rig: Rig, assets: PostgresqlSource) -> None:
    connection_id = await connected(rig, assets)
    await sync(rig, connection_id)
    assets.execute("alter table assets rename column class to asset_class")
    await sync(rig, connection_id)
    (event,) = await rig.schema_changes(connection_id)
    assert told(event) == [("asset_class", "added", None), ("class", "dropped", "asset_class")]


async def test_another_type_is_told_and_read_on(rig: Rig, assets: PostgresqlSource) -> None:
    connection_id = await connected(rig, assets)
    await sync(rig, connection_id)
    assets.execute("alter table assets alter column class type integer using 7")
    await look(rig, connection_id)
    (event,) = await rig.schema_changes(connection_id)
    (change,) = event["changes"]
    assert (change["kind"], change["type"], change["type_before"]) == (
        "retyped",
        "integer",
        "character varying(30)",
    )
    assert (await sync(rig, connection_id))["outcome"] == "ok"
    assert await open_changes(rig, connection_id) == ["class"]


async def test_a_new_column_without_a_default_is_needed_for_new_records(
    rig: Rig, assets: PostgresqlSource
) -> None:
    connection_id = await connected(rig, assets)
    await sync(rig, connection_id)
    assets.execute(
        "alter table assets add column weight numeric not null default 0",
        "alter table assets alter column weight drop default",
    )
    await look(rig, connection_id)
    (event,) = await rig.schema_changes(connection_id)
    assert [(one["field"], one["kind"], one["required"]) for one in event["changes"]] == [
        ("weight", "added", True)
    ]


async def test_hold_reads_nothing_until_the_change_was_accepted(rig: Rig, assets: PostgresqlSource) -> None:
    connection_id = await connected(rig, assets)
    assert (await set_policy(rig, connection_id, DriftPolicy.HOLD))["result"] == {}
    await sync(rig, connection_id)
    assets.execute("alter table assets alter column class type integer using 7")
    await look(rig, connection_id)
    rig.broker.messages.clear()
    assert (await sync(rig, connection_id))["outcome"] == "configuration_error"
    assert "class" in (await rig.sync(connection_id))["objects"][0]["message"]
    assert rig.broker.messages == []
    (failed,) = await rig.calls(connection_id, "configuration_error")
    assert failed["code"] == "schema_held"

    await accept(rig, connection_id)
    await rig.read_all()
    assert (await rig.sync(connection_id))["objects"][0]["status"] == "read"
    assert rig.broker.record_ids("assets")


async def test_ignored_changes_stop_nothing(rig: Rig, assets: PostgresqlSource) -> None:
    connection_id = await connected(rig, assets)
    await set_policy(rig, connection_id, DriftPolicy.IGNORE)
    await sync(rig, connection_id)
    assets.execute("alter table assets drop column class")
    await look(rig, connection_id)
    assert (await sync(rig, connection_id))["outcome"] == "ok"
    assert await open_changes(rig, connection_id) == []


async def test_a_policy_of_an_unknown_connection_is_refused(rig: Rig) -> None:
    assert (await set_policy(rig, "con_none", DriftPolicy.HOLD))["problem"]["code"] == "not_found"
