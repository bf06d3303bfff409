"""A number keeps all of its digits on its way from the source, and back to it."""

from datetime import UTC
from decimal import Decimal

import pytest

from lineshaft.common import exact_json
from lineshaft.common.integrations.manifest import Write
from lineshaft.connector.adapters.protocols.odoo_records import records_of
from lineshaft.connector.adapters.protocols.rest_answers import records_at
from lineshaft.connector.adapters.protocols.rest_requests import as_written
from lineshaft.connector.adapters.protocols.rest_times import zoned
from lineshaft.connector.adapters.protocols.sql_dialect import Column, Family
from lineshaft.connector.adapters.protocols.sql_values import records, to_write

LONG = ["12345678901234567.89", "0.1234567890123456789", "99999999999999999999"]


@pytest.mark.parametrize("digits", LONG)
def test_a_page_is_cut_into_records_as_they_came(digits: str) -> None:
    record = f'{{"id":1,"n":{digits}}}'.encode()
    (cut,) = records_at(b'{"data":[' + record + b"]}", "data")
    assert bytes(cut) == record
    assert zoned(cut, ["at"], UTC) == record


@pytest.mark.parametrize("digits", LONG)
def test_records_that_are_made_anew_keep_them(digits: str) -> None:
    (record,) = records_of([exact_json.decode(f'{{"id":1,"n":{digits}}}')])
    assert record == f'{{"id":1,"n":{digits}}}'.encode()


@pytest.mark.parametrize("digits", LONG)
def test_a_row_of_a_database_keeps_them(digits: str) -> None:
    columns = {"details": Column("details", "jsonb", Family.JSON)}
    (record,) = records(["n", "details"], [(Decimal(digits), f'{{"n":{digits}}}')], columns, UTC)
    assert record == f'{{"n":"{digits}","details":{{"n":{digits}}}}}'.encode()
    assert to_write({"n": Decimal(digits)}, None, UTC) == f'{{"n":{digits}}}'


@pytest.mark.parametrize("digits", [*LONG, "12.5", "7"])
def test_a_decimal_is_written_with_them(digits: str) -> None:
    written = as_written(Write(numbers=["n"]), {"n": digits})
    assert exact_json.encode(written) == f'{{"n":{digits}}}'.encode()
