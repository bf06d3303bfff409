from pathlib import Path

from lineshaft.api.domain.choices import Choice, choices, sample_of
from lineshaft.common.events.commands import CommandProblem, SampledObject
from lineshaft.common.integrations import Catalog
from lineshaft.common.outcomes import Outcome

TRYTON = Catalog.load(Path(__file__).parents[4] / "integrations").system("tryton")
LOT = {"id": 3, "number": "PUMP-7", "active": True, "write_date": "2026-11-20T09:12:00Z"}


def shown(choice: Choice) -> dict[str, tuple[str, str]]:
    (sample,) = sample_of(TRYTON, choice)
    return {one.name: (one.value, ", ".join(path for path, _ in one.sources)) for one in sample.fields}


def found(*sampled: SampledObject) -> dict[str, Choice]:
    return {one.object: one for one in choices(TRYTON, sampled)}


def test_a_record_as_it_will_be_mapped_in_words_and_the_fullest_one() -> None:
    lot = found(SampledObject(object="stock.lot", records=[{"id": 1}, LOT]))["stock.lot"]
    fields = shown(lot)
    assert fields["Number"] == ("PUMP-7", "number")
    assert fields["Status"] == ("In service", "active")
    assert fields["Updated at"] == ("20 November 2026, 09:12 UTC", "write_date")


def test_each_object_with_whose_move_it_is_where_it_shows_nothing() -> None:
    def refused(name: str, outcome: Outcome) -> SampledObject:
        problem = CommandProblem(code=str(outcome), message="x", outcome=outcome)
        return SampledObject(object=name, problem=problem)

    offered = found(
        refused("party.party", Outcome.PERMISSION_DENIED),
        refused("product.product", Outcome.CONFIGURATION_ERROR),
        refused("stock.lot", Outcome.SOURCE_ERROR),
        SampledObject(object="stock.location"),
    )
    assert list(offered) == list(TRYTON.objects_for())
    assert "Whoever looks after Tryton can allow that" in offered["party.party"].refusal
    assert "does not have it here" in offered["product.product"].refusal
    assert "There is nothing to do" in offered["stock.lot"].refusal
    assert offered["stock.location"].refusal == ""
    assert "There is nothing to do" in offered["purchase.purchase"].refusal, "nobody has looked"
    assert {name for name, one in offered.items() if not one.sensible} == {"party.party", "product.product"}
    assert sample_of(TRYTON, offered["stock.location"]) == []
