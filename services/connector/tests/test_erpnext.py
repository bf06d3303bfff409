"""ERPNext's folder over the REST adapter, against a simulator of Frappe's interface."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from lineshaft.common.outcomes import Outcome
from lineshaft.connector.adapters.protocols.window import Window
from lineshaft.connector.domain.protocol import WriteOperation

from .erpnext_source import ErpNext
from .erpnext_source import refused as refusal
from .sql_source import opened, read_all, refused, rows

START = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture(params=["UTC", "Asia/Kolkata", "America/Bogota"])
def source(request: pytest.FixtureRequest) -> Iterator[ErpNext]:
    simulated = ErpNext(zone=request.param)
    for number in range(90):
        moment = START + timedelta(minutes=number)
        simulated.put("Asset Repair", f"ASR-{number:03d}", moment, failure_date=simulated.local(moment)[:19])
    with simulated.serving():
        yield simulated


async def test_who_it_is_and_keys_that_are_wrong(source: ErpNext) -> None:
    async with opened(source) as adapter:
        assert (await adapter.verify()).account_id == "reader@plant.example"
    async with opened(source, api_secret="old") as adapter:
        evidence = await refused(adapter.verify)
    assert (evidence.outcome, evidence.code) == (Outcome.CREDENTIALS_REJECTED, "AuthenticationError")


async def test_all_documents_once_with_times_in_utc(source: ErpNext) -> None:
    async with opened(source) as adapter:
        found, _ = await read_all(adapter, "AssetRepair", [], limit=40)
    assert [one["name"] for one in found] == [f"ASR-{number:03d}" for number in range(90)]
    assert {found[5][name] for name in ("creation", "modified", "failure_date")} == {"2026-11-20T08:05:00Z"}


async def test_a_site_that_cuts_pages_shorter_and_documents_that_go_meanwhile(source: ErpNext) -> None:
    source.faults = {"most": 25}
    async with opened(source) as adapter:
        first = await adapter.read("AssetRepair", [], None, 40)
        for number in (3, 22, 23, 24):
            del source.documents["Asset Repair"][f"ASR-{number:03d}"]
        later, _ = await read_all(adapter, "AssetRepair", [], first.cursor, limit=40)
    names = [one["name"] for one in rows(first) + later]
    assert names == [f"ASR-{number:03d}" for number in range(90)]


async def test_changes_since_the_last_read_by_the_clock_of_the_site(source: ErpNext) -> None:
    async with opened(source) as adapter:
        _, cursor = await read_all(adapter, "AssetRepair", [], limit=90)
        none, cursor = await read_all(adapter, "AssetRepair", [], cursor, limit=90)
        assert none == []
        source.put("Asset Repair", "ASR-007", datetime.now(UTC))
        source.put("Asset Repair", "ASR-NEW", datetime.now(UTC))
        changed, _ = await read_all(adapter, "AssetRepair", [], cursor, limit=1)
    assert [one["name"] for one in changed] == ["ASR-007", "ASR-NEW"]


@pytest.mark.parametrize("read_at", ["00:30", "01:20"])
async def test_the_hour_that_comes_twice_in_autumn(read_at: str) -> None:
    """The clock of the site goes from 02:59 to 02:00; what changed before the last read may come again."""
    source = ErpNext(zone="Europe/Berlin")
    cursor = Window(since=datetime.fromisoformat(f"2026-10-25T{read_at}:00Z")).dump()
    for minute in ("00:45", "01:10", "01:40", "02:10"):
        moment = datetime.fromisoformat(f"2026-10-25T{minute}:00Z")
        source.put("Asset Repair", minute, moment)
    with source.serving():
        async with opened(source) as adapter:
            found, _ = await read_all(adapter, "AssetRepair", [], cursor, limit=90)
    assert {one["name"] for one in found} >= {
        minute for minute in source.documents["Asset Repair"] if minute > read_at
    }


async def test_lines_come_with_each_order(source: ErpNext) -> None:
    source.put("Purchase Order", "PUR 1", START, items=[{"item_code": "SEAL-35", "qty": 6.0}])
    async with opened(source) as adapter:
        found, _ = await read_all(adapter, "PurchaseOrder", [])
    assert [one["items"][0]["item_code"] for one in found] == ["SEAL-35"]
    assert found[0]["modified"] == "2026-11-20T08:00:00Z"


async def test_a_repair_is_created_changed_read_and_deleted(source: ErpNext) -> None:
    async with opened(source) as adapter:
        values = {"asset": "ASSET-1", "failure_date": "2026-11-24T08:00:00Z"}
        created = await adapter.write("AssetRepair", WriteOperation.CREATE, None, values)
        key = {"name": created.source_id}
        await adapter.write(
            "AssetRepair", WriteOperation.UPDATE, created.source_id, {"repair_status": "Completed"}
        )
        found = await adapter.find("AssetRepair", [], key)
        unfit = await refused(
            lambda: adapter.write(
                "AssetRepair", WriteOperation.UPDATE, created.source_id, {"repair_status": "Nearly"}
            )
        )
        gone = await refused(
            lambda: adapter.write("AssetRepair", WriteOperation.UPDATE, "nothing", {"description": "x"})
        )
        await adapter.write("AssetRepair", WriteOperation.DELETE, created.source_id, {})
        assert await adapter.find("AssetRepair", [], key) == []
    assert found is not None
    (record,) = map(orjson.loads, found)
    assert (record["repair_status"], record["failure_date"]) == ("Completed", "2026-11-24T08:00:00Z")
    assert (unfit.outcome, unfit.code) == (Outcome.INVALID_REQUEST, "ValidationError")
    assert (gone.outcome, gone.code) == (Outcome.INVALID_REQUEST, "no_such_record")


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (refusal("PermissionError"), Outcome.PERMISSION_DENIED, "PermissionError"),
        (refusal("DoesNotExistError"), Outcome.CONFIGURATION_ERROR, "not_there"),
    ],
)
async def test_what_a_refusal_comes_to(answer: Any, outcome: Outcome, code: str) -> None:
    source = ErpNext(faults={"answer": (answer.status, answer.body)})
    with source.serving():
        async with opened(source) as adapter:
            evidence = await refused(lambda: adapter.read("AssetRepair", [], None))
    assert (evidence.outcome, evidence.code) == (outcome, code)
