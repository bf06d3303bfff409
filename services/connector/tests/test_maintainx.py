"""MaintainX's folder over the REST adapter, against a simulator of its description."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from lineshaft.common.mapping import WriteContext, to_source
from lineshaft.common.outcomes import Outcome
from lineshaft.connector.domain.protocol import WriteOperation

from .maintainx_source import CHANGED, MaintainX
from .sql_source import CATALOG, opened, read_all, refused

LATER = "2027-01-01T00:00:00.000Z"


@pytest.fixture
def source() -> Iterator[MaintainX]:
    simulated = MaintainX()
    for number in range(1, 451):
        simulated.put(number, assetId=5)
    with simulated.serving():
        yield simulated


async def test_whose_key_it_is_and_one_that_was_removed(source: MaintainX) -> None:
    async with opened(source) as adapter:
        assert (await adapter.verify()).account_id == "7"
    async with opened(source, token="removed") as adapter:
        evidence = await refused(adapter.verify)
    assert (evidence.outcome, evidence.http_status) == (Outcome.CREDENTIALS_REJECTED, 401)


async def test_all_orders_then_those_that_changed(source: MaintainX) -> None:
    async with opened(source) as adapter:
        found, cursor = await read_all(adapter, "workOrders", [], limit=200)
        assert [one["id"] for one in found] == list(range(1, 451))
        assert found[0]["asset"] == {"id": 5, "name": "Asset 5"}
        source.put(9, updatedAt=LATER)
        changed, cursor = await read_all(adapter, "workOrders", [], cursor, limit=200)
        assert [one["id"] for one in changed] == [9]
        source.faults = {"filter_ignored": True}
        ignored = await refused(lambda: adapter.read("workOrders", [], cursor, 200))
    assert (ignored.outcome, ignored.code) == (Outcome.CONFIGURATION_ERROR, "filter_ignored")


async def test_a_key_that_opens_several_organizations_needs_one(source: MaintainX) -> None:
    async with opened(source, organization="") as adapter:
        evidence = await refused(lambda: adapter.read("workOrders", [], None))
    assert evidence.outcome is Outcome.INVALID_REQUEST
    assert evidence.message == "OrganizationId was not provided"


async def test_a_list_of_ids_is_filled_by_one_request_each(source: MaintainX) -> None:
    for number in (1, 2, 3):
        source.purchases[number] = {"id": number, "title": f"Purchase {number}", "updatedAt": CHANGED}
    source.faults = {"gone": [2]}
    async with opened(source) as adapter:
        found, _ = await read_all(adapter, "purchaseOrders", [], limit=50)
    assert [one["title"] for one in found] == ["Purchase 1", "Purchase 3"]


async def test_described_are_documented_fields_that_no_record_has(source: MaintainX) -> None:
    async with opened(source) as adapter:
        (described,) = await adapter.describe(["workOrders"])
    assert {"estimatedTime", "deletedAt", "asset", "title"} <= {field.name for field in described.fields}


async def test_an_order_is_created_changed_read_and_deleted(source: MaintainX) -> None:
    system = CATALOG.system("maintainx")
    write = system.object("workOrders").write
    context = WriteContext(system.key_types(), frozenset(write.read_only), frozenset(write.names))
    definition = system.default_mapping("work_order")
    new = to_source(
        "work_order", definition, {"title": "Written", "asset": "5", "estimated_hours": "1.5"}, context
    )
    change = to_source("work_order", definition, {"status": "on_hold", "priority": "low"}, context)
    async with opened(source) as adapter:
        created = await adapter.write("workOrders", WriteOperation.CREATE, None, new)
        assert source.asked("POST")[0].json == {"title": "Written", "assetId": 5, "estimatedTime": 5400}
        await adapter.write("workOrders", WriteOperation.UPDATE, created.source_id, change)
        assert [(one.path, one.json) for one in source.asked("PATCH")] == [
            (f"/workorders/{created.source_id}", {"priority": "LOW"}),
            (f"/workorders/{created.source_id}/status", {"status": "ON_HOLD"}),
        ]
        key = {"id": created.source_id}
        found = await adapter.find("workOrders", [], key)
        await adapter.write("workOrders", WriteOperation.DELETE, created.source_id, {})
        assert await adapter.find("workOrders", [], key) == []
        gone = await refused(lambda: adapter.write("workOrders", WriteOperation.UPDATE, "9999", change))
    assert found is not None
    (record,) = map(orjson.loads, found)
    assert (record["status"], record["asset"]["id"], record["priority"]) == ("ON_HOLD", 5, "LOW")
    assert (gone.outcome, gone.code) == (Outcome.INVALID_REQUEST, "no_such_record")


async def test_a_status_cannot_be_set_at_creation(source: MaintainX) -> None:
    async with opened(source) as adapter:
        evidence = await refused(
            lambda: adapter.write("workOrders", WriteOperation.CREATE, None, {"title": "A", "status": "DONE"})
        )
    assert (evidence.outcome, evidence.field) == (Outcome.INVALID_REQUEST, "status")
    assert not source.asked("POST"), "nothing was made"


async def test_a_value_that_is_refused_names_its_field(source: MaintainX) -> None:
    async with opened(source) as adapter:
        evidence = await refused(
            lambda: adapter.write("workOrders", WriteOperation.UPDATE, "1", {"priority": "Happy Birthday"})
        )
    assert (evidence.outcome, evidence.field) == (Outcome.INVALID_REQUEST, "priority")
    assert evidence.message == "Invalid priority"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((403, {"errors": [{"error": "Forbidden"}]}), Outcome.PERMISSION_DENIED),
        ((500, {"error": "Internal server error."}), Outcome.SOURCE_ERROR),
        ((200, b"<html>Maintenance</html>"), Outcome.SOURCE_ERROR),
        ((200, {"assets": []}), Outcome.SOURCE_ERROR),
    ],
)
async def test_what_a_refusal_comes_to(source: MaintainX, answer: Any, outcome: Outcome) -> None:
    source.faults = {"answer": answer}
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read("workOrders", [], None))
    assert evidence.outcome is outcome


async def test_the_limit_says_when_it_ends(source: MaintainX) -> None:
    source.faults = {"answer": (429, {"error": "Please retry in 10 seconds"}, {"X-Rate-Limit-Reset": "10"})}
    before = datetime.now(UTC)
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read("workOrders", [], None))
    assert evidence.outcome is Outcome.RATE_LIMITED
    assert evidence.retry_at is not None
    assert evidence.retry_at >= before + timedelta(seconds=10)
