"""A real MariaDB in each of the monitor's labelled cases."""

from collections.abc import Iterator

import pytest

from lineshaft.tools.stack.mariadb_source import MariadbSource

from .sql_source import needs_mariadb
from .verdicts import cases_of
from .verdicts_sql import Plant, Stage, bring_about, running

pytestmark = pytest.mark.integration

STAGES = {
    "account is locked": Stage(("alter user reader account lock",), ("alter user reader account unlock",)),
    "password has expired": Stage(
        ("alter user reader password expire",), ("alter user reader password expire never",)
    ),
    "wrong password": Stage(changes={"password": "wrong"}),
    "read before was taken away": Stage(
        ("revoke select on vendors from reader",), ("grant select on vendors to reader",)
    ),
    "never seen": Stage(
        ("revoke select on vendors from reader", "rename table vendors to suppliers"),
        ("rename table suppliers to vendors", "grant select on vendors to reader"),
    ),
    "narrow grants": Stage(
        (
            "revoke select on parts from reader",
            "grant select (id, number, updated_at) on parts to reader",
        ),
        (
            "revoke select (id, number, updated_at) on parts from reader",
            "grant select on parts to reader",
        ),
    ),
    "table was renamed": Stage(
        ("rename table parts to spare_parts",), ("rename table spare_parts to parts",)
    ),
    "column was dropped": Stage(
        ("rename table parts to kept", "create table parts as select id, number, updated_at from kept"),
        ("drop table parts", "rename table kept to parts"),
    ),
    "no such database": Stage(changes={"database": "nope"}),
    "server was stopped": Stage(stops=True),
}
CASES = cases_of("mariadb")


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    needs_mariadb()
    yield from running(MariadbSource)


@pytest.mark.parametrize("name", CASES)
async def test_a_case_is_what_the_server_brings_about(plant: Plant, name: str) -> None:
    (stage,) = [stage for part, stage in STAGES.items() if part in name]
    await bring_about(plant, CASES[name], stage)


def test_each_stage_has_its_case() -> None:
    assert len(CASES) == len(STAGES)
