"""Against a real Odoo: what it answers, and what becomes of a sync when it changes its mind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from lineshaft.common.events.commands import WriteRequested
from lineshaft.common.ids import new_id
from lineshaft.common.integrations import System
from lineshaft.common.mapping import MappingContext, compile_mapping
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters.protocols import open_source
from lineshaft.tools.stack.odoo import OdooSource

from . import rig as fixtures
from .access import permissions
from .rig import CATALOG, Rig, a_connection_id

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools = fixtures.pools

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

SYSTEM: System = CATALOG.system("odoo")


@pytest.fixture(scope="module")
def odoo(infrastructure: "Infrastructure") -> Iterator[OdooSource]:
    source = OdooSource(infrastructure.supervisor, name="odoo-connector")
    source.prepare()
    source.start()
    yield source
    source.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def rig(pools: tuple[Pool, Pool], odoo: OdooSource) -> AsyncIterator[Rig]:
    async for rig in fixtures.a_rig(pools):
        rig.tools = replace(rig.tools, opener=open_source)
        yield rig


async def authorize(rig: Rig, odoo: OdooSource, connection_id: str, **options: Any) -> dict[str, Any]:
    values = {"username": odoo.username, "password": options.pop("password", odoo.password)}
    settings = {"base_url": odoo.base_url, "database": odoo.database} | options.pop("settings", {})
    return await rig.authorize(connection_id, values=values, settings=settings, system="odoo", **options)


async def connected(rig: Rig, odoo: OdooSource) -> str:
    connection_id = a_connection_id()
    answer = await authorize(rig, odoo, connection_id)
    assert answer["problem"] is None, answer
    return connection_id


async def synced(rig: Rig, connection_id: str, **options: Any) -> dict[str, Any]:
    await rig.request_sync(connection_id, **options)
    await rig.read_all()
    return await rig.sync(connection_id)


def documents(rig: Rig, entity: str) -> list[dict[str, Any]]:
    mapping = compile_mapping(entity, SYSTEM.default_mapping(entity), MappingContext())
    records = [one for part in rig.broker.slices(SYSTEM.object_of(entity)) for one in part["records"]]
    mapped = [mapping.apply("con", str(one["id"]), one, "2026-01-05T08:00:00Z") for one in records]
    assert [one.errors for one in mapped if one.errors] == []
    return [one.document for one in mapped]


async def written(rig: Rig, connection_id: str, **fields: Any) -> dict[str, Any]:
    command = WriteRequested(command_id=new_id("cmd"), connection_id=connection_id, **fields)
    await rig.ask(command)
    await rig.carry_out()
    return await rig.answer(command.command_id)


async def test_every_entity_of_the_plant_is_read_and_mapped(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    sync = await synced(rig, connection_id)
    assert sync["status"] == "read", sync
    assert all(one["message"] is None for one in sync["objects"]), sync
    for entity in SYSTEM.entities:
        assert documents(rig, entity), entity
    orders = {one["display"]: one for one in documents(rig, "work_order")}
    order = orders["Check bearing temperature 2"]
    assert (order["status"], order["status_source"]["label"]) == ("in_progress", "In Progress")
    assert (order["type"], order["priority"]) == ("corrective", "low")
    assert order["asset"]["display"].startswith("Belt conveyor 2")
    assert order["planned_start"] == "2026-01-08T06:30:00Z"
    purchase = documents(rig, "purchase_order")[0]
    assert purchase["total"] == {"amount": "62.5", "currency": purchase["currency"]}
    lines = purchase["lines"]
    assert [one["quantity"] for one in lines] == ["2.0", "3.0"]
    assert [one["total"]["amount"] for one in lines] == ["25.0", "37.5"]
    assert lines[0]["unit_price"]["amount"] == "12.5"
    assert lines[0]["received_quantity"] == "0.0"
    assert lines[0]["item"]["display"].startswith("[SP-")
    vendors = documents(rig, "vendor")
    assert {one["active"] for one in vendors} == {True}
    assert len(vendors) == odoo.admin.call("res.partner", "search_count", [["supplier", "=", True]])


async def test_only_what_changed_is_read_again(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    await rig.pool.execute("update stream set cursor = null")
    await synced(rig, connection_id, entities=["vendor"])
    future = {"since": "2100-01-01T00:00:00+00:00"}
    await rig.pool.execute("update stream set cursor = $1", future)
    rig.broker.messages.clear()
    await synced(rig, connection_id, entities=["vendor"])
    assert rig.broker.record_ids("res.partner") == []


async def test_a_line_that_changes_brings_its_order(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    await synced(rig, connection_id, entities=["purchase_order"])
    order, *_ = odoo.admin.call("purchase.order", "search_read", [], ["order_line", "write_date"], limit=1)
    await asyncio.sleep(1.1)  # write_date has whole seconds
    line = order["order_line"][0]
    odoo.admin.call("purchase.order.line", "write", [line], {"sequence": 99})
    changed = odoo.admin.call("purchase.order.line", "read", [line], ["write_date"])[0]["write_date"]
    after = odoo.admin.call("purchase.order", "read", [order["id"]], ["write_date"])[0]["write_date"]
    assert after == order["write_date"] < changed, "Odoo leaves the order as it was"
    cursor = {"since": f"{changed.replace(' ', 'T')}+00:00"}
    await rig.pool.execute("update stream set cursor = $1 where object = 'purchase.order'", cursor)
    rig.broker.messages.clear()
    await synced(rig, connection_id, entities=["purchase_order"])
    assert rig.broker.record_ids("purchase.order") == [order["id"]]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"password": "wrong"}, "credentials_rejected", "refused"),
        ({"settings": {"database": "nope"}}, "configuration_error", "nope"),
        ({"settings": {"base_url": "http://127.0.0.1:9"}}, "unreachable", "no connection to its port"),
    ],
)
async def test_what_can_be_wrong_when_connecting(
    rig: Rig, odoo: OdooSource, options: dict[str, Any], code: str, words: str
) -> None:
    answer = await authorize(rig, odoo, a_connection_id(), **options)
    assert answer["problem"]["code"] == code
    assert words in answer["problem"]["message"]


async def test_a_changed_password_is_one_refusal_and_reconnecting_goes_on(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    old = odoo.password
    odoo.change_password("another-password-2026")
    try:
        await rig.request_sync(connection_id)
        await rig.read_all()
        (call,) = await rig.calls(connection_id, "credentials_rejected")
        assert (call["operation"], call["code"]) == ("login", "login_refused")
        answer = await authorize(rig, odoo, connection_id, expected_account_id=f"plant/{_user(odoo)}")
        assert answer["problem"] is None
        await rig.read_all()
        assert (await rig.sync(connection_id))["status"] == "read"
    finally:
        odoo.change_password(old)


async def test_a_user_that_is_archived_is_refused(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    odoo.deactivate_user()
    try:
        await synced(rig, connection_id, entities=["vendor"])
        assert len(await rig.calls(connection_id, "credentials_rejected")) == 1
    finally:
        odoo.activate_user()


async def test_a_right_that_is_taken_away_stops_one_object(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    name = odoo.revoke_one_object()
    try:
        sync = await synced(rig, connection_id)
        states = {one["object"]: one for one in sync["objects"]}
        assert states[name]["outcome"] == "permission_denied"
        assert {one["status"] for key, one in states.items() if key != name} == {"read"}
    finally:
        odoo.restore_one_object()
    (call,) = await rig.calls(connection_id, "permission_denied")
    assert call["object"] == name
    assert call["code"] == "odoo.exceptions.AccessError"


async def test_rights_are_known_before_they_are_missed(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    before = await permissions(rig, connection_id)
    assert {one["granted"] for (_, verb), one in before.items() if verb == "read"} == {"granted"}
    name = odoo.revoke_one_object()
    try:
        found = await permissions(rig, connection_id)
    finally:
        odoo.restore_one_object()
    assert [key for key, one in found.items() if one != before[key]] == [(name, "read")]
    assert found[name, "read"]["granted"] == "denied"
    assert await rig.calls(connection_id, "permission_denied") == []


async def test_a_field_made_at_run_time_is_read_and_its_loss_is_noticed(rig: Rig, odoo: OdooSource) -> None:
    """Odoo leaves an unknown field out of its answer without a word."""
    connection_id = await connected(rig, odoo)
    field = await asyncio.to_thread(odoo.add_field, "maintenance.equipment", "x_criticality", "Criticality")
    try:
        await synced(rig, connection_id, entities=["asset"])
        assert "x_criticality" in rig.broker.slices("maintenance.equipment")[0]["records"][0]
    finally:
        await asyncio.to_thread(odoo.remove_field, field)
    rig.broker.messages.clear()
    await rig.pool.execute("update stream set cursor = null")
    sync = await synced(rig, connection_id, entities=["asset"], mode="full")
    await rig.due_now()
    await rig.read_all()
    sync = await rig.sync(connection_id)
    (call,) = await rig.calls(connection_id, "configuration_error")
    assert (call["code"], call["object"]) == ("fields_missing", "maintenance.equipment")
    assert "x_criticality" in call["message"]
    assert sync["objects"][0]["outcome"] == "configuration_error"
    rig.broker.messages.clear()
    assert (await synced(rig, connection_id, entities=["asset"]))["status"] == "read"


async def test_a_work_order_is_created_changed_and_deleted(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    values = {"name": "Replace the shaft seal", "maintenance_type": "corrective", "priority": "2"}
    answer = await written(
        rig, connection_id, object="maintenance.request", operation="create", values=values
    )
    assert answer["problem"] is None, answer
    source_id = answer["result"]["source_id"]

    def stored() -> list[dict[str, Any]]:
        fields = ["name", "stage_id", "priority"]
        found: list[dict[str, Any]] = odoo.admin.call(
            "maintenance.request", "search_read", [["id", "=", int(source_id)]], fields
        )
        return found

    assert stored()[0]["name"] == "Replace the shaft seal"
    changed = {"object": "maintenance.request", "operation": "update", "source_id": source_id}
    assert (await written(rig, connection_id, **changed, values={"stage_id": 3}))["problem"] is None
    assert stored()[0]["stage_id"][1] == "Repaired"
    gone = {"object": "maintenance.request", "operation": "delete", "source_id": source_id}
    assert (await written(rig, connection_id, **gone))["problem"] is None
    assert stored() == []


async def test_what_odoo_says_to_a_bad_write_is_told_in_its_words(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    answer = await written(
        rig, connection_id, object="purchase.order", operation="create", values={"partner_ref": "Q"}
    )
    assert answer["problem"]["code"] == "source_rejected"
    assert answer["problem"]["message"]
    missing = {"object": "res.partner", "operation": "update", "source_id": "999999"}
    answer = await written(rig, connection_id, **missing, values={"name": "Nobody"})
    assert answer["problem"]["code"] == "source_rejected"


async def test_a_server_that_is_stopped_and_comes_back(rig: Rig, odoo: OdooSource) -> None:
    connection_id = await connected(rig, odoo)
    odoo.stop()
    try:
        await rig.request_sync(connection_id, entities=["vendor"])
        await rig.read_all()
        assert (await rig.calls(connection_id, "unreachable"))[0]["rung"] == "tcp"
    finally:
        await asyncio.to_thread(odoo.start)
    await rig.due_now()
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"


def _user(odoo: OdooSource) -> int:
    return odoo._user()
