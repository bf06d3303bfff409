from typing import get_args

import pytest

from lineshaft.api.domain.source_types import custom_type
from lineshaft.common.mapping.definition import CustomFieldType


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("boolean", "bool boolean bit bit(1) tinyint(1) Edm.Boolean Check"),
        ("integer", "int int4 int(11) bigint smallint integer serial Int64 Byte"),
        ("decimal", "NUMERIC numeric(10,2) double|precision float8 real monetary number Currency Percent"),
        ("date", "date Date"),
        ("timestamp", "datetime timestamp|without|time|zone timestamptz DateTimeOffset Datetime"),
        ("json", "json jsonb dict integer[] text[] array object"),
        ("text", "text mediumtext Small|Text html Text|Editor"),
        (
            "string",
            "varchar(20) interval point int4range enum('real','int') time|without|time|zone uuid many2one",
        ),
    ],
)
def test_the_type_follows_what_the_source_calls_its_own(ours: str, theirs: str) -> None:
    assert ours in get_args(CustomFieldType)
    names = [one.replace("|", " ").removeprefix("Edm.") for one in theirs.split()]
    assert {one: custom_type(one) for one in names} == dict.fromkeys(names, ours)
