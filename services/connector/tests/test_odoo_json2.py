"""Odoo's models over JSON-2, against a simulator of it; over JSON-RPC they are tested against Odoo itself."""

from collections.abc import Iterator

import orjson
import pytest

from lineshaft.common.outcomes import Grant, Outcome, Verb
from lineshaft.connector.domain.protocol import Need, WriteOperation

from .odoo_json2_source import KEY, OdooJson2Source
from .simulated import Response
from .sql_source import opened, read_all, refused

ORDERS = "purchase.order"
LINES = "purchase.order.line"
FIELDS = ["id", "write_date", "name", "partner_id", "partner_id.display_name"]
WITH_LINES = [*FIELDS, "order_line.name", "order_line.product_qty"]


@pytest.fixture
def source() -> Iterator[OdooJson2Source]:
    simulated = OdooJson2Source()
    for number in range(1, 31):
        simulated.put(LINES, number, name=f"Line {number}", product_qty=number / 2)
        simulated.put(ORDERS, number, name=f"P{number}", order_line=[number], partner_id=[5, "Atlas Tools"])
    with simulated.serving():
        yield simulated


async def test_whose_key_it_is_and_one_that_ended(source: OdooJson2Source) -> None:
    async with opened(source) as adapter:
        verified = await adapter.verify()
    assert verified.account_id == f"http://127.0.0.1:{source.port}/7"
    assert verified.account_label == "bot"
    async with opened(source, api_key="ended") as adapter:
        evidence = await refused(adapter.verify)
    assert (evidence.outcome, evidence.http_status) == (Outcome.CREDENTIALS_REJECTED, 401)
    assert evidence.message == "Invalid apikey"
    assert len(source.requests) == 3, "a key is not tried again"


async def test_fields_of_this_very_database(source: OdooJson2Source) -> None:
    async with opened(source) as adapter:
        (described,) = await adapter.describe([ORDERS])
    fields = {field.name: field for field in described.fields}
    assert fields["name"].required
    assert (fields["order_line"].relation, fields["order_line"].stored) == (LINES, False)


async def test_all_orders_with_their_lines(source: OdooJson2Source) -> None:
    async with opened(source) as adapter:
        found, _ = await read_all(adapter, ORDERS, WITH_LINES, limit=7)
    assert [one["id"] for one in found] == list(range(1, 31))
    assert found[3]["order_line"] == [{"id": 4, "name": "Line 4", "product_qty": 2.0}]
    assert found[3]["partner_id"] == 5
    assert found[3]["partner_id."] == {"id": 5, "display_name": "Atlas Tools"}


async def test_lines_are_not_asked_for_where_nobody_wants_them(source: OdooJson2Source) -> None:
    async with opened(source) as adapter:
        await read_all(adapter, ORDERS, FIELDS, limit=50)
    assert {one.path for one in source.requests} == {f"/json/2/{ORDERS}/search_read"}


async def test_a_source_that_cuts_pages_shorter_than_they_were_asked_for(source: OdooJson2Source) -> None:
    source.faults = {"most": 7}
    async with opened(source) as adapter:
        found, _ = await read_all(adapter, ORDERS, FIELDS, limit=50)
    assert [one["id"] for one in found] == sorted(source.records[ORDERS])


async def test_an_order_comes_again_as_a_line_of_it_changed(source: OdooJson2Source) -> None:
    async with opened(source) as adapter:
        _, cursor = await read_all(adapter, ORDERS, WITH_LINES, limit=50)
        none, cursor = await read_all(adapter, ORDERS, WITH_LINES, cursor)
        assert none == []
        source.put(LINES, 9, product_qty=99, write_date="2100-01-01 00:00:00")
        source.put(ORDERS, 12, name="Changed", write_date="2100-01-01 00:00:00")
        changed, _ = await read_all(adapter, ORDERS, WITH_LINES, cursor, limit=1)
    assert [one["id"] for one in changed] == [9, 12]


