"""The how-to shows what the ladder says."""

import re
from pathlib import Path

import pytest

from lineshaft.common.events.diagnoses import ConnectionDiagnosed
from lineshaft.common.outcomes import LadderRung, Operation, Outcome
from lineshaft.connector.domain import ladder_words as words
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.ladder import Failure
from lineshaft.connector.domain.ladder_words import Way

PAGE = (Path(__file__).parents[3] / "docs/howto/diagnose.md").read_text(encoding="utf-8")
WAY = Way("erp.example.com", 443, "203.0.113.7", "10.0.0.5")


def of_call(outcome: Outcome, code: str, object_name: str | None = None) -> Failure:
    return words.of_evidence(
        WAY, "Sandbox", Evidence(outcome, Operation.PROBE, object_name, code=code, message="refused")
    )


def test_the_example_is_an_answer() -> None:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    ladder = ConnectionDiagnosed.model_validate_json(found[1])
    assert [one.rung for one in ladder.rungs] == list(LadderRung)
    assert ladder.failed is not None
    assert (ladder.failed.rung, ladder.failed.ask) == (ladder.failed_rung, ladder.ask)


@pytest.mark.parametrize(
    ("rung", "failure"),
    [
        ("dns", words.name_not_resolved(Way("plant.invalid", 443), "")),
        ("tcp", words.not_connected(WAY, ConnectionRefusedError())),
        ("http", of_call(Outcome.SOURCE_ERROR, "html_for_json")),
        ("auth", of_call(Outcome.CREDENTIALS_REJECTED, "credentials_expired")),
        ("object", of_call(Outcome.PERMISSION_DENIED, "forbidden", "parts")),
    ],
)
def test_the_other_failures_read_as_in_the_table(rung: str, failure: Failure) -> None:
    assert f"| `{rung}` | `{failure.code}` | {failure.ask} |" in PAGE
