"""The Maximo adapter against a simulator with Maximo's habits."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from lineshaft.common.mapping import WriteContext, to_source
from lineshaft.common.outcomes import Outcome
from lineshaft.connector.adapters.protocols.maximo_requests import selection
from lineshaft.connector.domain.protocol import WriteOperation

from .maximo_source import FIELDS, MaximoSource
from .sql_source import CATALOG, opened, read_all, refused, rows

LATER = "2027-01-01T00:00:00+01:00"


@pytest.fixture
def source() -> Iterator[MaximoSource]:
    simulated = MaximoSource()
    # not in the order of their keys, and with numbers that two sites share
    for number in range(120, 0, -1):
        simulated.put("NASHUA" if number % 2 else "BEDFORD", str(1000 + number // 2))
    with simulated.serving():
        yield simulated


@pytest.mark.parametrize(("login", "root"), [("api_key", "api"), ("maxauth", "oslc"), ("ldap", "oslc")])
async def test_each_way_to_log_in(login: str, root: str) -> None:
    source = MaximoSource(login=login)
    with source.serving():
        async with opened(source) as adapter:
            verified = await adapter.verify()
        async with opened(source, key="ended", password="wrong") as adapter:
            evidence = await refused(adapter.verify)
    assert (verified.account_id, verified.account_label) == ("READER", "Person Reader")
    assert source.requests[0].path == f"/maximo/{root}/whoami"
    assert (evidence.outcome, evidence.http_status) == (Outcome.CREDENTIALS_REJECTED, 400)
    assert evidence.code == ("api_key_ended" if login == "api_key" else "login_refused")


async def test_fields_are_those_of_the_json_schema(source: MaximoSource) -> None:
    async with opened(source) as adapter:
        (described,) = await adapter.describe(["workOrders"])
    assert [field.name for field in described.fields] == list(FIELDS)
    assert (described.fields[0].required, described.fields[1].label) == (True, "WONUM")


@pytest.mark.parametrize("limit", [7, 60, 200])
async def test_all_orders_once_in_the_order_of_their_keys(source: MaximoSource, limit: int) -> None:
    async with opened(source) as adapter:
        found, _ = await read_all(adapter, "workOrders", list(FIELDS), limit=limit)
    assert [(one["siteid"], one["wonum"]) for one in found] == sorted(source.orders)
    assert {one.headers["host"] for one in source.requests} == {f"127.0.0.1:{source.port}"}
    assert all(one.first("oslc.pageSize") == str(limit) for one in source.requests)


async def test_changes_since_the_last_read(source: MaximoSource) -> None:
    async with opened(source) as adapter:
        _, cursor = await read_all(adapter, "workOrders", list(FIELDS), limit=200)
        none, cursor = await read_all(adapter, "workOrders", list(FIELDS), cursor)
        assert none == []
        source.put("BEDFORD", "1003", changedate=LATER)
        source.put("NASHUA", "1003", changedate=LATER)
        changed, cursor = await read_all(adapter, "workOrders", list(FIELDS), cursor, limit=1)
        assert [one["siteid"] for one in changed] == ["BEDFORD", "NASHUA"]
        source.faults = {"filter_ignored": True}
        ignored = await refused(lambda: adapter.read("workOrders", list(FIELDS), cursor, 50))
    assert (ignored.outcome, ignored.code) == (Outcome.CONFIGURATION_ERROR, "filter_ignored")


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ({"link": "/maximo/oslc/os/mxapiasset"}, "unusable_answer"),
        ({"link": "/elsewhere"}, "unusable_answer"),
        ({"pageno": 2}, "page_repeated"),
    ],
    ids=["another structure", "another place", "the same page again"],
)
async def test_a_link_that_leads_elsewhere_is_not_followed(
    source: MaximoSource, faults: dict[str, Any], code: str
) -> None:
    async with opened(source) as adapter:
        first = await adapter.read("workOrders", list(FIELDS), None, 50)
        source.faults = faults
        evidence = await refused(lambda: adapter.read("workOrders", list(FIELDS), first.cursor, 50))
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, code)


async def test_an_order_that_goes_between_two_pages_lets_none_slip_through(source: MaximoSource) -> None:
    async with opened(source) as adapter:
        first = await adapter.read("workOrders", list(FIELDS), None, 50)
        for gone in sorted(source.orders)[:3]:
            del source.orders[gone]
        later, _ = await read_all(adapter, "workOrders", list(FIELDS), first.cursor, limit=50)
    found = {(one["siteid"], one["wonum"]) for one in rows(first) + later}
    assert set(source.orders) <= found


async def test_a_server_with_a_largest_page(source: MaximoSource) -> None:
    source.faults = {"most": 50}
    async with opened(source) as adapter:
        found, _ = await read_all(adapter, "workOrders", list(FIELDS), limit=200)
    assert [(one["siteid"], one["wonum"]) for one in found] == sorted(source.orders)


async def test_links_that_go_round_are_noticed(source: MaximoSource) -> None:
    source.faults = {"cycle": {1: 2, 2: 3, 3: 2}}
    async with opened(source) as adapter:
        evidence = await refused(lambda: read_all(adapter, "workOrders", list(FIELDS), limit=20))
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "page_repeated")
    assert len(source.requests) < 10


def _errors(code: str) -> list[dict[str, Any]]:
    return [
        {"Error": {"reasonCode": code, "statusCode": "400", "message": f"{code} - no"}},
        {"oslc:Error": {"spi:reasonCode": code, "oslc:statusCode": "400", "oslc:message": f"{code} - no"}},
    ]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("BMXAA9549E", Outcome.CREDENTIALS_REJECTED),
        ("BMXAA7901E", Outcome.CREDENTIALS_REJECTED),
        ("BMXAA9301E", Outcome.PERMISSION_DENIED),
        ("BMXAA4190E", Outcome.INVALID_REQUEST),
    ],
)
@pytest.mark.parametrize("form", [0, 1], ids=["lean", "oslc"])
async def test_the_reason_code_decides_and_never_the_status(
    source: MaximoSource, code: str, outcome: Outcome, form: int
) -> None:
    source.faults = {"answer": (400, _errors(code)[form])}
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read("workOrders", list(FIELDS), None))
    assert (evidence.outcome, evidence.http_status) == (outcome, 400)
    assert evidence.message == f"{code} - no"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((200, b"<html>Log in</html>"), Outcome.SOURCE_ERROR),
        ((200, {"rdfs:member": []}), Outcome.SOURCE_ERROR),
        ((503, b""), Outcome.SOURCE_ERROR),
        ((401, b""), Outcome.CREDENTIALS_REJECTED),
    ],
)
async def test_other_answers(source: MaximoSource, answer: Any, outcome: Outcome) -> None:
    source.faults = {"answer": answer}
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read("workOrders", list(FIELDS), None))
    assert evidence.outcome is outcome


async def test_an_order_is_created_changed_and_read(source: MaximoSource) -> None:
    system = CATALOG.system("maximo")
    write = system.object("workOrders").write
    context = WriteContext(system.key_types(), frozenset(write.read_only))
    definition = system.default_mapping("work_order")
    new = to_source(
        "work_order",
        definition,
        {"title": "Leak", "asset": "BEDFORD/11430", "estimated_hours": "1.5"},
        context,
    )
    change = to_source("work_order", definition, {"title": "Big leak", "status": "in_progress"}, context)
    async with opened(source) as adapter:
        created = await adapter.write("workOrders", WriteOperation.CREATE, None, new)
        assert source.asked("POST")[0].json == {
            "description": "Leak",
            "siteid": "BEDFORD",
            "assetnum": "11430",
            "estdur": 1.5,
        }
        await adapter.write("workOrders", WriteOperation.UPDATE, created.source_id, change)
        site, number = created.source_id.split("/")
        found = await adapter.find("workOrders", FIELDS, {"siteid": site, "wonum": number})
    assert found is not None
    (record,) = map(orjson.loads, found)
    assert (record["description"], record["status"], record["assetnum"]) == ("Big leak", "INPRG", "11430")
    first, second = source.asked("POST")[1:]
    assert (first.headers["patchtype"], first.first("action")) == ("MERGE", "")
    assert (second.first("action"), second.json) == ("wsmethod:changeStatus", {"status": "INPRG"})


async def test_a_status_that_was_kept_is_told_though_the_answer_is_success(source: MaximoSource) -> None:
    source.faults = {"kept": True}
    async with opened(source) as adapter:
        evidence = await refused(
            lambda: adapter.write("workOrders", WriteOperation.UPDATE, "BEDFORD/1001", {"status": "COMP"})
        )
    assert (evidence.outcome, evidence.code, evidence.field) == (
        Outcome.INVALID_REQUEST,
        "not_taken",
        "status",
    )


async def test_what_is_like_a_record_is_not_the_record(source: MaximoSource) -> None:
    async with opened(source) as adapter:
        assert await adapter.find("workOrders", FIELDS, {"siteid": "BEDFORD", "wonum": "100%"}) == []
        assert await adapter.find("workOrders", FIELDS, {"siteid": "BEDFORD", "wonum": 'a" or "'}) is None
        gone = await refused(
            lambda: adapter.write(
                "workOrders", WriteOperation.UPDATE, "BEDFORD/nothing", {"description": "x"}
            )
        )
    assert (gone.outcome, gone.code) == (Outcome.INVALID_REQUEST, "no_such_record")
    assert not source.asked("POST")


async def test_a_status_cannot_be_set_at_creation(source: MaximoSource) -> None:
    async with opened(source) as adapter:
        evidence = await refused(
            lambda: adapter.write(
                "workOrders", WriteOperation.CREATE, None, {"siteid": "B", "status": "APPR"}
            )
        )
    assert (evidence.code, evidence.field) == ("not_at_creation", "status")
    assert not source.asked("POST")


def test_related_fields_are_selected_within_their_record() -> None:
    assert selection(["ponum", "poline", "poline.itemnum", "poline.cost.amount"]) == (
        "ponum,poline{itemnum,cost{amount}}"
    )


async def test_a_page_leaves_out_what_is_null(source: MaximoSource) -> None:
    async with opened(source) as adapter:
        page = await adapter.read("workOrders", list(FIELDS), None, 1)
    assert "location" not in rows(page)[0]
