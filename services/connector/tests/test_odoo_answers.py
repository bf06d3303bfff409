"""Every answer here is one that Odoo gave, or that a proxy before it gives."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.connector.adapters.http import Answer, NoAnswerError
from lineshaft.connector.adapters.protocols.odoo_answers import (
    FRESH_LOGIN_REFUSED,
    evidence_of,
    login_refused,
    take_apart,
)
from lineshaft.connector.adapters.protocols.odoo_records import described, records_of, to_odoo

from .rig import ROOT

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
RECORDED = json.loads((ROOT / "integrations/odoo/fixtures/errors.json").read_text(encoding="utf-8"))["cases"]
DENIED = next(one["body"] for one in RECORDED if one["case"] == "password changed meanwhile")


def answer(body: object, status: int = 200, kind: str = "application/json") -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Answer(status, {"content-type": kind}, content, 1.0)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["case"])
def test_recorded_refusals(case: dict[str, Any]) -> None:
    reading = login_refused(take_apart(answer(case["body"])))
    evidence = evidence_of(answer(case["body"]), Operation(case["operation"]), now=NOW, reading=reading)
    assert evidence.outcome is Outcome(case["outcome"])


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (answer({"jsonrpc": "2.0", "id": 1, "result": []}), Outcome.OK),
        (answer({"jsonrpc": "2.0", "id": 1, "result": True}), Outcome.OK),
        (answer(b"<html>Sign in</html>", kind="text/html"), Outcome.SOURCE_ERROR),
        (answer(b"<html>Bad gateway</html>", 502, "text/html"), Outcome.SOURCE_ERROR),
        (answer(b"", 429), Outcome.RATE_LIMITED),
        (answer(b"", 404), Outcome.CONFIGURATION_ERROR),
        (answer(b"no json"), Outcome.SOURCE_ERROR),
        (
            answer({"error": {"message": "?", "data": {"name": "builtins.ZeroDivisionError"}}}),
            Outcome.SOURCE_ERROR,
        ),
    ],
)
def test_other_answers(given: Answer, outcome: Outcome) -> None:
    assert evidence_of(given, Operation.READ, now=NOW).outcome is outcome


def test_a_refusal_right_behind_a_good_login_is_no_question_of_credentials() -> None:
    evidence = evidence_of(answer(DENIED), Operation.READ, now=NOW, fresh_login=True)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, FRESH_LOGIN_REFUSED)


def test_no_answer_keeps_its_rung() -> None:
    error = NoAnswerError(Outcome.UNREACHABLE, "connection_refused", "refused", rung=Rung.TCP)
    assert evidence_of(error, Operation.READ, now=NOW).rung is Rung.TCP


def test_secrets_do_not_come_back_in_words() -> None:
    told = answer({"error": {"message": "x", "data": {"name": "n", "message": "password hunter22 is wrong"}}})
    assert "hunter22" not in str(evidence_of(told, Operation.READ, now=NOW, secrets=("hunter22",)).message)


def test_related_records_are_found_by_path_and_written_by_key() -> None:
    (record,) = records_of([{"id": 1, "partner_id": [5, "ACME"], "line_ids": [7, 8], "note": False}])
    assert json.loads(record) == {
        "id": 1,
        "partner_id": 5,
        "partner_id.": {"id": 5, "display_name": "ACME"},
        "line_ids": [7, 8],
        "note": False,
    }


def test_computed_fields_and_files_are_no_plain_columns() -> None:
    fields = {
        "name": {"type": "char", "string": "Name", "required": True, "store": True},
        "image": {"type": "binary", "store": True, "manual": False},
        "x_shelf": {"type": "char", "store": True, "manual": True},
        "total": {"type": "float", "store": False, "readonly": True},
        "partner_id": {"type": "many2one", "relation": "res.partner", "store": True},
        "state": {"type": "selection", "store": True, "selection": [["draft", "RFQ"], ["done", "Locked"]]},
        "source": {"type": "reference", "store": True, "selection": [["sale.order", "Order"]]},
    }
    found = {one.name: one for one in described("x", fields).fields}
    stored = ["name", "x_shelf", "partner_id", "state", "source"]
    assert [name for name, one in found.items() if one.stored] == stored
    assert {name: one.codes for name, one in found.items() if one.codes} == {
        "state": {"draft": "RFQ", "done": "Locked"}
    }
    assert [name for name, one in found.items() if one.custom] == ["x_shelf"]
    assert found["partner_id"].relation == "res.partner"
    assert (found["name"].required, found["total"].readonly) == (True, True)


def test_lines_are_written_in_place_of_those_that_are_there() -> None:
    assert to_odoo({"note": None, "ids": [1, 2], "lines": [{"name": "a", "tax": None}]}) == {
        "note": False,
        "ids": [1, 2],
        "lines": [[5], [0, 0, {"name": "a", "tax": False}]],
    }
