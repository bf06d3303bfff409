from dataclasses import replace

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.domain.evidence import DENIED_OR_GONE, Evidence
from lineshaft.connector.domain.fields import loss, marked, note_on, remembered, select
from lineshaft.connector.domain.protocol import FieldDescription, ObjectDescription


def field(name: str, **options: object) -> FieldDescription:
    return FieldDescription(name, "char", name, **options)  # type: ignore[arg-type]


PURCHASE = ObjectDescription(
    "purchase.purchase",
    "Purchases",
    (
        field("id"),
        field("number"),
        field("comment"),
        field("total", stored=False),
        field("party", relation="party.party", readable=False),
    ),
)


def test_mapped_fields_and_all_plain_columns_are_read() -> None:
    selection = select(PURCHASE, ["number", "total", "number"])
    assert selection.fields == ("number", "total", "comment", "id")
    assert selection.mapped == ("number", "total")


def test_columns_are_bounded_but_mapped_fields_are_not() -> None:
    assert select(PURCHASE, ["number", "total"], most=1).fields == ("number", "total")


def test_what_was_never_there_is_left_out_and_noted() -> None:
    selection = select(PURCHASE, ["number", "x_abc", "party.rec_name"])
    assert selection.missing == ("x_abc", "party.rec_name")
    assert loss(PURCHASE, selection, ()) is None
    assert "x_abc, party.rec_name" in (note_on(selection) or "")


def test_what_is_hidden_now_is_a_matter_of_rights() -> None:
    evidence = loss(PURCHASE, select(PURCHASE, ["party.rec_name", "x_abc"]), {"party.rec_name", "x_abc"})
    assert evidence is not None
    assert evidence.outcome is Outcome.PERMISSION_DENIED
    assert "no read access to party.party" in (evidence.message or "")


def test_what_is_gone_now_is_a_matter_of_configuration() -> None:
    evidence = loss(PURCHASE, select(PURCHASE, ["x_abc"]), {"x_abc"})
    assert evidence is not None
    assert (evidence.outcome, evidence.code) == (Outcome.CONFIGURATION_ERROR, "fields_missing")
    assert evidence.field == "x_abc"


def test_what_the_mapping_needs_no_more_is_no_loss() -> None:
    assert loss(PURCHASE, select(PURCHASE, ["number"]), {"number", "x_abc"}) is None


def test_two_fields_that_are_gone_are_named_in_words_only() -> None:
    evidence = loss(PURCHASE, select(PURCHASE, ["x_abc", "x_def"]), {"x_abc", "x_def"})
    assert evidence is not None
    assert evidence.field is None
    assert "x_abc, x_def" in (evidence.message or "")


def test_a_refusal_that_may_mean_nothing_is_there_is_one_of_what_was_read_before() -> None:
    unclear = Evidence(
        Outcome.PERMISSION_DENIED, Operation.READ, "parts", code=DENIED_OR_GONE, confidence="low"
    )
    assert remembered(unclear, ()) is unclear
    known = remembered(unclear, ("number",))
    assert (known.code, known.confidence) == ("access_denied", "medium")
    assert remembered(replace(unclear, field="name"), ("number",)).confidence == "low"
    assert remembered(replace(unclear, field="number"), ("number",)).confidence == "medium"


def test_a_field_is_custom_where_the_source_says_so_or_its_name_has_to() -> None:
    fields = (
        FieldDescription("YY1_shelf", "string", "Shelf"),
        FieldDescription("shelf", "string", "Shelf", custom=True),
        FieldDescription("name", "string", "Name"),
    )
    described = ObjectDescription("x", "x", fields)
    assert [one.name for one in marked(described, ["YY1_"]).fields if one.custom] == ["YY1_shelf", "shelf"]
    assert [one.name for one in marked(described, []).fields if one.custom] == ["shelf"]
