"""The systems that cannot be started here, each by its simulator, through the whole connector."""

from dataclasses import dataclass
from typing import Any

import pytest

from lineshaft.common.events.commands import SampleRequested, WriteRequested
from lineshaft.common.ids import new_id
from lineshaft.common.mapping import MappingContext, WriteContext, compile_mapping, to_source
from lineshaft.common.unified import join_source_key
from lineshaft.connector.domain.aftermath import MOST_ATTEMPTS

from . import rig as fixtures
from .rig import CATALOG, Rig, a_connection_id
from .simulated import Simulated
from .simulators import COUNT, READ, SIMULATORS

pools, rig = fixtures.pools, fixtures.real_rig

pytestmark = [pytest.mark.integration]


@dataclass(frozen=True)
class Case:
    new: dict[str, Any]
    change: dict[str, Any]


CASES = {
    "maintainx": Case({"title": "Leak", "asset": "5"}, {"status": "on_hold"}),
    "maximo": Case({"title": "Leak", "asset": "BEDFORD/11430"}, {"status": "approved"}),
    "erpnext": Case({"asset": "ASSET-1"}, {"status": "completed"}),
    "odoo_json2": Case({"title": "Q-1"}, {"title": "Q-2"}),
    "fiix": Case({"name": "Pump"}, {"name": "Big pump"}),
}


async def connected(rig: Rig, source: Simulated) -> str:
    connection_id = a_connection_id()
    manifest = CATALOG.system(source.system).manifest
    settings = dict(source.connection_fields)
    values = {one.key: settings.pop(one.key) for one in manifest.credentials}
    command = await rig.ask_authorization(connection_id, values, settings=settings, system=source.system)
    await rig.carry_out()
    answer = await rig.answer(command)
    assert answer["problem"] is None, answer
    return connection_id


async def synced(rig: Rig, connection_id: str, entity: str) -> list[dict[str, Any]]:
    """The records that came."""
    rig.broker.messages.clear()
    await rig.request_sync(connection_id, entities=[entity])
    await rig.read_all()
    sync = await rig.sync(connection_id)
    assert sync["status"] == "read", sync
    return [one for part in rig.broker.slices(sync["objects"][0]["object"]) for one in part["records"]]


async def written(rig: Rig, connection_id: str, **fields: Any) -> dict[str, Any]:
    command = WriteRequested(command_id=new_id("cmd"), connection_id=connection_id, **fields)
    await rig.ask(command)
    await rig.carry_out()
    answer = await rig.answer(command.command_id)
    assert answer["problem"] is None, answer
    result: dict[str, Any] = answer["result"]
    return result


async def test_a_source_that_gives_one_page_for_ever_ends_as_a_failure(rig: Rig) -> None:
    source = SIMULATORS["erpnext"]()
    source.faults = {"ignored": True}
    with source.serving():
        connection_id = await connected(rig, source)
        await rig.request_sync(connection_id, entities=["work_order"])
        for _ in range(MOST_ATTEMPTS):
            await rig.read_all()
            await rig.due_now()
    result = (await rig.markers(connection_id))["AssetRepair"]["result"]
    assert (result["result"], result["outcome"]) == ("failed", "source_error")
    told = await rig.calls(connection_id, "source_error")
    assert {one["code"] for one in told} == {"page_repeated"}
    assert sum(len(part["records"]) for part in rig.broker.slices("AssetRepair")) <= COUNT


@pytest.mark.parametrize("name", CASES)
async def test_a_system_is_connected_read_written_and_read_again(rig: Rig, name: str) -> None:
    case, system, entity = CASES[name], CATALOG.system(name), READ[name]
    listed, definition = system.object(system.object_of(entity)), system.default_mapping(entity)
    mapping = compile_mapping(entity, definition, MappingContext())
    write = listed.write
    context = WriteContext(system.key_types(), frozenset(write.read_only), frozenset(write.names))
    source = SIMULATORS[name]()
    with source.serving():
        connection_id = await connected(rig, source)
        records = await synced(rig, connection_id, entity)
        target = {"connection_id": connection_id, "object": system.object_of(entity)}
        new = to_source(entity, definition, case.new, context)
        made = await written(rig, **target, operation="create", values=new)
        change = to_source(entity, definition, case.change, context)
        changed = await written(rig, **target, operation="update", source_id=made["source_id"], values=change)
        again = await synced(rig, connection_id, entity)
    keys = [join_source_key([one[part] for part in listed.key]) for one in records]
    assert len(keys) == len(set(keys)) == COUNT
    for key, record in zip(keys, records, strict=True):
        assert mapping.apply("con", key, record, "2026-11-24T08:00:00Z").errors == []
    shown = mapping.apply("con", made["source_id"], changed["record"], "2026-11-24T08:00:00Z").document
    for field, value in (case.new | case.change).items():
        found = shown[field]["source_id"] if isinstance(shown[field], dict) else shown[field]
        assert found == value, field
    assert made["source_id"] in {join_source_key([one[part] for part in listed.key]) for one in again}


@pytest.mark.parametrize("name", CASES)
async def test_a_customer_is_shown_records_before_choosing(rig: Rig, name: str) -> None:
    system = CATALOG.system(name)
    source = SIMULATORS[name]()
    with source.serving():
        connection_id = await connected(rig, source)
        command = SampleRequested(
            command_id=new_id("cmd"), connection_id=connection_id, objects=list(system.objects_for())
        )
        await rig.ask(command)
        await rig.carry_out()
    found = {one["object"]: one for one in (await rig.answer(command.command_id))["result"]["objects"]}
    assert list(found) == list(system.objects_for())
    shown = found[system.object_of(READ[name])]
    assert shown["problem"] is None
    assert 0 < len(shown["records"]) <= command.records
