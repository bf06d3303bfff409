"""Everything that a status document can say is explained, and no explanation disagrees with a verdict."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from lineshaft.common.outcomes import (
    ConnectionStatus,
    Fault,
    LadderRung,
    Move,
    Outcome,
    RungStatus,
    Scope,
)
from lineshaft.health_monitor.domain.verdict import verdict
from lineshaft.tools.generate.status_page import SYSTEM, examples, status_page
from lineshaft.tools.generate.status_words import (
    FAULTS,
    MOVES,
    OUTCOMES,
    RUNG_STATES,
    RUNGS,
    SCOPES,
    STATES,
)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (ConnectionStatus, STATES),
        (Fault, FAULTS),
        (Scope, SCOPES),
        (Move, MOVES),
        (Outcome, OUTCOMES),
        (LadderRung, RUNGS),
        (RungStatus, RUNG_STATES),
    ],
)
def test_every_member_is_explained(members: type[StrEnum], words: Mapping[Any, Any]) -> None:
    assert set(words) == set(members)
    page = status_page()
    for member in members:
        told = words[member]
        assert all(told if isinstance(told, tuple) else [told])
        assert f"| `{member}` |" in page


def test_every_fault_and_scope_has_its_verdicts_and_the_moves_agree() -> None:
    found = [verdict(fault, SYSTEM) for fault in examples()]
    assert {one.fault for one in found} == set(Fault)
    assert {one.scope for one in found} == set(Scope)
    assert {one.move for one in found} == set(Move)
    for one in found:
        assert one.move in FAULTS[one.fault].move
