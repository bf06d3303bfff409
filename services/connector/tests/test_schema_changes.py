"""What is told of an object that has changed between two looks at it."""

from dataclasses import replace

import pytest

from lineshaft.common.events.drift import ChangeKind, DriftPolicy, FieldChange
from lineshaft.connector.domain.protocol import FieldDescription
from lineshaft.connector.domain.schema_changes import changes_between, held

NAME = FieldDescription("name", "text", "Name")
CLASS = FieldDescription("class", "text", "Class")
LOCATION = FieldDescription("location", "many2one", "Location", relation="locations")
BEFORE = (NAME, CLASS, LOCATION)


def test_nothing_is_told_of_what_is_the_same_in_another_order() -> None:
    assert changes_between(BEFORE, BEFORE[::-1]) == []


def test_a_right_that_was_taken_away_is_not_a_change_of_the_schema() -> None:
    assert changes_between((NAME,), (replace(NAME, readable=False),)) == []


def test_a_new_label_changes_nothing() -> None:
    assert changes_between((NAME,), (replace(NAME, label="Designation"),)) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((NAME, LOCATION), FieldChange(field="class", kind=ChangeKind.DROPPED, type="text")),
        (
            (NAME, replace(CLASS, name="asset_class"), LOCATION),
            FieldChange(field="class", kind=ChangeKind.DROPPED, type="text", renamed_to="asset_class"),
        ),
        (
            (NAME, replace(CLASS, type="integer"), LOCATION),
            FieldChange(field="class", kind=ChangeKind.RETYPED, type="integer", type_before="text"),
        ),
        (
            (NAME, CLASS, replace(LOCATION, relation="places")),
            FieldChange(
                field="location",
                kind=ChangeKind.RETYPED,
                type="many2one of places",
                type_before="many2one of locations",
            ),
        ),
        (
            (NAME, replace(CLASS, required=True), LOCATION),
            FieldChange(field="class", kind=ChangeKind.REQUIRED, type="text", required=True),
        ),
        (
            (*BEFORE, FieldDescription("weight", "numeric", "Weight", required=True)),
            FieldChange(field="weight", kind=ChangeKind.ADDED, type="numeric", required=True),
        ),
    ],
)
def test_each_change_is_told(after: tuple[FieldDescription, ...], expected: FieldChange) -> None:
    changes = changes_between(BEFORE, after)
    assert [change for change in changes if change.field == expected.field] == [expected]


def test_of_several_that_went_and_came_only_those_that_are_alike_are_taken_for_each_other() -> None:
    gone = [FieldDescription(name, "text", name) for name in ("serial_no", "maker")]
    come = [FieldDescription(name, "text", name) for name in ("serial_number", "zone")]
    renamed = {one.field: one.renamed_to for one in changes_between(gone, come) if one.kind == "dropped"}
    assert renamed == {"serial_no": "serial_number", "maker": None}


@pytest.mark.parametrize("kind", ChangeKind)
def test_hold_stops_for_what_the_mapping_reads_and_nothing_else(kind: ChangeKind) -> None:
    changes = [FieldChange(field="class", kind=kind, type="text")]
    stops = kind in {ChangeKind.DROPPED, ChangeKind.RETYPED}
    evidence = held("assets", DriftPolicy.HOLD, changes, ["name", "class.name"])
    assert (evidence is not None) is stops
    assert held("assets", DriftPolicy.HOLD, changes, ["name"]) is None
    assert held("assets", DriftPolicy.OFFER, changes, ["class"]) is None
