"""The sandbox in each of the monitor's labelled cases."""

from collections.abc import Iterator
from typing import Any

import pytest

from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.testing.sandbox import running_sandbox

from .verdicts import assert_judged, cases_of
from .verdicts_sql import Reading

CASES = cases_of("sandbox")
FAULTS: dict[str, dict[str, Any]] = {
    "account is locked": {"credentials": "locked"},
    "credentials have expired": {"credentials": "expired"},
    "one object is forbidden": {"forbidden_objects": ["parts"]},
    "one object answers 401": {"unauthorized_objects": ["parts"]},
    "one field is forbidden": {"forbidden_fields": {"parts": ["name"]}},
    "one field was renamed": {"drift": {"parts": {"renamed": {"name": "title"}}}},
    "errors of its own": {"server_error": {"status": 503}},
    "log-on page": {"html": True},
    "fewer calls": {"rate_limit": {"seconds": 60}},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxSource]:
    with running_sandbox("verdicts-sandbox") as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", CASES)
async def test_a_case_is_what_the_sandbox_brings_about(sandbox: SandboxSource, name: str) -> None:
    sandbox.admin("POST", "/reset")
    (faults,) = [faults for part, faults in FAULTS.items() if part in name]
    good, bad = CASES[name]["calls"]
    reading = Reading(sandbox)
    await reading.take(good)
    sandbox.fault(**faults)
    for _ in range(bad.get("times", 1)):
        await reading.take(bad)
    assert_judged(reading.calls, CASES[name])


def test_each_fault_has_its_case() -> None:
    assert len(CASES) == len(FAULTS)
