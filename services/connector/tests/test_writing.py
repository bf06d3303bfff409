"""Nothing is written twice: what becomes of a write that got no answer, and what is read back."""

from typing import Any

import pytest

from lineshaft.common.events.commands import WriteRequested
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.protocol import FieldDescription, ObjectDescription
from lineshaft.connector.domain.writes import may_have_been_made, named_field

from . import rig as fixtures
from .rig import Rig, a_connection_id

pytestmark = pytest.mark.integration

pools, rig = fixtures.pools, fixtures.rig

CUT = Evidence(Outcome.UNREACHABLE, Operation.WRITE, code="connection_cut", rung=Rung.HTTP)


def cut(_: str) -> None:
    raise SourceFailureError(CUT)


async def connected(rig: Rig) -> str:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    return connection_id


async def write(rig: Rig, connection_id: str, operation: str = "create", **options: Any) -> dict[str, Any]:
    """The answer, as if all waiting were over."""
    command = WriteRequested(
        command_id=new_id("op"),
        connection_id=connection_id,
        object=options.pop("object", "party.party"),
        operation=operation,
        source_id=options.pop("source_id", None),
        values=options.pop("values", {"name": "New", "code": "V-1"}),
    )
    await rig.ask(command)
    for _ in range(6):
        await rig.carry_out()
        await rig.pool.execute("update command_job set due_at = now() where ended_at is null")
        # the monitor may have closed the gate meanwhile
        await rig.pool.execute("update gate set not_before = null")
    return await rig.answer(command.command_id)


async def test_a_creation_that_was_cut_off_after_the_commit_is_found_by_its_key(rig: Rig) -> None:
    ids = await connected(rig)
    rig.plant.after_write = cut
    answer = await write(rig, ids)
    assert answer["result"]["source_id"] == "77"
    assert len(rig.plant.writes) == 1
    assert rig.broker.record_ids("party.party") == [77]


async def test_a_creation_bears_our_reference_where_the_system_has_a_place_for_it(rig: Rig) -> None:
    ids = await connected(rig)
    rig.plant.after_write = cut
    answer = await write(rig, ids, object="purchase.purchase", values={"party": 5})
    assert answer["result"]["record"]["reference"].startswith("op_")
    assert len(rig.plant.writes) == 1


@pytest.mark.parametrize("values", [{"name": "No key"}, {"name": "New", "code": "V-1"}])
async def test_a_creation_that_nothing_finds_is_told_as_unknown(rig: Rig, values: dict[str, Any]) -> None:
    ids = await connected(rig)
    rig.plant.before_write = cut
    problem = (await write(rig, ids, values=values))["problem"]
    assert problem["code"] == "outcome_unknown"
    assert len(rig.plant.writes) == 1


async def test_a_record_of_somebody_else_with_the_same_key_is_not_taken_for_ours(rig: Rig) -> None:
    ids = await connected(rig)
    rig.plant.stored["5"] = {"id": 5, "name": "Older", "code": "V-1"}
    rig.plant.before_write = cut
    assert (await write(rig, ids))["problem"]["code"] == "outcome_unknown"


async def test_a_change_that_got_no_answer_is_made_again(rig: Rig) -> None:
    ids = await connected(rig)
    rig.plant.stored["5"] = {"id": 5, "name": "Older"}
    rig.plant.after_write = lambda _: cut(_) if len(rig.plant.writes) == 1 else None
    answer = await write(rig, ids, "update", source_id="5", values={"name": "Newer"})
    assert answer["result"]["record"]["name"] == "Newer"
    assert len(rig.plant.writes) == 2


@pytest.mark.parametrize(("operation", "values"), [("update", {"name": "Newer"}), ("delete", {})])
async def test_a_change_whose_answers_are_all_lost_is_told_as_unknown(
    rig: Rig, operation: str, values: dict[str, Any]
) -> None:
    ids = await connected(rig)
    rig.plant.stored["5"] = {"id": 5, "name": "Older"}

    def lose(source_id: str) -> None:
        rig.plant.stored["5"] = {"id": 5, "name": "Older"}
        cut(source_id)

    rig.plant.after_write = lose
    answer = await write(rig, ids, operation, source_id="5", values=values)
    assert answer["problem"]["code"] == "outcome_unknown"
    assert len(rig.plant.writes) > 1


async def test_a_deletion_is_published_and_not_made_twice(rig: Rig) -> None:
    ids = await connected(rig)
    rig.plant.stored["5"] = {"id": 5, "name": "Older"}
    rig.plant.after_write = cut
    assert (await write(rig, ids, "delete", source_id="5", values={}))["result"]["source_id"] == "5"
    assert len(rig.plant.writes) == 1
    (told,) = rig.broker.slices("party.party")
    assert (told["records"], told["deleted"]) == ([], ["5"])


async def test_what_was_written_stands_behind_a_page_that_is_being_read(rig: Rig) -> None:
    ids = await connected(rig)
    await rig.request_sync(ids, entities=["vendor"])
    lease = await rig.lease()
    await write(rig, ids)
    (told,) = rig.broker.slices("party.party")
    assert (told["lease_epoch"], told["read_sequence"]) > (lease.epoch, 10**9)
    await rig.slice(lease).run()
    await rig.request_sync(ids, entities=["vendor"])
    later = await rig.lease()
    assert (later.epoch, 1) > (told["lease_epoch"], told["read_sequence"])


async def test_the_field_that_the_source_means_is_named(rig: Rig) -> None:
    ids = await connected(rig)

    def refuse(_: str) -> None:
        raise SourceFailureError(
            Evidence(
                Outcome.INVALID_REQUEST,
                Operation.WRITE,
                message='The field "Name" on "Party" is required.',
            )
        )

    rig.plant.before_write = refuse
    assert (await write(rig, ids))["problem"]["field"] == "name"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ('null value in column "name" violates', "name"),
        ("duplicate key value (Key (code)=(V-1) already exists.)", "code"),
        ("Data too long for column 'code' at row 1", "code"),
        ("Something else about 'nothing'", None),
    ],
)
def test_fields_are_found_by_name_or_label(message: str, field: str | None) -> None:
    fields = (FieldDescription("name", "char", "Full name"), FieldDescription("code", "char", "code"))
    assert named_field(message, ObjectDescription("vendors", "vendors", fields)) == field


@pytest.mark.parametrize(
    ("evidence", "maybe"),
    [
        (CUT, True),
        (Evidence(Outcome.UNREACHABLE, Operation.WRITE, rung=Rung.TCP), False),
        (Evidence(Outcome.UNREACHABLE, Operation.LOGIN, rung=Rung.HTTP), False),
        (Evidence(Outcome.SOURCE_ERROR, Operation.WRITE, http_status=502), True),
        (Evidence(Outcome.SOURCE_ERROR, Operation.WRITE, http_status=200), False),
        (Evidence(Outcome.INVALID_REQUEST, Operation.WRITE), False),
    ],
)
def test_which_failures_leave_it_open(evidence: Evidence, *, maybe: bool) -> None:
    assert may_have_been_made(evidence) is maybe
