"""A real PostgreSQL in each of the monitor's labelled cases."""

from collections.abc import Iterator

import pytest

from lineshaft.tools.stack.postgresql_source import PostgresqlSource

from .verdicts import cases_of
from .verdicts_sql import Plant, Stage, bring_about, running

pytestmark = pytest.mark.integration

STAGES = {
    "right to a table": Stage(
        ("revoke select on purchase_orders from reader",), ("grant select on purchase_orders to reader",)
    ),
    "right to one column": Stage(
        (
            "revoke select on parts from reader",
            "grant select (id, number, updated_at) on parts to reader",
        ),
        ("grant select on parts to reader",),
    ),
    "table was renamed": Stage(
        ("alter table parts rename to spare_parts",), ("alter table spare_parts rename to parts",)
    ),
    "column was dropped": Stage(
        (
            "alter table parts rename to kept",
            "create table parts as select id, number, updated_at from kept",
            "grant select on parts to reader",
        ),
        ("drop table parts", "alter table kept rename to parts"),
    ),
    "wrong password": Stage(changes={"password": "wrong"}),
    "role has expired": Stage(
        ("alter role reader valid until '2020-01-01'",), ("alter role reader valid until 'infinity'",)
    ),
    "may not log in": Stage(("alter role reader nologin",), ("alter role reader login",)),
    "no such database": Stage(changes={"database": "nope"}),
    "server was stopped": Stage(stops=True),
}
CASES = cases_of("postgresql")


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    yield from running(PostgresqlSource)


@pytest.mark.parametrize("name", CASES)
async def test_a_case_is_what_the_server_brings_about(plant: Plant, name: str) -> None:
    (stage,) = [stage for part, stage in STAGES.items() if part in name]
    await bring_about(plant, CASES[name], stage)


def test_each_stage_has_its_case() -> None:
    assert len(CASES) == len(STAGES)
