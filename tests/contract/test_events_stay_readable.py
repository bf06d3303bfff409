"""Replicas of two versions run side by side, and a topic holds what the version before has written.

A change that breaks this is a new event type, or waits for a release that says so in the changelog and renews
the released events (`make release-contracts`).
"""

import pytest
from pydantic import BaseModel, create_model

from lineshaft.common.outcomes import Move
from lineshaft.tools.released_events import breaks, current_events, released_events


class Part(BaseModel):
    name: str
    parts: list["Part"] = []


class Before(BaseModel):
    id: str
    count: int = 0
    note: str | None = None
    part: Part | None = None
    counts: dict[str, int] = {}
    move: Move = Move.NOBODY


def told(before: type[BaseModel], after: type[BaseModel]) -> list[str]:
    return breaks({"e": before.model_json_schema()}, {"e": after.model_json_schema()})


def test_what_is_released_can_be_read() -> None:
    assert breaks(released_events(), current_events()) == []


def test_fields_with_a_default_may_be_added() -> None:
    assert (
        told(Before, create_model("After", __base__=Before, more=(str, ""), other=(Part | None, None))) == []
    )


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"count": (str, "")}, "e.count: integer became string"),
        ({"count": (int | None, None)}, "e.count: was integer and is integer or null"),
        ({"note": (str, "")}, "e.note: was null or string and is string"),
        ({"more": (str, ...)}, "e.more needs a default"),
        ({"counts": (dict[str, str], {})}, "e.counts[]: integer became string"),
        ({"counts": (list[int], [])}, "e.counts: object became array"),
        ({"part": (Before | None, None)}, "e.part: was Part or null and is Before or null"),
    ],
)
def test_a_change_that_others_cannot_read_is_named(
    field: dict[str, tuple[object, object]], said: str
) -> None:
    (problem,) = told(Before, create_model("After", __base__=Before, **field))  # type: ignore[call-overload]
    assert problem.startswith(said)


def test_fields_and_values_that_are_gone_are_named() -> None:
    assert told(create_model("More", __base__=Before, more=(str, "")), Before) == ["e.more is gone"]
    after = current_events() | {"lineshaft.sync.requested": Before.model_json_schema()}
    assert "lineshaft.sync.requested.connection_id is gone" in breaks(current_events(), after)
    schema = Before.model_json_schema()
    values = schema["$defs"]["Move"]["enum"]
    fewer = {**schema, "$defs": {**schema["$defs"], "Move": {**schema["$defs"]["Move"], "enum": values[1:]}}}
    assert breaks({"e": schema}, {"e": fewer})[0].startswith("e.move: its values were")
    assert breaks({"e": schema}, {}) == ["e is gone"]
