import pytest

from lineshaft.common.errors import DeadLetterError
from lineshaft.connector.domain.sync_requests import MappedObject, objects_asked_for

from .rig import CATALOG, OBJECTS

SYSTEM = CATALOG.system("tryton")
MACHINE = MappedObject("custom:machine", "plant.machine")


def test_all_objects_where_none_is_named() -> None:
    assert sorted(objects_asked_for(SYSTEM, [], None, None)) == sorted(OBJECTS)
    assert "plant.machine" in objects_asked_for(SYSTEM, [MACHINE], None, None)


def test_what_was_chosen_and_what_was_added_where_none_is_named() -> None:
    asked = objects_asked_for(SYSTEM, [MACHINE], None, None, chosen=["stock.lot"])
    assert asked == ["stock.lot", "plant.machine"]
    with pytest.raises(DeadLetterError, match=r"product\.product: not among"):
        objects_asked_for(SYSTEM, [], ["item"], None, chosen=["stock.lot"])


def test_entities_and_objects_together_each_once() -> None:
    asked = objects_asked_for(SYSTEM, [MACHINE], ["item", "custom:machine"], ["product.product", "stock.lot"])
    assert asked == ["product.product", "plant.machine", "stock.lot"]


def test_an_entity_that_is_mapped_from_another_object_is_read_from_both() -> None:
    asked = objects_asked_for(SYSTEM, [MappedObject("item", "product.template")], ["item"], None)
    assert asked == ["product.product", "product.template"]


@pytest.mark.parametrize(
    ("entities", "objects", "words"),
    [
        (["meter"], None, "no entity 'meter' here; it has asset"),
        (None, ["nope"], "no object 'nope' here"),
        ([], [], "neither"),
    ],
)
def test_what_it_does_not_have(entities: list[str] | None, objects: list[str] | None, words: str) -> None:
    with pytest.raises(DeadLetterError, match=words):
        objects_asked_for(SYSTEM, [], entities, objects)