async def test_an_order_is_created_changed_read_and_deleted(source: OdooJson2Source) -> None:
    async with opened(source) as adapter:
        created = await adapter.write(
            ORDERS, WriteOperation.CREATE, None, {"name": "New", "partner_id": None}
        )
        await adapter.write(ORDERS, WriteOperation.UPDATE, created.source_id, {"name": "Newer"})
        found = await adapter.find(ORDERS, WITH_LINES, {"id": created.source_id})
        await adapter.write(ORDERS, WriteOperation.DELETE, created.source_id, {})
        assert await adapter.find(ORDERS, FIELDS, {"id": created.source_id}) == []
        gone = await refused(lambda: adapter.write(ORDERS, WriteOperation.UPDATE, "999", {"name": "x"}))
        unfit = await refused(lambda: adapter.write(ORDERS, WriteOperation.CREATE, None, {"name": False}))
    assert found is not None
    (record,) = map(orjson.loads, found)
    assert (record["name"], record["partner_id"], record["order_line"]) == ("Newer", False, [])
    assert (gone.outcome, unfit.outcome) == (Outcome.INVALID_REQUEST, Outcome.INVALID_REQUEST)
    assert unfit.message == "The name is required"


@pytest.mark.parametrize(
    ("name", "outcome", "status"),
    [
        ("odoo.exceptions.AccessError", Outcome.PERMISSION_DENIED, 403),
        ("werkzeug.exceptions.NotFound", Outcome.CONFIGURATION_ERROR, 404),
        ("builtins.ValueError", Outcome.CONFIGURATION_ERROR, 500),
        ("werkzeug.exceptions.UnprocessableEntity", Outcome.INVALID_REQUEST, 422),
    ],
)
async def test_what_a_refusal_comes_to(
    source: OdooJson2Source, name: str, outcome: Outcome, status: int
) -> None:
    source.faults = {"refusal": (name, "no")}
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read(ORDERS, FIELDS, None))
    assert (evidence.outcome, evidence.http_status, evidence.message) == (outcome, status, "no")
    assert KEY not in repr(evidence), "the traceback is left aside"


async def test_rights_are_asked_for(source: OdooJson2Source) -> None:
    source.faults = {"denied": [(ORDERS, "unlink")]}
    needs = [Need(ORDERS, Verb.READ), Need(ORDERS, Verb.DELETE), Need("nope", Verb.READ)]
    async with opened(source) as adapter:
        rights = await adapter.rights(needs)
    assert [rights[need].grant for need in needs] == [Grant.GRANTED, Grant.DENIED, Grant.UNKNOWN]


async def test_a_field_that_is_not_there_names_itself(source: OdooJson2Source) -> None:
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read(ORDERS, [*FIELDS, "x_gone"], None))
    assert evidence.outcome is Outcome.CONFIGURATION_ERROR
    assert evidence.message is not None
    assert "x_gone" in evidence.message


@pytest.mark.parametrize("answer", [b"<html>Odoo</html>", b"{", b""])
async def test_answers_that_cannot_be_read(source: OdooJson2Source, answer: bytes) -> None:
    source.answer = lambda _: Response(200, answer)  # type: ignore[method-assign]
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read(ORDERS, FIELDS, None))
    assert evidence.outcome is Outcome.SOURCE_ERROR


async def test_lines_are_those_that_are_asked_for_now(source: OdooJson2Source) -> None:
    """A read by the name of a field that is gone comes before the others (see `workers.slice`)."""
    async with opened(source) as adapter:
        await refused(lambda: adapter.read(ORDERS, ["id", "x_gone.name"], None, limit=1))
        for fields in (["order_line.name"], ["order_line.name", "order_line.product_qty"]):
            page = await adapter.read(ORDERS, [*FIELDS, *fields], None, limit=1)
            (line,) = orjson.loads(page.records[0])["order_line"]
            assert {"id", *(one.partition(".")[2] for one in fields)} == set(line)
