"""What a customer is shown before choosing, and that nothing but what was chosen is read afterwards."""

from datetime import timedelta
from typing import Any

import pytest

from lineshaft.common.errors import DeadLetterError
from lineshaft.common.events.commands import DiagnosisRequested, SampleRequested
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.domain.evidence import Evidence

from . import rig as fixtures
from .access import by_verb, check, checked
from .rig import OBJECTS, Rig, a_connection_id
from .test_scheduling import Frequency, order, scheduling, syncs_of

pools, rig = fixtures.pools, fixtures.rig

pytestmark = pytest.mark.integration

CHOSEN = ["party.party", "stock.lot"]


async def sampled(rig: Rig, connection_id: str, *names: str) -> dict[str, dict[str, Any]]:
    command = SampleRequested(command_id=new_id("cmd"), connection_id=connection_id, objects=list(names))
    await rig.ask(command)
    await rig.carry_out()
    found = (await rig.answer(command.command_id))["result"]["objects"]
    assert [one["object"] for one in found] == list(names), "each object once, in the order of the question"
    return {one["object"]: one for one in found}


async def test_a_few_records_of_each_object_and_why_there_are_none(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    rig.plant.denied = {"purchase.purchase"}
    found = await sampled(rig, connection_id, "party.party", "purchase.purchase", "stock.lot")
    assert [one["id"] for one in found["party.party"]["records"]] == [1, 2, 3]
    assert found["party.party"]["problem"] is None
    assert found["purchase.purchase"]["records"] == []
    assert found["purchase.purchase"]["problem"]["code"] == "permission_denied"
    assert len(found["stock.lot"]["records"]) == 3, "the refusal of one object is no end"
    assert await rig.calls(connection_id, "permission_denied") == [], "health is about what is chosen"


async def test_a_source_that_cannot_be_reached_is_not_asked_again_and_again(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    rig.plant.failing = {"party.party": Evidence(Outcome.UNREACHABLE, Operation.READ)}
    found = await sampled(rig, connection_id, "party.party", "stock.lot", "stock.location")
    assert {one["problem"]["code"] for one in found.values()} == {"unreachable"}
    assert [name for name, _ in rig.plant.reads] == ["party.party"]


async def test_only_what_was_chosen_is_read(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.describe(connection_id, objects=CHOSEN)
    await rig.request_sync(connection_id)
    await rig.read_all()
    assert {name for name, _ in rig.plant.reads} == set(CHOSEN)
    await order(
        rig, connection_id, Frequency(every_minutes=60), purchase_purchase=Frequency(every_minutes=60)
    )
    await scheduling(rig, timedelta(hours=1, minutes=1)).ask()
    assert {name for _, names in await syncs_of(rig, connection_id) for name in names} == set(CHOSEN)
    await rig.ask(DiagnosisRequested(command_id=new_id("cmd"), connection_id=connection_id))
    await rig.carry_out()
    assert {name for name, _ in rig.plant.reads} == set(CHOSEN), "a diagnosis reads nothing else either"


async def test_what_was_not_chosen_is_not_read_by_name_either_and_needs_no_permission(rig: Rig) -> None:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.describe(connection_id, objects=CHOSEN)
    with pytest.raises(DeadLetterError, match=r"purchase\.purchase: not among the objects"):
        await rig.request_sync(connection_id, objects=["purchase.purchase"])
    await check(rig, connection_id)
    (event,) = await checked(rig, connection_id)
    assert {name for name, _ in by_verb(event)} == set(CHOSEN) < set(OBJECTS)
