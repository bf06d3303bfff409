"""What was recorded from real databases, and what else their codes come to."""

import json
import socket
from pathlib import Path

import pytest

from lineshaft.common.outcomes import Outcome, Rung
from lineshaft.connector.adapters.protocols.sql_addresses import NameNotResolvedError
from lineshaft.connector.adapters.protocols.sql_dialect import Dialect, Fault
from lineshaft.connector.adapters.protocols.sql_errors import meaning_of, meaning_without_answer
from lineshaft.connector.adapters.protocols.sql_mariadb import MariaDb
from lineshaft.connector.adapters.protocols.sql_postgresql import PostgreSql

INTEGRATIONS = Path(__file__).parents[3] / "integrations"
DIALECTS: dict[str, Dialect] = {"postgresql": PostgreSql(), "mariadb": MariaDb()}
RECORDED = [
    (system, case)
    for system in DIALECTS
    for case in json.loads((INTEGRATIONS / system / "fixtures" / "errors.json").read_text())["cases"]
]


@pytest.mark.parametrize(
    ("system", "case"), RECORDED, ids=[f"{system}-{case['case']}" for system, case in RECORDED]
)
def test_recorded_refusals(system: str, case: dict[str, str]) -> None:
    meaning = meaning_of(Fault(case["code"], case["message"]), DIALECTS[system].codes)
    assert meaning.finding.outcome == case["outcome"]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("08006", Outcome.UNREACHABLE),
        ("22P02", Outcome.INVALID_REQUEST),
        ("23505", Outcome.INVALID_REQUEST),
        ("40P01", Outcome.SOURCE_ERROR),
        ("53300", Outcome.SOURCE_ERROR),
        ("57P01", Outcome.SOURCE_ERROR),
        ("57P03", Outcome.SOURCE_ERROR),
        ("XX001", Outcome.SOURCE_ERROR),
        ("P0001", Outcome.SOURCE_ERROR),
    ],
)
def test_codes_that_stand_for_their_class(code: str, outcome: Outcome) -> None:
    assert meaning_of(Fault(code, "", code), DIALECTS["postgresql"].codes).finding.outcome is outcome


def test_a_number_that_is_not_listed_goes_by_its_sqlstate() -> None:
    meaning = meaning_of(Fault("1062", "Duplicate entry", "23000"), DIALECTS["mariadb"].codes)
    assert meaning.finding.outcome is Outcome.INVALID_REQUEST


@pytest.mark.parametrize(
    ("error", "rung"),
    [
        (NameNotResolvedError(), Rung.DNS),
        (socket.gaierror(), Rung.DNS),
        (ConnectionRefusedError(), Rung.TCP),
        (TimeoutError(), Rung.TIMEOUT),
        (ConnectionResetError(), Rung.HTTP),
        (RuntimeError(), Rung.HTTP),
    ],
)
def test_what_is_no_answer_names_the_rung(error: Exception, rung: Rung) -> None:
    meaning = meaning_without_answer(error)
    assert (meaning.finding.outcome, meaning.finding.rung) == (Outcome.UNREACHABLE, rung)
